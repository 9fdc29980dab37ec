package mms

import (
	"fmt"
	"io"
	"strings"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/wire"
)

// Services by their numbers (ISO 9506-2 clause 7.2), and identifiers inside them.
const (
	serviceNames = 1
	serviceRead  = 4

	namesResponse = 0xa1
	readResponse  = 0xa4
	classDomain   = 9 // of the objects whose names are listed
	visibleString = 0x1a
	namesList     = 0xa0
	namesClass    = 0xa0
	variables     = 0xa1 // of a read, which are listed (a0) and named (a0) in a domain (a1)
	results       = 0xa1
	valueText     = 0x8a // an access result: visible string, or a string of other characters
	valueString   = 0x90
)

// Bounds of what is remembered and told.
const (
	maxPending   = 8  // questions without an answer
	maxVariables = 64 // of a read
	maxDomains   = 64
)

// plateKeys are the attributes of the nameplates that are kept, by the end of their names: of the device (PhyNam of LPHD) and of the
// software of a logical device (NamPlt of LLN0) (IEC 61850-7-3:2010 tables 83 and 84).
func plateKey(item string) discovery.Key {
	parts := strings.Split(item, "$")
	if len(parts) != 4 || parts[1] != "DC" {
		return ""
	}
	switch parts[2] + "." + parts[3] {
	case "PhyNam.vendor":
		return KeyPhysicalVendor
	case "PhyNam.model":
		return KeyPhysicalModel
	case "PhyNam.serNum":
		return KeyPhysicalSerial
	case "PhyNam.hwRev":
		return KeyPhysicalHardware
	case "PhyNam.swRev":
		return KeyPhysicalSoftware
	case "PhyNam.location":
		return KeyPhysicalLocation
	case "NamPlt.vendor":
		return KeyLogicalVendor
	case "NamPlt.swRev":
		return KeyLogicalSoftware
	}
	return ""
}

// variable is what a read asks for.
type variable struct{ domain, item string }

// question is what is remembered of a request until its answer comes.
type question struct {
	invoke    string
	domains   bool       // for the names of domains
	variables []variable // of a read; those that are no nameplate's are empty
}

// newQuestion reads a request whose answer is to be told; false for another one.
func newQuestion(content []byte) (question, bool) {
	r := wire.NewReader(content)
	q := question{invoke: string(next(&r).content)}
	s, err := service(content)
	if err != nil {
		return q, false
	}
	switch s.number {
	case serviceNames:
		q.domains = asksDomains(s.content)
		return q, q.domains
	case serviceRead:
		q.variables = readVariables(s.content)
		for _, v := range q.variables {
			if v.item != "" {
				return q, true
			}
		}
	}
	return q, false
}

// asksDomains reports whether a request lists the domains (ISO 9506-2 clause 8.3: class, then scope).
func asksDomains(content []byte) bool {
	r := wire.NewReader(content)
	class := next(&r)
	inner := wire.NewReader(class.content)
	kind := next(&inner)
	return inner.Err() == nil && class.tag == namesClass && len(kind.content) == 1 && kind.content[0] == classDomain
}

// readVariables are those of a read that lists them, in order.
func readVariables(content []byte) []variable {
	r := wire.NewReader(content)
	var spec element
	for r.Len() > 0 && spec.tag != variables {
		spec = next(&r)
	}
	list := wire.NewReader(spec.content)
	named := next(&list)
	if spec.tag != variables || named.tag != namesList {
		return nil
	}
	var out []variable
	for items := wire.NewReader(named.content); items.Len() > 0 && len(out) < maxVariables; {
		one := next(&items)
		name := first(first(one.content, namesList), variables)
		ends := wire.NewReader(name)
		domain, item := next(&ends), next(&ends)
		v := variable{}
		if ends.Err() == nil && domain.tag == visibleString && plateKey(string(item.content)) != "" {
			v = variable{domain: discovery.Text(string(domain.content)), item: string(item.content)}
		}
		out = append(out, v)
	}
	return out
}

// first is the content of the first element, where it has this tag.
func first(content []byte, tag uint8) []byte {
	r := wire.NewReader(content)
	if e := next(&r); r.Err() == nil && e.tag == tag {
		return e.content
	}
	return nil
}

// parseNames reads an answer with names (ISO 9506-2 clause 8.3).
func parseNames(content []byte) ([]string, error) {
	r := wire.NewReader(content)
	list := next(&r)
	names := wire.NewReader(list.content)
	var out []string
	for r.Err() == nil && list.tag == namesList && names.Len() > 0 && len(out) < maxDomains {
		e := next(&names)
		if names.Err() == nil && e.tag == visibleString {
			out = append(out, discovery.Text(string(e.content)))
		}
	}
	if r.Err() != nil || names.Err() != nil {
		return out, fmt.Errorf("read list of names of %d bytes: %w", len(content), io.ErrUnexpectedEOF)
	}
	return out, nil
}

// parseResults reads the answer to a read: a text for each variable that is one, in order, and an empty one for the others.
func parseResults(content []byte) ([]string, error) {
	r := wire.NewReader(content)
	var list element
	for r.Len() > 0 && list.tag != results {
		list = next(&r)
	}
	var out []string
	values := wire.NewReader(list.content)
	for r.Err() == nil && list.tag == results && values.Len() > 0 && len(out) < maxVariables {
		e := next(&values)
		text := ""
		if values.Err() == nil && (e.tag == valueText || e.tag == valueString) {
			text = string(e.content)
		}
		out = append(out, text)
	}
	if r.Err() != nil || values.Err() != nil {
		return out, fmt.Errorf("read results of %d bytes: %w", len(content), io.ErrUnexpectedEOF)
	}
	return out, nil
}

// plate is the facts of an answer about one domain, by the names that were asked for.
func plate(asked []variable, texts []string, domain string) []discovery.Fact {
	var facts []discovery.Fact
	for i, v := range asked {
		if i >= len(texts) || v.item == "" || v.domain != domain {
			continue
		}
		if fact := discovery.NewFact(plateKey(v.item), texts[i]); fact.Value != "" {
			facts = append(facts, fact)
		}
	}
	return facts
}
