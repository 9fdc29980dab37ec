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
				for _, r := range k.candidates(v.text, v.lower) {
					r.try(v, all, out)
				}
			}
		}
	}
}

// try tests a rule whose first condition is to be met by v, and adds its yield.
func (r *rule) try(v value, said values, out *candidates) {
	if !r.mayTry(v, said) {
		return
	}
	captured := map[string]string{}
	sureness := v.sureness
	from := slices.Clone(v.from)
	if !r.conditions[0].met(v, captured) {
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
		if _, ok := out.silenced[id]; !ok {
			out.silenced[id] = r.id
		}
	}
	for _, s := range r.set {
		text := expand(s.template, captured)
		if text == "" {
			continue
		}
		out.add(candidate{
			key: s.key, value: text, confidence: s.confidence * sureness, from: from, rule: r.id, evidence: v.text,
			free: strings.HasPrefix(s.template, "${"), own: r.own, weak: r.weak,
		})
	}
}

// find looks for a value that meets the condition; for opNot it is met when none matches.
func (c condition) find(said values, captured map[string]string) (value, bool) {
	for _, key := range c.keys {
		for _, v := range said[key] {
			if c.op == opNot {
				if c.sieve.passes(v.lower) && c.re().MatchString(v.text) {
					return value{}, false
				}
			} else if c.met(v, captured) {
				return v, true
			}
		}
	}
	return value{}, c.op == opNot
}

// met tests one value and keeps its captures.
func (c condition) met(v value, captured map[string]string) bool {
	switch c.op {
	case opEqual:
		return v.text == c.operand
	case opUnder:
		rest, ok := strings.CutPrefix(v.text, c.operand)
		return ok && (rest == "" || rest[0] == '.')
	}
	if !c.sieve.passes(v.lower) {
		return false
	}
	if len(c.names) == 0 {
		return c.re().MatchString(v.text)
	}
	at := c.re().FindStringSubmatchIndex(v.text)
	if at == nil {
		return false
	}
	for i, name := range c.names {
		if from, to := at[2*i+2], at[2*i+3]; to > from {
			captured[name] = v.text[from:to]
		}
	}
	return true
}

// mayTry is the cheap part of a rule: whether its patterns have a chance. It says yes where it does not know.
func (r *rule) mayTry(v value, said values) bool {
	if !r.conditions[0].sieve.passes(v.lower) {
		return false
	}
	for _, c := range r.conditions[1:] {
		if c.op == opNot {
			continue
		}
		if !slices.ContainsFunc(c.keys, func(key discovery.Key) bool { return len(said[key]) > 0 }) {
			return false
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
