package cyclonedx

import (
	"bufio"
	"encoding/json"
	"io"
)

// stream writes a JSON object member by member, as the indented encoder of cyclonedx-go would write it whole. After an error it
// writes nothing more; close gives the error.
type stream struct {
	to      *bufio.Writer
	members int
	err     error
}

const indent = "  "

func newStream(to io.Writer) *stream { return &stream{to: bufio.NewWriterSize(to, 1<<16)} }

// member writes a whole member.
func (s *stream) member(name string, value any) {
	encoded, err := json.MarshalIndent(value, indent, indent)
	if err != nil && s.err == nil {
		s.err = err
	}
	s.begin(name)
	s.write(encoded)
}

// begin writes what stands in front of a value.
func (s *stream) begin(name string) {
	opening := ",\n"
	if s.members == 0 {
		opening = "{\n"
	}
	s.members++
	s.write([]byte(opening + indent + `"` + name + `": `))
}

func (s *stream) write(b []byte) {
	if s.err == nil {
		_, s.err = s.to.Write(b)
	}
}

func (s *stream) close() error {
	s.write([]byte("\n}\n"))
	if s.err != nil {
		return s.err
	}
	return s.to.Flush()
}

// list is a member that is an array of things with a bom-ref. An empty one is left out, as cyclonedx-go does.
type list struct {
	out   *stream
	name  string
	count int
	spool *spool // nil: in the order of add
}

func (e *exporter) list(name string) *list {
	l := &list{out: e.out, name: name}
	if e.Reproducible {
		l.spool = &spool{}
	}
	return l
}

// add takes one element.
func (l *list) add(ref string, value any) error {
	encoded, err := json.MarshalIndent(value, indent+indent, indent)
	if err != nil {
		return err
	}
	if l.spool != nil {
		return l.spool.add(ref, encoded)
	}
	l.write(encoded)
	return l.out.err
}

func (l *list) write(encoded []byte) {
	if l.count == 0 {
		l.out.begin(l.name)
		l.out.write([]byte("["))
	} else {
		l.out.write([]byte(","))
	}
	l.count++
	l.out.write([]byte("\n" + indent + indent))
	l.out.write(encoded)
}

// close writes what was kept, sorted, and the end of the array.
func (l *list) close() error {
	if l.spool != nil {
		if err := l.spool.each(l.write); err != nil {
			return err
		}
	}
	if l.count > 0 {
		l.out.write([]byte("\n" + indent + "]"))
	}
	return l.out.err
}

// discard gives up what is kept.
func (l *list) discard() {
	if l.spool != nil {
		l.spool.discard()
	}
}
