package fingerprints

import (
	"fmt"
	"strings"
)

// lint looks for what a rule's text alone cannot show, in the rules named (all others are what they live among): it speaks
// instead of a rule that does not exist, or can never win because another one always knows the same or better.
func lint(all, named []*rule) []error {
	known := map[string]bool{"leading-vendor": true, "leading-model": true, "table-enterprise": true, "table-oui": true}
	byCondition := map[string][]*rule{}
	for _, r := range all {
		known[r.id] = true
		for _, c := range r.conditions {
			byCondition[c.String()] = append(byCondition[c.String()], r)
		}
	}
	var mistakes []error
	mistake := func(r *rule, format string, args ...any) {
		mistakes = append(mistakes, &MistakeError{File: r.file, Line: r.line, Err: fmt.Errorf("rule %q "+format, append([]any{r.id}, args...)...)})
	}
	for _, r := range named {
		for _, id := range r.instead {
			if !known[id] {
				mistake(r, "speaks instead of %q, which is no rule", id)
			}
		}
		for _, c := range r.conditions {
			for _, other := range byCondition[c.String()] {
				if other.shadows(r) {
					mistake(r, "can never win: %s (%s:%d) speaks whenever it does, of the same fields, and is as sure", other.id, other.file, other.line)
				}
			}
		}
	}
	return mistakes
}

// shadows reports whether a rule makes another one useless: its conditions are among the other's, and it yields every field of
// the other, in fixed words or in the same ones, with the same confidence or more.
func (r *rule) shadows(other *rule) bool {
	if r == other || r.own != other.own && other.own {
		return false
	}
	for _, id := range other.instead {
		if id == r.id {
			return false
		}
	}
	has := map[string]bool{}
	for _, c := range other.conditions {
		has[c.String()] = true
	}
	for _, c := range r.conditions {
		if !has[c.String()] {
			return false
		}
	}
	surest := len(r.conditions) < len(other.conditions) || len(r.set) > len(other.set)
	for _, s := range other.set {
		covered := false
		for _, mine := range r.set {
			same := mine.template == s.template
			surer := mine.confidence > s.confidence && !strings.Contains(mine.template, "${")
			covered = covered || mine.key == s.key && (same && mine.confidence >= s.confidence || surer)
			surest = surest || mine.key == s.key && mine.confidence > s.confidence
		}
		if !covered {
			return false
		}
	}
	// Two rules that say the very same: the first one is the one to keep.
	return surest || r.id < other.id
}

// String is the condition as written, its keys in full.
func (c condition) String() string {
	keys := make([]string, len(c.keys))
	for i, key := range c.keys {
		keys[i] = string(key)
	}
	return strings.Join(keys, ",") + " " + [...]string{"~", "!~", "=", "under"}[c.op] + " " + c.operand
}
