package cyclonedx

import (
	"bufio"
	"fmt"
	"io"

	cdx "github.com/CycloneDX/cyclonedx-go"
)

const indent = "  "

// document is a bill of materials that is written member by member, in the order of the library's own encoder.
type document struct {
	to  *bufio.Writer
	err error // of the first write that failed
	encoding
}

// encoding is JSON or XML.
type encoding interface {
	// head begins the document.
	head(d *document, o Options, serial string)
	// member writes one that is no list.
	member(d *document, name string, value any)
	// element encodes one of a list.
	element(name string, value any) ([]byte, error)
	// before, between and after are what stands around the elements of a list.
	before(d *document, list string)
	between(d *document)
	after(d *document, list string)
	// end ends the document.
	end(d *document)
}

func newDocument(to io.Writer, o Options, serial string) *document {
	d := &document{to: bufio.NewWriterSize(to, 1<<16), encoding: new(jsonEncoding)}
	if o.XML {
		d.encoding = xmlEncoding{}
	}
	d.head(d, o, serial)
	return d
}

func (d *document) write(b []byte) {
	if d.err == nil {
		_, d.err = d.to.Write(b)
	}
}

func (d *document) writeText(format string, args ...any) {
	if d.err == nil {
		_, d.err = fmt.Fprintf(d.to, format, args...)
	}
}

func (d *document) fail(err error) {
	if d.err == nil {
		d.err = err
	}
}

func (d *document) close() error {
	d.end(d)
	if d.err != nil {
		return d.err
	}
	return d.to.Flush()
}

// list is a member that is an array of things with a bom-ref. An empty one is left out.
type list struct {
	out           *document
	name, element string
	count         int
	spool         *spool // nil: in the order of add
}

func (e *exporter) list(name, element string) *list {
	l := &list{out: e.out, name: name, element: element}
	if e.Reproducible {
		l.spool = &spool{}
	}
	return l
}

// add takes one element.
func (l *list) add(ref string, value any) error {
	encoded, err := l.out.element(l.element, value)
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
		l.out.before(l.out, l.name)
	} else {
		l.out.between(l.out)
	}
	l.count++
	l.out.write(encoded)
}

// close writes what was kept, sorted, and the end of the array.
func (l *list) close() error {
	if l.spool != nil {
		if err := l.spool.each(func(_ string, encoded []byte) error {
			l.write(encoded)
			return l.out.err
		}); err != nil {
			return err
		}
	}
	if l.count > 0 {
		l.out.after(l.out, l.name)
	}
	return l.out.err
}

// writeList writes a list that is in memory already.
func writeList[T any](d *document, name, element string, all []T) {
	l := &list{out: d, name: name, element: element}
	for _, one := range all {
		if err := l.add("", one); err != nil {
			d.fail(err)
			return
		}
	}
	if err := l.close(); err != nil {
		d.fail(err)
	}
}

// discard gives up what is kept.
func (l *list) discard() {
	if l.spool != nil {
		l.spool.discard()
	}
}

// namespace is what a version of the specification is known by in JSON and in XML.
func namespace(spec cdx.SpecVersion, o Options) string {
	if o.XML {
		return "http://cyclonedx.org/schema/bom/" + spec.String()
	}
	return "http://cyclonedx.org/schema/bom-" + spec.String() + ".schema.json"
}
