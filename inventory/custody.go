package inventory

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Custody is what makes the record of a survey hold up later: by which clock it was written, what identified the devices, and which
// files it was read from. Operator, permission, plug-in point and version stand in the survey itself.
type Custody struct {
	Clock    *Clock            `json:"clock,omitempty"`    // nil: the system does not tell
	Versions map[string]string `json:"versions,omitempty"` // of the rules and registries, by name
	Captures []CaptureFile     `json:"captures,omitempty"` // that were read, or written by the survey
}

// Clock is what the system knew of its own clock when the survey began. Nobody was asked for the time.
type Clock struct {
	Synchronized bool    `json:"synchronized"`           // something keeps it right (NTP, PTP, GPS)
	OffsetMS     float64 `json:"offset_ms,omitempty"`    // what is left to correct, as the system knows
	MaxErrorMS   float64 `json:"max_error_ms,omitempty"` // how far off it may be at most, as the system says; only when synchronised
	Source       string  `json:"source"`                 // who says so: "kernel"
}

// CaptureFile is a file of frames.
type CaptureFile struct {
	File   string `json:"file"`
	SHA256 string `json:"sha256"`
	Bytes  int64  `json:"bytes"`
	Own    bool   `json:"own,omitempty"` // the survey's own traffic, which it wrote
}

// Particular is a thing about a survey in words: what it is, and how it is.
type Particular struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Record is how a survey is recorded, in words, for those who have to rely on it later: by whom and with which permission, from which
// place, by which clock, with which versions, and from which files. What is not known is left out.
func (v Survey) Record() []Particular {
	var out []Particular
	add := func(name, value string) {
		if value != "" {
			out = append(out, Particular{name, value})
		}
	}
	add("operator", v.Operator)
	add("permission", v.Permission)
	add("scope", strings.Join(v.Scope, ", "))
	add("site", v.Site)
	add("segment", v.Segment)
	add("sensor", v.Sensor)
	add("sensor's own", strings.Join(v.Own, ", "))
	add("plugged into", v.Plug.words())
	add("gateway", v.Plug.GatewayMAC)
	add("network", v.Plug.Address)
	add("clock", v.Custody.Clock.words())
	add("program", strings.TrimSpace("walkdown "+v.Version))
	var versions []string
	for _, name := range slices.Sorted(maps.Keys(v.Custody.Versions)) {
		versions = append(versions, name+" "+v.Custody.Versions[name])
	}
	add("identified by", strings.Join(versions, ", "))
	for _, c := range v.Custody.Captures {
		name := "read from"
		if c.Own {
			name = "own traffic in"
		}
		add(name, fmt.Sprintf("%s, %d bytes, SHA-256 %s", c.File, c.Bytes, c.SHA256))
	}
	return out
}

// words are the switch and port, as far as they are known.
func (p PlugInPoint) words() string {
	var words []string
	add := func(before, value string) {
		if value != "" {
			words = append(words, before+value)
		}
	}
	add("", p.SwitchName)
	add("port ", p.Port)
	add("chassis ", p.Switch)
	return strings.Join(words, ", ")
}

// words say how right the clock was.
func (c *Clock) words() string {
	switch {
	case c == nil:
		return ""
	case !c.Synchronized:
		return "not synchronised, says the " + c.Source
	}
	return fmt.Sprintf("synchronised, %.3f ms to correct, at most %.3f ms wrong, says the %s", c.OffsetMS, c.MaxErrorMS, c.Source)
}
