package cyclonedx

import (
	"encoding/json"

	cdx "github.com/CycloneDX/cyclonedx-go"
)

// jsonEncoding writes a JSON object as the indented encoder of cyclonedx-go would write it whole.
type jsonEncoding struct{ members int }

func (j *jsonEncoding) head(d *document, o Options, serial string) {
	j.member(d, "$schema", namespace(o.spec, o))
	j.member(d, "bomFormat", cdx.BOMFormat)
	j.member(d, "specVersion", o.spec)
	j.member(d, "serialNumber", "urn:uuid:"+serial)
	j.member(d, "version", o.Revision)
}

func (j *jsonEncoding) member(d *document, name string, value any) {
	encoded, err := json.MarshalIndent(value, indent, indent)
	if err != nil {
		d.fail(err)
	}
	j.begin(d, name)
	d.write(encoded)
}

// begin writes what stands in front of a value.
func (j *jsonEncoding) begin(d *document, name string) {
	opening := ",\n"
	if j.members == 0 {
		opening = "{\n"
	}
	j.members++
	d.writeText("%s%s%q: ", opening, indent, name)
}

func (j *jsonEncoding) element(_ string, value any) ([]byte, error) {
	return json.MarshalIndent(value, indent+indent, indent)
}

func (j *jsonEncoding) before(d *document, list string) {
	j.begin(d, list)
	d.writeText("[\n%s%s", indent, indent)
}

func (j *jsonEncoding) between(d *document) { d.writeText(",\n%s%s", indent, indent) }

func (j *jsonEncoding) after(d *document, _ string) { d.writeText("\n%s]", indent) }

func (j *jsonEncoding) end(d *document) { d.writeText("\n}\n") }
