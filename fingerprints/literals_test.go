package fingerprints

import (
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"
	"testing"
)

// TestLiteralsStandInWhatMatches looks whether patterns are filed under a literal at all, and that no text which a pattern
// matches falls through the sieve.
func TestLiteralsStandInWhatMatches(t *testing.T) {
	for pattern, c := range map[string]struct {
		texts []string
		want  []string // the literals, where the pieces of the pattern hide them
	}{
		`\b(?P<model>(?:DIR|DSL|DSR)-\d{3})\b`:  {[]string{"DIR-615", "x DSR-250 y"}, []string{"dir-", "dsl-", "dsr-"}},
		`^(?:ZyXEL )?(?:GS|XGS)-?[12]\d{3}`:     {[]string{"GS1900", "ZyXEL XGS-2210", "XGS1250"}, nil},
		`^(?:Foo )?(?P<model>(?:KN|KH)\d{2})x`:  {[]string{"KN41x", "Foo KH10x"}, nil},
		`(?i)^ki[lk]o`:                          {[]string{"KILO", "ki\u212Ao"}, nil}, // the Kelvin sign folds to k
		`^F[579][DK]\d`:                         {[]string{"F5D7", "F9K1"}, nil},
		`a(?:b|)c`:                              {[]string{"abc", "ac"}, nil},
		`^(?:Foo|Ba[rz])?(?:-X)?\d Switch`:      {[]string{"Foo-X7 Switch", "7 Switch"}, []string{" switch"}},
		`(?:AB|CD){2}E`:                         {[]string{"ABCDE"}, nil},
		`^SM[CG] \w+|^Linksys[^a]SLM`:           {[]string{"SMG x", "Linksys SLM"}, nil},
		`[a-z]{2}9[[:alpha:]]`:                  {[]string{"ab9Z"}, nil},
		`^(?:x|y)(?:1|2)(?:\s|$|[^\w.])(?:p|q)`: {[]string{"x1 p", "y2-q"}, nil},
	} {
		re, err := syntax.Parse(pattern, syntax.Perl)
		if err != nil {
			t.Fatal(err)
		}
		s := newSieve(re)
		for _, text := range c.texts {
			if !regexp.MustCompile(pattern).MatchString(text) {
				t.Errorf("%s does not match %q", pattern, text)
			}
			if !s.passes(lowerASCII(text)) {
				t.Errorf("%q falls through the sieve %+v of %s", text, s, pattern)
			}
		}
		if c.want != nil && !slices.ContainsFunc(s.needs, func(some []string) bool {
			slices.Sort(some)
			return strings.Join(some, "|") == strings.Join(c.want, "|")
		}) {
			t.Errorf("%s needs %v, want %v among them", pattern, s.needs, c.want)
		}
	}
}
