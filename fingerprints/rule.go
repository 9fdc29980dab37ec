package fingerprints

import (
	"fmt"
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"
	"sync"

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
	own        bool   // a user's: it wins over ours
	weak       bool   // of Recog: it gives way to all others
	file       string // where it stands
	line       int
}

// condition is one thing that a rule asks of the facts.
type condition struct {
	keys    []discovery.Key
	op      operator
	operand string
	re      func() *regexp.Regexp // of opMatch and opNot
	names   []string              // of its groups
	sieve   sieve
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

// compile checks a rule and makes it ready.
func compile(text ruleText, words *vocabulary) (*rule, error) {
	r := &rule{id: text.ID.text, source: text.Source, examples: text.Examples, instead: text.Instead}
	if r.id == "" {
		return nil, fmt.Errorf("a rule without an id")
	}
	if r.source == "" {
		return nil, fmt.Errorf("no source: neither the rule nor its file says where the knowledge comes from")
	}
	if text.Confidence <= 0 || text.Confidence > 0.99 {
		return nil, fmt.Errorf("confidence %v is not above 0 and up to 0.99", text.Confidence)
	}
	captures := map[string]bool{}
	for _, when := range text.When {
		c, err := parseCondition(when.text)
		if err != nil {
			return nil, err
		}
		if c.re != nil {
			for _, name := range c.names {
				if name == "" {
					return nil, fmt.Errorf("%q has a group without a name", when.text)
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
		parsed, err := parsePattern(operand)
		if err != nil {
			return c, fmt.Errorf("condition %q: %w", text, err)
		}
		c.names, c.sieve = parsed.CapNames()[1:], newSieve(parsed)
		c.re = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(operand) }) // most are never tried
	case "=":
		c.op = opEqual
	case "under":
		c.op = opUnder
	default:
		return c, fmt.Errorf("condition %q: unknown operator %q", text, word)
	}
	return c, nil
}

// parsePattern reads a pattern as package regexp does.
func parsePattern(pattern string) (*syntax.Regexp, error) { return syntax.Parse(pattern, syntax.Perl) }

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
		discovery.KeyHardware, discovery.KeyFirmware, discovery.KeySoftware, discovery.KeyOS, discovery.KeyType, discovery.KeyName, discovery.KeyDoubt:
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
