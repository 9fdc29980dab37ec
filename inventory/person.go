package inventory

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
)

// What a person says of an asset's nameplate is an observation like any other (discovery.Person), under keys of the protocol
// "person". It joins the asset's evidence, and fills a field that nothing else fills; it never goes before what was observed.

const (
	// PersonProtocol is the protocol of what people say.
	PersonProtocol = "person"
	// PathEntered is the piece of path that stands for a device without an address, such as one on a serial line: its value tells
	// it from others of its segment.
	PathEntered = "entered"
	// KeyEntered says that a person entered the device: EnteredYes, or EnteredNo when that was taken back.
	KeyEntered discovery.Key = "person.entered"
	// ruleStated is the rule of what people say.
	ruleStated = "stated"
	// statedSure is how sure a statement is: enough to be shown, not enough to be relied on for advisories.
	statedSure = 0.5
)

// The values of KeyEntered.
const (
	EnteredYes = "yes"
	EnteredNo  = "no"
)

// statedKeys are what a person can say of a nameplate, with what it deduces.
func statedKeys() map[discovery.Key]discovery.Key {
	return map[discovery.Key]discovery.Key{
		"person.name": discovery.KeyName, "person.vendor": discovery.KeyVendor, "person.model": discovery.KeyModel,
		"person.order-number": discovery.KeyOrderNumber, "person.serial": discovery.KeySerial, "person.hardware": discovery.KeyHardware,
		"person.firmware": discovery.KeyFirmware, "person.os": discovery.KeyOS, "person.type": discovery.KeyType,
	}
}

// NameplateFields are the names of what a person can say of a nameplate, in the order of a sheet.
func NameplateFields() []string {
	return []string{"name", "vendor", "model", "order_number", "serial", "hardware", "firmware", "os", "type"}
}

// StatedKey is the key under which a person's word for a nameplate field is kept.
func StatedKey(field string) discovery.Key {
	return discovery.Key(PersonProtocol + "." + strings.ReplaceAll(field, "_", "-"))
}

// stated are the deduced facts of what people say: of each field the newest word, which may take the one before back. What was
// found otherwise and says the same is not repeated.
func stated(evidence []Evidence, found []discovery.Fact) []discovery.Fact {
	var out []discovery.Fact
	newest := map[discovery.Key]Evidence{}
	for _, e := range evidence {
		if e.Mode != discovery.Person {
			continue
		}
		if before, ok := newest[e.Fact.Key]; !ok || e.Last.After(before.Last) || e.Last.Equal(before.Last) && e.Fact.Value > before.Fact.Value {
			newest[e.Fact.Key] = e
		}
	}
	if len(newest) == 0 {
		return nil
	}
	for said, means := range statedKeys() {
		value := newest[said].Fact.Value
		if value == "" || slices.ContainsFunc(found, func(f discovery.Fact) bool { return f.Key == means && f.Value == value }) {
			continue
		}
		out = append(out, discovery.Fact{Key: means, Value: value, Confidence: statedSure, Rule: ruleStated, From: []discovery.Key{said}})
	}
	slices.SortFunc(out, func(a, b discovery.Fact) int { return cmp.Compare(a.Key, b.Key) })
	return out
}

// observed is the evidence that is not a person's word.
func observed(evidence []Evidence) []Evidence {
	if !slices.ContainsFunc(evidence, func(e Evidence) bool { return e.Mode == discovery.Person }) {
		return evidence
	}
	return slices.DeleteFunc(slices.Clone(evidence), func(e Evidence) bool { return e.Mode == discovery.Person })
}

// isTakenBack reports whether the last word of people under a subject was that the device was entered by mistake.
func (s Sighting) isTakenBack() bool {
	var said, tookBack time.Time
	for _, e := range s.Evidence {
		switch {
		case e.Mode != discovery.Person:
		case e.Fact.Key == KeyEntered && e.Fact.Value == EnteredNo:
			tookBack = e.Last
		case e.Last.After(said):
			said = e.Last
		}
	}
	return tookBack.After(said)
}

// withoutMistakes are the sightings without what people took back: what was observed under the same subject stays.
func withoutMistakes(sightings []Sighting) []Sighting {
	if !slices.ContainsFunc(sightings, Sighting.isTakenBack) {
		return sightings
	}
	out := make([]Sighting, 0, len(sightings))
	for _, s := range sightings {
		if s.isTakenBack() {
			s.Evidence = observed(s.Evidence)
		}
		if len(s.Evidence)+len(s.Talks) > 0 {
			out = append(out, s)
		}
	}
	return out
}

// isEntered reports whether a path stands for a device without an address.
func isEntered(path string) bool {
	key, _, _ := strings.Cut(path, "=")
	return key == PathEntered
}

// enteredMark is what a device without an address is recognised by.
func enteredMark(site, segment, path string) Mark {
	return Mark{Kind: MarkEntered, Site: site, Segment: segment, Value: path}
}

// heardSpan is when the device itself was met; empty where only people know of it.
func heardSpan(evidence []Evidence, talks []Talk) (first, last time.Time) {
	var s span
	for _, e := range evidence {
		if e.Mode != discovery.Person {
			s.add(e.First, e.Last)
		}
	}
	for _, t := range talks {
		s.add(t.First, t.Last)
	}
	return s.first, s.last
}
