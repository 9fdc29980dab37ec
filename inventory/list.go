package inventory

import (
	"fmt"
	"slices"
	"strings"
)

// Line is a line of a list of assets, sorted by what its columns mean.
type Line struct {
	Number int
	Who    Who
	// Plate is what the line says of the nameplate in columns that tell whom it is about, by the names of NameplateFields: it is
	// compared, and taken in only for a device that only the list knows.
	Plate map[string]string
	// Stated is what a person says of the nameplate, from the columns NameplatePrefix with a name of NameplateFields.
	Stated map[string]string
	// Said is what a person says beyond that, by the name of the field. An empty value takes the one before back.
	Said map[string]string
}

// NameplatePrefix stands in front of the columns by which a person says what a nameplate says.
const NameplatePrefix = "nameplate_"

// annotationPrefix stands in front of the columns of annotations in the CSV export.
const annotationPrefix = "annotation_"

// List reads lines under the heads of a list.
type List struct {
	columns []listColumn
	split   func(cell string) []string
}

type listColumn struct {
	kind int
	name string
}

const (
	columnPassed = iota // known, and for people to read only
	columnWho           // tells whom the line is about
	columnStated
	columnSaid
)

// whoColumns are the heads that tell whom a line is about, in the spellings of other lists too, as ColumnName makes them.
func whoColumns() map[string]string {
	out := map[string]string{}
	for name, spellings := range map[string]string{
		"id":           "id asset_id walkdown_id conduit_id external_id zone_id",
		"site":         "site plant",
		"segment":      "segment network_segment cell",
		"name":         "name hostname host_name device_name tag bezeichnung gerätename",
		"vendor":       "vendor manufacturer maker make hersteller",
		"model":        "model model_name product modell typenbezeichnung",
		"order_number": "order_number order_no part_number article_number catalog_number mlfb bestellnummer artikelnummer",
		"serial":       "serial serial_number serial_no s_n sn seriennummer seriennr",
		"mac":          "mac macs mac_address mac_addresses mac_adresse physical_address",
		"ip":           "ip ips ip_address ip_addresses ip_adresse ipv4 ipv4_address address",
		"hardware":     "hardware hardware_version hardware_revision hw hw_version",
		"firmware":     "firmware firmware_version fw fw_version",
		"os":           "os operating_system betriebssystem",
		"type":         "type device_type gerätetyp",
	} {
		for word := range strings.FieldsSeq(spellings) {
			out[word] = name
		}
	}
	return out
}

// passedColumns are those of walkdown's own tables that people do not fill in, beside the ones that tell whom a line is about.
func passedColumns() []string {
	return []string{
		"names", "family", "firmware_raw", "software", "cpe", "cpe_candidate", "confidence", "vlan", "vlans", "protocols", "services", "components", "via",
		"mac_vendor", "role", "notes", "neighbours", "seen", "first_seen", "last_seen", "tlp", "level", "level_reason", "proposed_type", "zone_proposed", "zone_reason",
		"matchable_by", "matchability", "missing", "ports",
	}
}

// NewList reads the heads of a list about things with these fields; passed are further columns that are for reading only. split
// takes a cell with several addresses apart. A head that nothing is known of becomes a custom field.
func NewList(heads []string, fields []Field, passed []string, split func(string) []string) (*List, error) {
	l := &List{split: split}
	who := whoColumns()
	seen := map[listColumn]string{}
	passed = append(passedColumns(), passed...)
	for _, head := range heads {
		name := ColumnName(head)
		c := listColumn{columnSaid, strings.TrimPrefix(name, annotationPrefix)}
		isField := slices.ContainsFunc(fields, func(f Field) bool { return f.Name == c.name })
		plate, isPlate := strings.CutPrefix(name, NameplatePrefix)
		switch {
		case isField:
		case name == "":
			c.kind = columnPassed
		case isPlate && slices.Contains(NameplateFields(), plate):
			c = listColumn{columnStated, plate}
		case who[name] != "":
			c = listColumn{columnWho, who[name]}
		case slices.Contains(passed, name):
			c.kind = columnPassed
		default:
			c.name = CustomName(c.name)
		}
		if other, twice := seen[c]; twice && c.kind != columnPassed {
			return nil, fmt.Errorf("the columns %q and %q mean the same", other, head)
		}
		seen[c] = head
		l.columns = append(l.columns, c)
	}
	return l, nil
}

// Names are the columns that people fill in, as they are stored.
func (l *List) Names() []string {
	var out []string
	for _, c := range l.columns {
		switch c.kind {
		case columnStated:
			out = append(out, NameplatePrefix+c.name)
		case columnSaid:
			out = append(out, c.name)
		}
	}
	return out
}

// Identifies reports whether any column tells whom a line is about.
func (l *List) Identifies() bool {
	return slices.ContainsFunc(l.columns, func(c listColumn) bool {
		return c.kind == columnWho && slices.Contains([]string{"id", "serial", "mac", "ip", "name"}, c.name)
	})
}

// Line reads the cells of a line, which stand under the heads.
func (l *List) Line(number int, cells []string) Line {
	line := Line{Number: number, Plate: map[string]string{}, Stated: map[string]string{}, Said: map[string]string{}}
	for i, c := range l.columns {
		cell := strings.TrimSpace(cells[i])
		switch c.kind {
		case columnStated:
			line.Stated[c.name] = cell
		case columnSaid:
			line.Said[c.name] = cell
		case columnWho:
			l.who(&line, c.name, cell)
		}
	}
	w := &line.Who
	w.Vendor, w.Serial, w.Name = line.Plate["vendor"], line.Plate["serial"], line.Plate["name"]
	return line
}

func (l *List) who(line *Line, name, cell string) {
	switch name {
	case "id":
		line.Who.ID = cell
	case "site":
		line.Who.Site = cell
	case "segment":
		line.Who.Segment = cell
	case "mac":
		line.Who.MACs = l.split(cell)
	case "ip":
		line.Who.IPs = l.split(cell)
	default:
		if cell != "" {
			line.Plate[name] = cell
		}
	}
}

// Mismatch is a field in which a list and what was observed contradict each other.
type Mismatch struct {
	Field    string `json:"field"`
	Listed   string `json:"listed"`
	Observed string `json:"observed"`
}

// Mismatches compares a line with the asset that it is about. What one of both does not say contradicts nothing, and neither do
// spellings: case, blanks, dashes, and a value that holds the other. An address contradicts when the asset has others of its kind
// and not this one.
func Mismatches(line Line, a Asset) []Mismatch {
	var out []Mismatch
	plate := map[string]string{}
	for name, value := range line.Plate {
		plate[name] = value
	}
	for name, value := range line.Stated {
		if value != "" {
			plate[name] = value
		}
	}
	for _, name := range NameplateFields() {
		observed := nameplateOf(a)[name]
		listed := plate[name]
		x, y := letters(listed), letters(observed)
		same := x == "" || y == "" || x == y || name != "serial" && name != "firmware" && name != "hardware" && (strings.Contains(x, y) || strings.Contains(y, x))
		switch name {
		case "name":
			same = same || slices.ContainsFunc(a.Names, func(n string) bool { return strings.EqualFold(n, listed) })
		case "firmware", "hardware":
			same = same || versionOf(listed) == versionOf(observed) || name == "firmware" && letters(a.FirmwareRaw) == x
		}
		if !same {
			out = append(out, Mismatch{name, listed, observed})
		}
	}
	compare := func(field string, listed []string, of func(Address) string) {
		var observed []string
		for _, address := range a.Addresses {
			if text := of(address); text != "" {
				observed = append(observed, text)
			}
		}
		for _, text := range listed {
			if clean := cleanAddress(text); clean != "" && len(observed) > 0 && !slices.Contains(observed, clean) {
				out = append(out, Mismatch{field, clean, strings.Join(observed, "; ")})
			}
		}
	}
	compare("mac", line.Who.MACs, func(x Address) string { return x.MAC })
	compare("ip", line.Who.IPs, func(x Address) string { return x.IP })
	if s := line.Who.Segment; s != "" && s != a.Segment && !slices.ContainsFunc(a.Addresses, func(x Address) bool { return x.Segment == s }) {
		out = append(out, Mismatch{"segment", s, a.Segment})
	}
	return out
}

// versionOf is a version without what is put in front: "V2.8.1" is 2.8.1.
func versionOf(text string) string { return strings.TrimLeft(strings.ToLower(text), "v ") }

// nameplateOf is the nameplate of an asset, by the names of NameplateFields.
func nameplateOf(a Asset) map[string]string {
	firmware := a.Firmware
	if firmware == "" {
		firmware = a.FirmwareRaw
	}
	return map[string]string{
		"name": a.Name, "vendor": a.Vendor, "model": a.Model, "order_number": a.OrderNumber, "serial": a.Serial, "hardware": a.Hardware,
		"firmware": firmware, "os": a.OS, "type": a.Type,
	}
}
