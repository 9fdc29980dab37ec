package notify

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/inventory"
)

// maxValue is the longest value that goes into a line; RFC 5424 section 6.1 lets receivers cut messages behind 2048 octets.
const maxValue = 120

// clean makes a value fit for a line: no control characters, no line ends, valid UTF-8, not too long. What devices say of themselves
// is the word of strangers.
func clean(value string) string {
	value = discovery.Text(value)
	if len(value) <= maxValue {
		return value
	}
	end := maxValue
	for !utf8.RuneStart(value[end]) {
		end--
	}
	return value[:end] + "…"
}

// sentence is a change in words.
func sentence(e inventory.Event) string {
	who := cmp.Or(e.Name, e.IP, e.MAC, e.Asset)
	if at := cmp.Or(e.IP, e.MAC); at != "" && at != who {
		who += " (" + at + ")"
	}
	what := e.Kind
	switch e.Kind {
	case inventory.Talked:
		what = "is asked by " + e.New + " over " + e.Attribute + " for the first time"
	case inventory.Reached:
		what = "talks to " + e.New + " outside over " + e.Attribute + " for the first time"
	case inventory.Changed, inventory.Moved:
		what += ": " + e.Attribute
		switch {
		case e.Old == "":
			what += ": new: " + e.New
		case e.New == "":
			what += ": gone: " + e.Old
		default:
			what += ": " + e.Old + " -> " + e.New
		}
	case inventory.Vanished:
		what += strings.TrimRight(": "+e.Via, ": ")
	}
	return clean(who) + " " + clean(what)
}

// line is a message in RFC 5424 section 6, without framing.
func line(e inventory.Event, facility int, host, version string, process int, cef bool) string {
	const notice, enterprise = 5, 32473 // the enterprise number for examples (RFC 5612): walkdown has none of its own
	message := sentence(e)
	if cef {
		message = commonEvent(e, version)
	}
	return fmt.Sprintf("<%d>1 %s %s walkdown %d change [walkdown@%d %s] \ufeff%s",
		facility*8+notice, e.Time.UTC().Format("2006-01-02T15:04:05.000Z"), name(host), process, enterprise, parameters(e), message)
}

// parameters are the change as structured data (section 6.3), empty values left out.
func parameters(e inventory.Event) string {
	escape := strings.NewReplacer(`\`, `\\`, `"`, `\"`, `]`, `\]`)
	var out []string
	for _, p := range fields(e) {
		if p[1] != "" {
			out = append(out, p[0]+`="`+escape.Replace(clean(p[1]))+`"`)
		}
	}
	return strings.Join(out, " ")
}

func fields(e inventory.Event) [][2]string {
	return [][2]string{
		{"number", strconv.FormatInt(e.Number, 10)},
		{"survey", e.Survey},
		{"asset", e.Asset},
		{"kind", e.Kind},
		{"attribute", e.Attribute},
		{"old", e.Old},
		{"new", e.New},
		{"via", e.Via},
		{"name", e.Name},
		{"ip", e.IP},
		{"mac", e.MAC},
		{"site", e.Site},
		{"segment", e.Segment},
	}
}

// name is a header field of section 6: printable ASCII without blanks.
func name(text string) string {
	text = strings.Map(func(r rune) rune {
		if r <= ' ' || r > '~' {
			return -1
		}
		return r
	}, text)
	return cmp.Or(text[:min(len(text), 255)], "-")
}

// commonEvent is the change in ArcSight's Common Event Format, version 0 (CEF Implementation Standard, sections 1 and 2).
func commonEvent(e inventory.Event, version string) string {
	header := strings.NewReplacer(`\`, `\\`, `|`, `\|`)
	value := strings.NewReplacer(`\`, `\\`, `=`, `\=`)
	severity := 3
	switch e.Kind {
	case inventory.Vanished, inventory.Moved:
		severity = 5
	case inventory.Reached:
		severity = 6
	}
	class := strings.TrimRight(e.Kind+":"+e.Attribute, ":")
	out := fmt.Sprintf("CEF:0|walkdown|walkdown|%s|%s|%s|%d|", header.Replace(clean(version)), header.Replace(clean(class)), header.Replace(sentence(e)), severity)
	extension := []string{
		"rt=" + strconv.FormatInt(e.Time.UnixMilli(), 10), "externalId=" + strconv.FormatInt(e.Number, 10), "act=" + value.Replace(clean(e.Kind)),
	}
	for _, p := range []struct{ key, label, value string }{
		{"dst", "", e.IP},
		{"dmac", "", e.MAC},
		{"dhost", "", e.Name},
		{"cs1", "asset", e.Asset},
		{"cs2", "attribute", e.Attribute},
		{"cs3", "old", e.Old},
		{"cs4", "new", e.New},
		{"cs5", "survey", e.Survey},
		{"cs6", "segment", strings.Trim(e.Site+"/"+e.Segment, "/")},
	} {
		if p.value == "" {
			continue
		}
		if p.label != "" {
			extension = append(extension, p.key+"Label="+p.label)
		}
		extension = append(extension, p.key+"="+value.Replace(clean(p.value)))
	}
	return out + strings.Join(extension, " ")
}

// legacy is a message as the local socket takes it everywhere (RFC 3164 section 4.1, without the host).
func legacy(e inventory.Event, facility, process int, version string, cef bool) string {
	const notice = 5
	message := sentence(e)
	if cef {
		message = commonEvent(e, version)
	}
	return fmt.Sprintf("<%d>%s walkdown[%d]: %s", facility*8+notice, e.Time.Local().Format(time.Stamp), process, message)
}
