package fingerprints

import (
	"bytes"
	"fmt"
	"io/fs"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/walkdown-ot/walkdown/discovery"
)

// rule is one rule, ready to run. Its format as data is described in rules/README.md.
type rule struct {
	id         string
	conditions []condition
	set        []setting
	instead    []string // rules whose answers are void when this one speaks
	source     string
	examples   []exampleText
}

// condition is one thing that a rule asks of the facts.
type condition struct {
	keys    []discovery.Key
	op      operator
	operand string
	re      *regexp.Regexp // of opMatch and opNot
}

type operator uint8

const (
	opMatch operator = iota // "~": RE2, anywhere in the value
	opNot                   // "!~": no value of the keys matches
	opEqual                 // "=": the whole value
	opUnder                 // "under": the object identifier itself, or one below it
)

// setting is one value that a rule yields.
type setting struct {
	key        discovery.Key
	template   string // with ${capture}
	confidence float32
}

// fileText, ruleText and exampleText are the YAML.
type fileText struct {
	Source string     `yaml:"source"`
	Rules  []ruleText `yaml:"rules"`
	// OIDs is a table of object identifiers: a row is a rule "snmp.sysObjectID under OID" that proves itself.
	OIDs map[string]map[string]string `yaml:"oids"`
	// Objects is a table of keys, or of SNMP scalars, under which a device says one value of its nameplate. ${value} is the whole
	// value.
	Objects map[string]map[string]string `yaml:"objects"`
	// Values is a table of keys, and of what each value under the key means.
	Values map[string]map[string]map[string]string `yaml:"values"`
	// Makers is a table of vendors that make, as far as plants see them, one type of thing.
	Makers map[string]string `yaml:"makers"`
}

type ruleText struct {
	ID         string             `yaml:"id"`
	When       []string           `yaml:"when"`
	Set        map[string]string  `yaml:"set"`
	Confidence float32            `yaml:"confidence"`
	But        map[string]float32 `yaml:"but"` // confidence of single fields that differs
	Instead    []string           `yaml:"instead"`
	Source     string             `yaml:"source"`
	Examples   []exampleText      `yaml:"examples"`
}

type exampleText struct {
	Given map[string]string `yaml:"given"`
	Want  map[string]string `yaml:"want"`  // what the whole engine must put first
	Never bool              `yaml:"never"` // a counter-example: the rule must not speak
}

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

// readRules reads rules/*.yaml in the order of their names.
func readRules(tree fs.FS, words *vocabulary, examples bool) ([]*rule, error) {
	paths, err := fs.Glob(tree, "rules/*.yaml")
	if err != nil {
		return nil, fmt.Errorf("list rules: %w", err)
	}
	var rules []*rule
	seen := map[string]string{}
	for _, path := range paths {
		text, err := fs.ReadFile(tree, path)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", path, err)
		}
		if !examples {
			text = withoutExamples(text)
		}
		var file fileText
		decoder := yaml.NewDecoder(bytes.NewReader(text))
		decoder.KnownFields(true)
		if err := decoder.Decode(&file); err != nil {
			return nil, fmt.Errorf("read %s: %w", path, err)
		}
		for oid := range file.OIDs {
			file.Rules = append(file.Rules, oidRule(oid, file.OIDs))
		}
		for key, row := range file.Objects {
			file.Rules = append(file.Rules, objectRule(key, row))
		}
		for key, rows := range file.Values {
			for value, row := range rows {
				file.Rules = append(file.Rules, valueRule(key, value, row))
			}
		}
		for vendor, kind := range file.Makers {
			file.Rules = append(file.Rules, makerRule(vendor, kind))
		}
		slices.SortFunc(file.Rules, func(a, b ruleText) int { return strings.Compare(a.ID, b.ID) })
		for _, text := range file.Rules {
			if text.Source == "" {
				text.Source = file.Source
			}
			r, err := compile(text, words)
			if err != nil {
				return nil, fmt.Errorf("rule %q of %s: %w", text.ID, path, err)
			}
			if other, ok := seen[r.id]; ok {
				return nil, fmt.Errorf("rule %q of %s: the id stands in %s too", r.id, path, other)
			}
			seen[r.id] = path
			rules = append(rules, r)
		}
	}
	return rules, nil
}

// withoutExamples drops the lines of the examples, which are half of the text and for the tests alone: reading YAML is what
// makes an engine cost its milliseconds.
func withoutExamples(text []byte) []byte {
	out := make([]byte, 0, len(text))
	inside := false
	for line := range bytes.Lines(text) {
		switch {
		case bytes.Equal(line, []byte("    examples:\n")):
			inside = true
		case !bytes.HasPrefix(line, []byte("      ")):
			inside = false
		}
		if !inside {
			out = append(out, line...)
		}
	}
	return out
}

// oidRule makes a rule of a row; the row is its own example. What a row does not state it has from the rows above it in the
// tree, and it speaks instead of them.
func oidRule(oid string, rows map[string]map[string]string) ruleText {
	text := ruleText{
		ID: oidID(oid), When: []string{"snmp.sysObjectID under " + oid}, Set: map[string]string{}, Confidence: oidConfidence,
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
		for field, value := range row {
			text.Set[field] = value
		}
	}
	if text.Set["type"] != "" {
		text.But = map[string]float32{"type": oidTypeConfidence}
	}
	text.Examples[0].Want = text.Set
	return text
}

func oidID(oid string) string { return "oid-" + strings.TrimPrefix(oid, "1.3.6.1.4.1.") }

// objectRule makes a rule of a row; its example is a value that any such object may have.
func objectRule(key string, row map[string]string) ruleText {
	id, isScalar := "object-"+strings.ReplaceAll(key, ".", "-"), '0' <= key[0] && key[0] <= '9'
	if isScalar {
		id, key = "object-"+strings.TrimPrefix(key, "1.3.6.1.4.1."), "snmp."+key
	}
	set, confidence := rowOf(row, objectConfidence)
	want := map[string]string{}
	for field, template := range set {
		want[field] = strings.ReplaceAll(template, "${value}", "XY-2000.17")
	}
	return ruleText{
		ID: id, When: []string{key + " ~ ^(?P<value>.+)$"}, Set: set, Confidence: confidence,
		Examples: []exampleText{{Given: map[string]string{strings.ReplaceAll(key, "*", "7"): "XY-2000.17"}, Want: want}},
	}
}

// valueRule makes a rule of a row; the row is its own example.
func valueRule(key, value string, row map[string]string) ruleText {
	set, confidence := rowOf(row, valueConfidence)
	return ruleText{
		ID: notInID.ReplaceAllString(strings.ToLower(key+"-"+value), "-"), When: []string{key + " = " + value}, Set: set, Confidence: confidence,
		Examples: []exampleText{{Given: map[string]string{key: value}, Want: set}},
	}
}

var notInID = regexp.MustCompile(`[^a-z0-9]+`)

// rowOf takes the confidence out of a row that states one. What it states in other than digits becomes 0, which compile refuses.
func rowOf(row map[string]string, confidence float32) (map[string]string, float32) {
	set := maps.Clone(row)
	if text, ok := set["confidence"]; ok {
		delete(set, "confidence")
		stated, _ := strconv.ParseFloat(text, 32)
		confidence = float32(stated)
	}
	return set, confidence
}

// makerRule makes a rule of a row; its example is a device that names its maker on its nameplate.
func makerRule(vendor, kind string) ruleText {
	return ruleText{
		ID: "maker-" + fold(vendor), When: []string{"id.vendor = " + vendor}, Set: map[string]string{"type": kind}, Confidence: makerConfidence,
		Examples: []exampleText{{Given: map[string]string{"modbus.vendor-name": vendor}, Want: map[string]string{"type": kind}}},
	}
}

// compile checks a rule and makes it ready.
func compile(text ruleText, words *vocabulary) (*rule, error) {
	r := &rule{id: text.ID, source: text.Source, examples: text.Examples, instead: text.Instead}
	if text.ID == "" || text.Source == "" {
		return nil, fmt.Errorf("no id or no source")
	}
	if text.Confidence <= 0 || text.Confidence > 0.99 {
		return nil, fmt.Errorf("confidence %v is not above 0 and up to 0.99", text.Confidence)
	}
	captures := map[string]bool{}
	for _, when := range text.When {
		c, err := parseCondition(when)
		if err != nil {
			return nil, err
		}
		if c.re != nil {
			for _, name := range c.re.SubexpNames()[1:] {
				if name == "" {
					return nil, fmt.Errorf("%q has a group without a name", when)
				}
				captures[name] = false
			}
		}
		r.conditions = append(r.conditions, c)
	}
	if len(r.conditions) == 0 || r.conditions[0].op == opNot {
		return nil, fmt.Errorf("the first condition must be one that finds something")
	}
	set := map[string]string{}
	for field, template := range text.Set {
		set[field] = template
		for _, name := range templateNames(template) {
			if _, ok := captures[name]; !ok {
				return nil, fmt.Errorf("%q uses a capture that no condition has", template)
			}
			captures[name] = true
		}
	}
	for name, used := range captures {
		if _, isField := fieldKey(name); isField && !used && set[name] == "" {
			set[name], used = "${"+name+"}", true // a capture named like a field is that field
		}
		if !used {
			return nil, fmt.Errorf("capture %q is not used", name)
		}
	}
	for field, template := range set {
		key, ok := fieldKey(field)
		if !ok {
			return nil, fmt.Errorf("%q is no field of an identity", field)
		}
		if !strings.Contains(template, "${") {
			if key == discovery.KeyVendor && !words.canonical[template] || key == discovery.KeyType && !words.types[template] {
				return nil, fmt.Errorf("%s %q is not in the vocabulary", field, template)
			}
		}
		s := setting{key: key, template: template, confidence: text.Confidence}
		if c, ok := text.But[field]; ok {
			s.confidence = c
		}
		r.set = append(r.set, s)
	}
	if len(r.set) == 0 {
		return nil, fmt.Errorf("it yields nothing")
	}
	for field := range text.But {
		if set[field] == "" {
			return nil, fmt.Errorf("a confidence for %q, which it does not yield", field)
		}
	}
	slices.SortFunc(r.set, func(a, b setting) int { return strings.Compare(string(a.key), string(b.key)) })
	return r, nil
}

// parseCondition reads "KEY[,KEY...] OPERATOR OPERAND".
func parseCondition(text string) (condition, error) {
	var c condition
	names, rest, _ := strings.Cut(text, " ")
	word, operand, ok := strings.Cut(rest, " ")
	if !ok {
		return c, fmt.Errorf("condition %q: want KEY OPERATOR OPERAND", text)
	}
	c.operand = operand
	for name := range strings.SplitSeq(names, ",") {
		c.keys = append(c.keys, expandKey(name)...)
	}
	switch word {
	case "~", "!~":
		c.op = opMatch
		if word == "!~" {
			c.op = opNot
		}
		re, err := regexp.Compile(operand)
		if err != nil {
			return c, fmt.Errorf("condition %q: %w", text, err)
		}
		c.re = re
	case "=":
		c.op = opEqual
	case "under":
		c.op = opUnder
	default:
		return c, fmt.Errorf("condition %q: unknown operator %q", text, word)
	}
	return c, nil
}

// expandKey gives the keys behind a name. "descr" stands for every text in which a device describes itself: the same words
// come over SNMP, LLDP and CDP. "banner" stands for what a server shows whoever connects.
func expandKey(name string) []discovery.Key {
	switch name {
	case "descr":
		return []discovery.Key{"snmp.sysDescr", "lldp.system-description", "cdp.version"}
	case "banner":
		return []discovery.Key{"telnet.banner", "ftp.banner", "http.title", "http.realm"}
	}
	return []discovery.Key{discovery.Key(name)}
}

// fieldKey gives the key of an identity's field; in a capture's name '_' stands for '-'.
func fieldKey(field string) (discovery.Key, bool) {
	key := discovery.Key("id." + strings.ReplaceAll(field, "_", "-"))
	switch key {
	case discovery.KeyVendor, discovery.KeyFamily, discovery.KeyModel, discovery.KeyOrderNumber, discovery.KeySerial,
		discovery.KeyHardware, discovery.KeyFirmware, discovery.KeySoftware, discovery.KeyOS, discovery.KeyType, discovery.KeyName:
		return key, true
	}
	return key, false
}

// templateNames gives the captures that a template uses.
func templateNames(template string) []string {
	var names []string
	for {
		_, rest, ok := strings.Cut(template, "${")
		if !ok {
			return names
		}
		name, after, ok := strings.Cut(rest, "}")
		if !ok {
			return names
		}
		names = append(names, name)
		template = after
	}
}
