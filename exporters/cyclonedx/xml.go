package cyclonedx

import (
	"bytes"
	"encoding/xml"

	cdx "github.com/CycloneDX/cyclonedx-go"
)

// xmlEncoding writes an XML document with the elements of cyclonedx-go.
type xmlEncoding struct{}

func (xmlEncoding) head(d *document, o Options, serial string) {
	d.writeText("%s<bom xmlns=%q serialNumber=\"urn:uuid:%s\" version=\"%d\">", xml.Header, namespace(o.spec, o), serial, o.Revision)
}

func (x xmlEncoding) member(d *document, name string, value any) {
	encoded, err := encodeElement(name, value, indent)
	if err != nil {
		d.fail(err)
	}
	d.write(encoded)
}

func (x xmlEncoding) element(name string, value any) ([]byte, error) {
	if s, ok := value.(cdx.Service); ok {
		value = orderedService(s)
	}
	return encodeElement(name, value, indent+indent)
}

// service is a service with its elements in the order of the schema, which cyclonedx-go 0.12 does not keep.
type service struct {
	BOMRef        string                    `xml:"bom-ref,attr"`
	Provider      *cdx.OrganizationalEntity `xml:"provider,omitempty"`
	Group         string                    `xml:"group,omitempty"`
	Name          string                    `xml:"name"`
	Endpoints     *[]string                 `xml:"endpoints>endpoint,omitempty"`
	Authenticated *bool                     `xml:"authenticated,omitempty"`
	Crosses       *bool                     `xml:"x-trust-boundary,omitempty"`
	TrustZone     string                    `xml:"trustZone,omitempty"`
	Data          *[]cdx.DataClassification `xml:"data>dataflow,omitempty"`
	Properties    *[]cdx.Property           `xml:"properties>property,omitempty"`
}

func orderedService(s cdx.Service) service {
	return service{s.BOMRef, s.Provider, s.Group, s.Name, s.Endpoints, s.Authenticated, s.CrossesTrustBoundary, s.TrustZone, s.Data, s.Properties}
}

// encodeElement gives an element on a line of its own, indented.
func encodeElement(name string, value any, prefix string) ([]byte, error) {
	var out bytes.Buffer
	out.WriteByte('\n')
	encoder := xml.NewEncoder(&out)
	encoder.Indent(prefix, indent)
	err := encoder.EncodeElement(value, xml.StartElement{Name: xml.Name{Local: name}})
	return out.Bytes(), err
}

func (xmlEncoding) before(d *document, list string) { d.writeText("\n%s<%s>", indent, list) }

func (xmlEncoding) between(*document) {}

func (xmlEncoding) after(d *document, list string) { d.writeText("\n%s</%s>", indent, list) }

func (xmlEncoding) end(d *document) { d.writeText("\n</bom>\n") }
