package fingerprints

import (
	"regexp"
	"slices"
	"strings"

	"github.com/walkdown-ot/walkdown/discovery"
)

// run tries the rules on the values at hand and adds what they yield; further conditions may look at all values.
func (x ruleIndex) run(at, all values, out *candidates) {
	keys := make([]discovery.Key, 0, len(at))
	for key := range at {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	for _, key := range keys {
		for _, k := range x.at(key) {
			for _, v := range at[key] {
				for _, r := range k.candidates(v.text) {
					r.try(v, all, out)
				}
			}
		}
	}
}

// try tests a rule whose first condition is to be met by v, and adds its yield.
func (r *rule) try(v value, said values, out *candidates) {
	captured := map[string]string{}
	sureness := v.sureness
	from := slices.Clone(v.from)
	if !r.conditions[0].met(v.text, captured) {
		return
	}
	for _, c := range r.conditions[1:] {
		by, ok := c.find(said, captured)
		if !ok {
			return
		}
		if c.op != opNot {
			from = append(from, by.from...)
			sureness = min(sureness, by.sureness)
		}
	}
	for _, id := range r.instead {
		out.silenced[id] = true
	}
	for _, s := range r.set {
		text := expand(s.template, captured)
		if text == "" {
			continue
		}
		out.add(candidate{
			key: s.key, value: text, confidence: s.confidence * sureness, from: from, rule: r.id, evidence: v.text,
			free: strings.HasPrefix(s.template, "${"),
		})
	}
}

// find looks for a value that meets the condition; for opNot it is met when none matches.
func (c condition) find(said values, captured map[string]string) (value, bool) {
	for _, key := range c.keys {
		for _, v := range said[key] {
			if c.op == opNot {
				if c.re.MatchString(v.text) {
					return value{}, false
				}
			} else if c.met(v.text, captured) {
				return v, true
			}
		}
	}
	return value{}, c.op == opNot
}

// met tests one value and keeps its captures.
func (c condition) met(text string, captured map[string]string) bool {
	switch c.op {
	case opEqual:
		return text == c.operand
	case opUnder:
		rest, ok := strings.CutPrefix(text, c.operand)
		return ok && (rest == "" || rest[0] == '.')
	}
	groups := c.re.FindStringSubmatch(text)
	if groups == nil {
		return false
	}
	for i, name := range c.re.SubexpNames()[1:] {
		if groups[i+1] != "" {
			captured[name] = groups[i+1]
		}
	}
	return true
}

var templateName = regexp.MustCompile(`\$\{(\w+)\}`)

// expand fills a template. A template whose captures are all empty yields nothing.
func expand(template string, captured map[string]string) string {
	if !strings.Contains(template, "${") {
		return template
	}
	filled := false
	text := templateName.ReplaceAllStringFunc(template, func(name string) string {
		got := captured[name[2:len(name)-1]]
		filled = filled || got != ""
		return got
	})
	if !filled {
		return ""
	}
	return strings.Join(strings.Fields(text), " ")
}
