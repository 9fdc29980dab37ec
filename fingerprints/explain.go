package fingerprints

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/walkdown-ot/walkdown/discovery"
)

// Answer is what one rule said of one field, and what became of it.
type Answer struct {
	Key        discovery.Key
	Value      string
	Confidence float32 // as the rule gave it; that of the identity has been weighed
	Rule       string
	Where      string          // the rule's file and line; empty for what is no rule of a file (registries, first words)
	From       []discovery.Key // the facts it rests on
	Evidence   string          // the text that the rule was tried on
	Fate       Fate
	By         string // which rule's answer stands instead, or is agreed with
	Why        string // in words
}

// Fate is what becomes of an answer.
type Fate string

// The fates.
const (
	Won       Fate = "won"       // it is printed
	Agrees    Fate = "agrees"    // it says the same as the one that won
	Coarser   Fate = "coarser"   // it says less than the one that won, and does not contradict it
	Overruled Fate = "overruled" // another is surer
	Silenced  Fate = "silenced"  // a rule speaks instead of its rule
	Refused   Fate = "refused"   // it is no value: a placeholder, a word of no vocabulary
)

// Explain identifies, and tells what every rule said that spoke: by field, the winner first.
func (e *Engine) Explain(facts []discovery.Fact) ([]discovery.Fact, []Answer) {
	found := e.newCandidates()
	found.explain = true
	best := e.identify(facts, found)
	places := map[string]string{}
	for _, r := range e.rules.all {
		places[r.id] = r.file
		if r.line > 0 {
			places[r.id] = fmt.Sprintf("%s:%d", r.file, r.line)
		}
	}
	var out []Answer
	for _, c := range found.all {
		a := found.answer(c)
		a.Where = places[c.rule]
		out = append(out, a)
	}
	for _, c := range found.refused {
		a := answerOf(c)
		a.Fate, a.Why, a.Where = Refused, "it is no "+fieldName(c.key)+" but a placeholder, or a word that no list of ours has", places[c.rule]
		out = append(out, a)
	}
	order := map[discovery.Key]int{}
	for i, key := range discovery.SharedKeys() {
		order[key] = i
	}
	rank := map[Fate]int{Won: 0, Agrees: 1, Coarser: 2, Overruled: 3, Silenced: 4, Refused: 5}
	slices.SortStableFunc(out, func(a, b Answer) int {
		return cmp.Or(order[a.Key]-order[b.Key], rank[a.Fate]-rank[b.Fate], cmp.Compare(b.Confidence, a.Confidence), cmp.Compare(a.Rule, b.Rule))
	})
	return best, out
}

func fieldName(key discovery.Key) string { return string(key[len("id."):]) }

func answerOf(c candidate) Answer {
	return Answer{Key: c.key, Value: c.value, Confidence: c.confidence, Rule: c.rule, From: c.from, Evidence: c.evidence}
}

// answer tells what became of a candidate in the last weighing.
func (s *candidates) answer(c candidate) Answer {
	a := answerOf(c)
	if by := s.silenced[c.rule]; by != "" {
		a.Fate, a.By, a.Why = Silenced, by, "rule "+by+" speaks instead"
		return a
	}
	groups := s.groups[c.key]
	if len(groups) == 0 {
		a.Fate, a.Why = Refused, "nothing is left of it"
		return a
	}
	first := groups[0]
	a.By = first.best.rule
	switch {
	case c.sameAs(first.best) && c.rule == first.best.rule && c.evidence == first.best.evidence:
		a.Fate, a.By = Won, ""
		switch {
		case len(groups) > 1 && first.confidence < c.confidence:
			a.Why = fmt.Sprintf("%.2f after the others' disagreement", first.confidence)
		case first.confidence > c.confidence:
			a.Why = fmt.Sprintf("%.2f with those that agree", first.confidence)
		case first.confidence < c.confidence:
			a.Why = fmt.Sprintf("%.2f as long as nobody knows whose device it is", first.confidence)
		}
	case c.sameAs(first.best):
		a.Fate, a.Why = Agrees, "says the same as "+first.best.rule
	case s.compatible(c, first.best):
		a.Fate, a.Why = Coarser, fmt.Sprintf("does not contradict %q of %s", first.best.value, first.best.rule)
	case first.best.own && !c.own:
		a.Fate, a.Why = Overruled, fmt.Sprintf("the user's rule %s says %q", first.best.rule, first.best.value)
	default:
		a.Fate, a.Why = Overruled, fmt.Sprintf("%q by %s is surer", first.best.value, first.best.rule)
	}
	if c.demoted != "" {
		a.Why = c.demoted
	}
	return a
}
