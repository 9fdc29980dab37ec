// Package clean makes values fit for documents that keep their structure, such as JSON: whatever a device or a person has called
// something, its texts do no harm where they are shown.
package clean

import (
	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/exporters/texts"
)

// mostText is the longest text that is left, in bytes.
const mostText = 4096

// Value gives a copy of a value whose texts are clean (no control or bidirectional marks, not longer than mostText) and whose numbers
// JSON can hold.
func Value[T any](value T) T {
	return texts.Map(value, texts.Change{Text: func(text string) string {
		if text = discovery.Text(text); len(text) > mostText {
			text = discovery.Text(text[:mostText])
		}
		return text
	}})
}
