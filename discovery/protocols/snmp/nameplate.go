package snmp

import (
	_ "embed" // for nameplates.txt
	"slices"
	"strings"
	"sync"

	"github.com/walkdown-ot/walkdown/discovery"
)

// Bounds of the questions for nameplates.
const (
	// maxPlate is how many objects a row may name; an answer with so many fits into what every agent can send (484 bytes).
	maxPlate = 8
	// maxPlateController is how many of them a controller is asked for.
	maxPlateController = 3
	// maxKits is how many objects the row of a kit may name, whose answers are mostly empty.
	maxKits = 16
	// maxNameplates is how many messages ask for nameplates: of the maker, and where that is not known, of who answered; the first part
	// of the ENTITY-MIB, and the one behind it where that is a stack.
	maxNameplates = 3
)

const enterprises = "1.3.6.1.4.1."

// upsObjects is where the sysObjectID of UPSs stands whose makers have none of their own.
const upsObjects = "1.3.6.1.2.1.33."

//go:embed nameplates.txt
var nameplateText string

// nameplate is a row of nameplates.txt: what tells the most of a device of a maker, beside the system group.
type nameplate struct {
	prefix  string // of the sysObjectID behind enterprises, with a dot behind; one arc may be "*"
	objects []string
	part    bool // the first part of the ENTITY-MIB as well
}

// plates is nameplates.txt.
type plates struct {
	rows  []nameplate
	heard []string // objects that are kept and not asked
}

// readPlates reads the table once: it is the same for everybody. Its own test proves the text.
var readPlates = sync.OnceValue(func() plates {
	var p plates
	for line := range strings.Lines(nameplateText) {
		words := strings.Fields(line)
		switch {
		case len(words) < 2 || words[0] == "#":
		case words[0] == "heard":
			for _, word := range words[2:] {
				p.heard = append(p.heard, expand(words[1], word)...)
			}
		default:
			var row nameplate
			number, _, _ := strings.Cut(words[0], ".")
			for _, word := range words[1:] {
				if word == "part" {
					row.part = true
					continue
				}
				row.objects = append(row.objects, expand(number, word)...)
			}
			for prefix := range strings.SplitSeq(words[0], ",") {
				row.prefix = prefix + "."
				p.rows = append(p.rows, row)
			}
		}
	}
	return p
})

// expand gives the object ids behind a word of the table.
func expand(enterprise, word string) []string {
	switch other, isOther := strings.CutPrefix(word, "="); {
	case word == "ups":
		return below("1.3.6.1.2.1.33.1.1.", "1.0", "2.0", "3.0", "4.0")
	case word == "printer":
		return below("1.3.6.1.2.1.", "43.5.1.1.16.1", "43.5.1.1.17.1", "25.3.2.1.3.1")
	case isOther:
		return []string{enterprises + other}
	}
	return []string{enterprises + enterprise + "." + word}
}

func below(prefix string, rest ...string) []string {
	var out []string
	for _, r := range rest {
		out = append(out, prefix+r)
	}
	return out
}

// plateOf is the row for an object id, with its stars filled in. Without a row, only the first part of the ENTITY-MIB is asked.
func plateOf(oid string) nameplate {
	if strings.HasPrefix(oid, upsObjects) {
		return nameplate{objects: expand("", "ups")}
	}
	best := nameplate{part: true}
	id, ok := strings.CutPrefix(oid+".", enterprises)
	if !ok {
		return best
	}
	for _, row := range readPlates().rows {
		if len(row.prefix) <= len(best.prefix) {
			continue
		}
		before, after, varies := strings.Cut(row.prefix, "*")
		rest, ok := strings.CutPrefix(id, before)
		if !ok {
			continue
		}
		if !varies {
			best = row
			continue
		}
		arc, rest, _ := strings.Cut(rest, ".")
		if arc == "" || !strings.HasPrefix("."+rest, after) {
			continue
		}
		filled := nameplate{prefix: row.prefix, part: row.part}
		for _, o := range row.objects {
			filled.objects = append(filled.objects, strings.Replace(o, "*", arc, 1))
		}
		best = filled
	}
	return best
}

// isKit reports whether a row is that of a kit: it asks who of several makers it is.
func (n nameplate) isKit() bool {
	number, _, _ := strings.Cut(n.prefix, ".")
	return slices.Contains([]string{"8072", "2021", "10002"}, number)
}

// forClass is what of a row a device of this class is asked. Of infrastructure the parts are read anyway.
func (n nameplate) forClass(class discovery.Class) nameplate {
	switch class {
	case discovery.ClassInfrastructure:
		n.part = false
	case discovery.ClassController, discovery.ClassField: // one message, three objects
		if n.isKit() {
			n.objects = nil
		}
		n.objects = n.objects[:min(len(n.objects), maxPlateController)]
		n.part = len(n.objects) == 0
	}
	return n
}

// firstPart are the columns of the ENTITY-MIB of which the first row is asked: description, class, hardware, firmware, software, serial
// number, maker, model. Controllers are asked for three.
func firstPart(class discovery.Class) []string {
	if class == discovery.ClassController || class == discovery.ClassField {
		return columns(entPhysical, 10, 11, 13)
	}
	return columns(entPhysical, 2, 5, 8, 9, 10, 11, 12, 13)
}

// nameplateTemplate are the variables of the requests for nameplates: single objects of makers' MIBs, the UPS-, Printer- and
// HOST-RESOURCES-MIB, and the ENTITY-MIB's parts. Which ones stands in nameplates.txt.
func nameplateTemplate() string {
	var places []string
	for _, place := range []string{strings.TrimSuffix(enterprises, "."), "1.3.6.1.2.1.33.1.1", "1.3.6.1.2.1.43.5.1.1", "1.3.6.1.2.1.25.3.2.1.3", strings.TrimSuffix(entPhysical, ".")} {
		places = append(places, oidHex(place)+" *40")
	}
	return "each( 30 ber( 06 ber( one( " + strings.Join(places, " | ") + " ) ) 0500 ) )"
}

// keyVendorObjects stands for the keys of all objects of makers' MIBs that nameplates.txt names.
const keyVendorObjects discovery.Key = "snmp." + enterprises + "**"
