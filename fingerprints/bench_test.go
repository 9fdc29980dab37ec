package fingerprints

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"regexp/syntax"
	"strings"
	"testing"

	"github.com/walkdown-ot/walkdown/discovery"
)

// factPrice is what one fact may cost among 5,000 rules, in patterns tried: the measure of a machine that is busy with other
// things too. A pattern costs one to three microseconds; 50 microseconds a fact are allowed.
const factPrice = 8

// manyRules are n rules with the literals of the shipped ones: each further copy has the letters of its rarer literals changed,
// while words that many rules share ("version", "switch", "firmware") stay, so that the new ones crowd where the real ones do.
func manyRules(t testing.TB, n int) ruleIndex {
	t.Helper()
	real := mustDefault(t).rules.all
	uses := map[string]int{}
	for _, r := range real {
		for _, alternatives := range r.conditions[0].sieve.needs {
			for _, text := range alternatives {
				uses[text]++
			}
		}
	}
	random := rand.New(rand.NewPCG(5, 1)) // the same rules each time
	rules := append([]*rule(nil), real...)
	for i := 0; len(rules) < n; i++ {
		r := *real[i%len(real)]
		r.id = fmt.Sprintf("copy%d-%s", i, r.id)
		r.conditions = append([]condition(nil), r.conditions...)
		first := &r.conditions[0]
		switch first.op {
		case opMatch:
			re, err := syntax.Parse(first.operand, syntax.Perl)
			if err != nil {
				t.Fatal(err)
			}
			scramble(re, uses, random)
			c, err := parseCondition("a.b ~ " + re.String())
			if err != nil {
				t.Fatal(err)
			}
			c.keys = first.keys
			*first = c
		default:
			first.operand = fmt.Sprintf("%s.%d", first.operand, i)
		}
		rules = append(rules, &r)
	}
	return newRuleIndex(rules)
}

// scramble changes the letters of the literals that few rules share.
func scramble(re *syntax.Regexp, uses map[string]int, random *rand.Rand) {
	if re.Op == syntax.OpLiteral && uses[lowerASCII(string(re.Rune))] < 5 {
		for i, r := range re.Rune {
			if strings.ContainsRune("abcdefghijklmnopqrstuvwxyz", r|0x20) {
				re.Rune[i] = rune("etaoinshrdlucmfwypvbgkqjxz"[random.IntN(26)])
			}
		}
	}
	for _, sub := range re.Sub {
		scramble(sub, uses, random)
	}
}

// corpusFacts are the facts of the corpus, a list a device.
func corpusFacts(t testing.TB) [][]discovery.Fact {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(sharedDir(t, "identities"), "*.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	var out [][]discovery.Fact
	for _, path := range paths {
		eachLine(t, path, func(line []byte, _, _ string) {
			facts, err := ParseCorpusLine(line)
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, facts)
		})
	}
	return out
}

// tried counts the patterns that are tried on a value, past the sieves.
func (x ruleIndex) tried(key discovery.Key, v value) int {
	n := 0
	for _, k := range x.at(key) {
		for _, r := range k.candidates(v.text, v.lower) {
			if r.conditions[0].re != nil && r.conditions[0].sieve.passes(v.lower) {
				n++
			}
		}
	}
	return n
}

// TestFactsAreCheap counts the patterns tried on the facts of the corpus among 5,000 rules.
func TestFactsAreCheap(t *testing.T) {
	index := manyRules(t, 5000)
	facts, tried := 0, 0
	for _, device := range corpusFacts(t) {
		for key, vs := range gather(device) {
			for _, v := range vs {
				facts++
				tried += index.tried(key, v)
			}
		}
	}
	mean := float64(tried) / float64(facts)
	t.Logf("%d rules, %d facts, %.2f patterns tried on each", len(index.all), facts, mean)
	if mean > factPrice {
		t.Errorf("%.2f patterns are tried on a fact, want at most %d", mean, factPrice)
	}
}

// BenchmarkFact is the price of one fact of the corpus: among 5,000 rules, and among the shipped ones with all that follows
// (registries, the second look, the weighing).
func BenchmarkFact(b *testing.B) {
	devices := corpusFacts(b)
	facts := 0
	for _, device := range devices {
		facts += len(device)
	}
	b.Run("among_5000_rules", func(b *testing.B) {
		engine := mustDefault(b)
		index := manyRules(b, 5000)
		for b.Loop() {
			for _, device := range devices {
				said := gather(device)
				index.run(said, said, engine.newCandidates())
			}
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*facts), "ns/fact")
	})
	b.Run("whole_engine", func(b *testing.B) {
		engine := mustDefault(b)
		for b.Loop() {
			for _, device := range devices {
				engine.Identify(device)
			}
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*facts), "ns/fact")
	})
}

// BenchmarkDescription is the price of one description among the shipped rules.
func BenchmarkDescription(b *testing.B) {
	engine := mustDefault(b)
	facts := []discovery.Fact{discovery.NewFact("snmp.sysDescr", "Siemens, SIMATIC NET, SCALANCE X212-2, 6GK5 212-2BB00-2AA3, HW: 7, FW: V4.02")}
	b.ReportAllocs()
	for b.Loop() {
		engine.Identify(facts)
	}
}

// BenchmarkDefault is the price of loading the rules.
func BenchmarkDefault(b *testing.B) {
	for b.Loop() {
		mustDefault(b)
	}
}
