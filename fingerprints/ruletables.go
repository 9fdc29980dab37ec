package fingerprints

import (
	"maps"
	"regexp"
	"strconv"
	"strings"
)

// The confidences of rows in tables. An object identifier is given out by the maker, who does not mix them up often; but
// agents built from a kit sometimes keep the kit's. A scalar of the maker's own MIB is a nameplate. What a maker mostly makes
// is no more than likely.
const (
	oidConfidence     = 0.93 // vendor, model, family
	oidTypeConfidence = 0.9
	objectConfidence  = 0.95
	valueConfidence   = 0.95 // a number of a standard
	makerConfidence   = 0.8
)

// tableRules makes a rule of each row of the tables in a file.
func (f *fileText) tableRules() []ruleText {
	var out []ruleText
	for oid := range f.OIDs {
		out = append(out, oidRule(oid, f.OIDs))
	}
	for key, row := range f.Objects {
		out = append(out, objectRule(key, row))
	}
	for key, rows := range f.Values {
		for value, row := range rows {
			out = append(out, valueRule(key, value, row))
		}
	}
	for vendor, kind := range f.Makers {
		out = append(out, makerRule(vendor, kind))
	}
	return out
}

// oidRule makes a rule of a row; the row is its own example. What a row does not state it has from the rows above it in the
// tree, and it speaks instead of them.
func oidRule(oid string, rows map[string]rowText) ruleText {
	line := rows[oid].line
	text := ruleText{
		ID: placedText{oidID(oid), line}, When: []placedText{{"snmp.sysObjectID under " + oid, line}},
		Set: map[string]string{}, Confidence: oidConfidence,
		Examples: []exampleText{{Given: map[string]string{"snmp.sysObjectID": oid}}},
	}
	for end, c := range oid + "." {
		row, ok := rows[oid[:end]]
		if c != '.' || !ok {
			continue
		}
		if end < len(oid) {
			text.Instead = append(text.Instead, oidID(oid[:end]))
		}
		maps.Copy(text.Set, row.fields)
	}
	if text.Set["type"] != "" {
		text.But = map[string]float32{"type": oidTypeConfidence}
	}
	text.Examples[0].Want = text.Set
	return text
}

func oidID(oid string) string { return "oid-" + strings.TrimPrefix(oid, "1.3.6.1.4.1.") }

// objectRule makes a rule of a row; its example is a value that any such object may have.
func objectRule(key string, row rowText) ruleText {
	id, isScalar := "object-"+strings.ReplaceAll(key, ".", "-"), key != "" && '0' <= key[0] && key[0] <= '9'
	if isScalar {
		id, key = "object-"+strings.TrimPrefix(key, "1.3.6.1.4.1."), "snmp."+key
	}
	set, confidence := rowOf(row, objectConfidence)
	want := map[string]string{}
	for field, template := range set {
		want[field] = strings.ReplaceAll(template, "${value}", "XY-2000.17")
	}
	return ruleText{
		ID: placedText{id, row.line}, When: []placedText{{key + " ~ ^(?P<value>.+)$", row.line}}, Set: set, Confidence: confidence,
		Examples: []exampleText{{Given: map[string]string{strings.ReplaceAll(key, "*", "7"): "XY-2000.17"}, Want: want}},
	}
}

// valueRule makes a rule of a row; the row is its own example.
func valueRule(key, value string, row rowText) ruleText {
	set, confidence := rowOf(row, valueConfidence)
	return ruleText{
		ID:   placedText{notInID.ReplaceAllString(strings.ToLower(key+"-"+value), "-"), row.line},
		When: []placedText{{key + " = " + value, row.line}}, Set: set, Confidence: confidence,
		Examples: []exampleText{{Given: map[string]string{key: value}, Want: set}},
	}
}

var notInID = regexp.MustCompile(`[^a-z0-9]+`)

// rowOf takes the confidence out of a row that states one. What it states in other than digits becomes 0, which compile refuses.
func rowOf(row rowText, confidence float32) (map[string]string, float32) {
	set := maps.Clone(row.fields)
	if text, ok := set["confidence"]; ok {
		delete(set, "confidence")
		stated, _ := strconv.ParseFloat(text, 32)
		confidence = float32(stated)
	}
	return set, confidence
}

// makerRule makes a rule of a row; its example is a device that names its maker on its nameplate.
func makerRule(vendor string, kind placedText) ruleText {
	return ruleText{
		ID: placedText{"maker-" + fold(vendor), kind.line}, When: []placedText{{"id.vendor = " + vendor, kind.line}},
		Set: map[string]string{"type": kind.text}, Confidence: makerConfidence,
		Examples: []exampleText{{Given: map[string]string{"modbus.vendor-name": vendor}, Want: map[string]string{"type": kind.text}}},
	}
}
