package fingerprints

import (
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/walkdown-ot/walkdown/discovery"
)

// exampleFacts are the facts of an example, in a fixed order.
func exampleFacts(given map[string]string) []discovery.Fact {
	var facts []discovery.Fact
	for key, value := range given {
		facts = append(facts, discovery.NewFact(discovery.Key(key), value))
	}
	slices.SortFunc(facts, func(a, b discovery.Fact) int { return strings.Compare(string(a.Key), string(b.Key)) })
	return facts
}

func best(facts []discovery.Fact, key discovery.Key) discovery.Fact {
	for _, f := range facts {
		if f.Key == key {
			return f
		}
	}
	return discovery.Fact{}
}

// TestRulesProveThemselves runs the examples of every rule: what it wants must come first, a counter-example must leave the
// rule silent, and in at least one example the rule itself must have won something, else it never can.
func TestRulesProveThemselves(t *testing.T) {
	engine, err := load(embedded, nil, true)
	if err != nil {
		t.Fatal(err)
	}
	if short := mustDefault(t); len(short.rules.all) != len(engine.rules.all) {
		t.Errorf("%d rules without their examples, %d with them", len(short.rules.all), len(engine.rules.all))
	}
	for _, r := range engine.rules.all {
		t.Run(r.id, func(t *testing.T) {
			proofs, won := 0, false
			for _, example := range r.examples {
				found, answers := engine.Explain(exampleFacts(example.Given))
				if example.Never {
					for _, f := range found {
						if f.Rule == r.id {
							t.Errorf("on %v it says %s %q", example.Given, f.Key, f.Value)
						}
					}
					continue
				}
				proofs++
				if len(example.Want) == 0 {
					t.Errorf("the example %v wants nothing", example.Given)
				}
				for field, want := range example.Want {
					key, ok := fieldKey(field)
					got := best(found, key)
					finer := (field == "family" || field == "model") && strings.Contains(fold(got.Value), fold(want))
					if !ok || got.Value != want && !finer {
						t.Errorf("on %v: %s is %q by %s, want %q", example.Given, field, got.Value, got.Rule, want)
					}
					won = won || got.Rule == r.id
				}
				// Who says the same as the table of order numbers is right, too.
				won = won || slices.ContainsFunc(answers, func(a Answer) bool {
					return a.Rule == r.id && a.Fate == Agrees && a.By == orderRule
				})
			}
			if proofs == 0 {
				t.Error("no example")
			}
			if !won {
				t.Error("wins in none of its examples: another rule always knows better")
			}
		})
	}
}

// TestRulesAreFiled looks for rules that can never win or silence nobody, and keeps the rules cheap: nearly all must be found by
// a literal.
func TestRulesAreFiled(t *testing.T) {
	engine := mustDefault(t)
	for _, mistake := range lint(engine.rules.all, engine.rules.all) {
		t.Error(mistake)
	}
	for key, k := range engine.rules.byKey {
		if len(k.always) > 24 {
			t.Errorf("%d rules are tried on every value of %s", len(k.always), key)
		}
	}
}

func TestRuleMistakesAreRefused(t *testing.T) {
	for name, text := range map[string]string{
		"no_id":               `{when: ['a.b ~ x(?P<model>y)'], confidence: 0.9}`,
		"unnamed_group":       `{id: a, when: ['a.b ~ x(y)'], set: {model: m}, confidence: 0.9}`,
		"unused_capture":      `{id: a, when: ['a.b ~ x(?P<thing>y)'], set: {model: m}, confidence: 0.9}`,
		"unknown_capture":     `{id: a, when: ['a.b ~ x'], set: {model: '${thing}'}, confidence: 0.9}`,
		"unknown_vendor":      `{id: a, when: ['a.b ~ x'], set: {vendor: Nobody at all}, confidence: 0.9}`,
		"unknown_type":        `{id: a, when: ['a.b ~ x'], set: {type: toaster}, confidence: 0.9}`,
		"unknown_field":       `{id: a, when: ['a.b ~ x'], set: {colour: red}, confidence: 0.9}`,
		"too_sure":            `{id: a, when: ['a.b ~ x'], set: {model: m}, confidence: 1}`,
		"yields_nothing":      `{id: a, when: ['a.b ~ x'], confidence: 0.9}`,
		"only_a_denial":       `{id: a, when: ['a.b !~ x'], set: {model: m}, confidence: 0.9}`,
		"no_operator":         `{id: a, when: ['a.b x'], set: {model: m}, confidence: 0.9}`,
		"unknown_operator":    `{id: a, when: ['a.b like x'], set: {model: m}, confidence: 0.9}`,
		"bad_pattern":         `{id: a, when: ['a.b ~ ['], set: {model: m}, confidence: 0.9}`,
		"sure_of_nothing":     `{id: a, when: ['a.b ~ x'], set: {model: m}, confidence: 0.9, but: {type: 0.5}}`,
		"unknown_key_of_yaml": `{id: a, when: ['a.b ~ x'], set: {model: m}, confidence: 0.9, weight: 3}`,
		"twice":               "{id: a, when: ['a.b ~ x'], set: {model: m}, confidence: 0.9}\n  - {id: a, when: ['a.b ~ x'], set: {model: m}, confidence: 0.9}",
	} {
		t.Run(name, func(t *testing.T) {
			tree := fstest.MapFS{
				"rules/a.yaml":           {Data: []byte("source: test\nrules:\n  - " + text + "\n")},
				"rules/cpe.txt":          {},
				"rules/likely.txt":       {},
				"vocabulary/vendors.txt": {Data: []byte("Siemens\n")},
				"vocabulary/types.txt":   {Data: []byte("plc\n")},
			}
			if _, err := load(tree, nil, true); err == nil {
				t.Error("it was accepted")
			}
		})
	}
}
