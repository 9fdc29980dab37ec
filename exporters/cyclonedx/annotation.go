package cyclonedx

import (
	"time"

	cdx "github.com/CycloneDX/cyclonedx-go"
)

// remark is a sentence about an asset: a doubt of walkdown's, or a note of a person.
type remark struct {
	text   string
	person bool
}

// annotations are the remarks. Their time is when the asset was last seen: that is what they are about.
func (e *exporter) annotations() {
	var all []cdx.Annotation
	for _, id := range e.roll.ids() {
		l := e.roll.lines[id]
		for _, r := range l.remarks {
			a := cdx.Annotation{Subjects: &[]cdx.BOMReference{cdx.BOMReference(id)}, Timestamp: l.seen.UTC().Format(time.RFC3339), Text: r.text}
			if r.person {
				a.Annotator = &cdx.Annotator{Organization: organisation(text(e.Site))}
			} else {
				a.Annotator = &cdx.Annotator{Component: &cdx.Component{Type: cdx.ComponentTypeApplication, Name: "walkdown", Version: e.Version}}
			}
			all = append(all, a)
		}
	}
	writeList(e.out, "annotations", "annotation", all)
}
