package fingerprints

import (
	"regexp"
	"slices"
	"testing"

	"github.com/walkdown-ot/walkdown/discovery"
)

// TestSievesLoseNothing holds the index and the sieves against trying every rule on every value: on the corpus, and on the same in
// capitals, since many patterns look for any case.
func TestSievesLoseNothing(t *testing.T) {
	engine := mustDefault(t)
	byKey := map[discovery.Key][]*rule{}
	for _, r := range engine.rules.all {
		for _, key := range r.conditions[0].keys {
			byKey[key] = append(byKey[key], r)
		}
	}
	matched := 0
	for _, device := range corpusFacts(t) {
		for key, values := range gather(device) {
			for _, v := range values {
				var filed []*rule
				for _, k := range engine.rules.at(key) {
					filed = append(filed, k.candidates(v.text, v.lower)...)
				}
				for _, r := range byKey[key] {
					if c := r.conditions[0]; c.op == opMatch && c.re().MatchString(v.text) {
						matched++
						if !slices.Contains(filed, r) || !c.sieve.passes(v.lower) {
							t.Errorf("rule %s is not tried on %s %q", r.id, key, v.text)
						}
					}
				}
			}
		}
	}
	if matched < 1000 {
		t.Errorf("only %d matches to compare", matched)
	}
	for _, row := range engine.orders {
		if row.sieve.start != "" && !row.sieve.passes(row.sieve.start) && len(row.sieve.needs) == 0 {
			t.Errorf("%s:%d: the sieve refuses its own beginning", row.at.file, row.at.line)
		}
	}
}

func TestSieve(t *testing.T) {
	for _, c := range []struct {
		pattern, text string
		passes        bool
	}{
		{`^Siemens, .*FW: ?(V\d)`, "siemens, simatic fw: v2", true},
		{`^Siemens, .*FW: ?(V\d)`, "a siemens, fw: v2", false},
		{`^Siemens, .*Version`, "siemens, no such word", false},
		{`(?i)^siemens`, "siemens", true},
		{`(?i)größe \d`, "größe 7", true},
		{`(?i)GRÖSSE \d`, "grösse 7", true}, // what is not ASCII has more cases than the sieve knows
		{`alpha|beta`, "the beta", true},
		{`alpha|beta`, "gamma", false},
		{`alpha|\d`, "7", true},
		{`(?:abc)?def`, "def", true},
		{`(?:abc)+`, "abc", true},
		{`x{3,}`, "xxx", true},
		{`(?m)^line two`, "line one\nline two", true},
	} {
		re, err := parsePattern(c.pattern)
		if err != nil {
			t.Fatal(err)
		}
		if got := newSieve(re).passes(c.text); got != c.passes {
			t.Errorf("%s on %q: %v, want %v", c.pattern, c.text, got, c.passes)
		}
	}
}

// FuzzSieve: what a pattern matches, its sieve lets through.
func FuzzSieve(f *testing.F) {
	f.Add(`^(?i:Version) (\d+)|x{2}`, "version 7")
	f.Fuzz(func(t *testing.T, pattern, text string) {
		if len(pattern) > 100 || len(text) > 1000 {
			return
		}
		parsed, err := parsePattern(pattern)
		if err != nil {
			return
		}
		re, err := regexp.Compile(pattern)
		if err != nil {
			return
		}
		// Two letters beyond ASCII fold to letters of it, the long s and the Kelvin sign: no device spells itself with them.
		if re.MatchString(text) && !newSieve(parsed).passes(lowerASCII(text)) && !regexp.MustCompile(`[\x{17f}\x{212a}]`).MatchString(text+pattern) {
			t.Errorf("%q matches %q, and its sieve does not let it through", pattern, text)
		}
	})
}
