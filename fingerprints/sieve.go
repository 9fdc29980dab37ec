package fingerprints

import (
	"regexp/syntax"
	"strings"
)

// sieve is what must hold for a pattern to have a chance, tested with plain comparisons on the lower-case text. Most patterns
// that are filed under a text's literal end here, which is ten times cheaper than trying them.
type sieve struct {
	start string     // the text begins with it: of a pattern that begins with ^ and a literal
	needs [][]string // of each list, one stands in the text
}

func newSieve(re *syntax.Regexp) sieve {
	re = re.Simplify()
	return sieve{start: beginning(re), needs: literalsOf(re)}
}

// passes reports whether the pattern is worth trying on a text, given in lower case.
func (s sieve) passes(lower string) bool {
	if !strings.HasPrefix(lower, s.start) {
		return false
	}
	for _, alternatives := range s.needs {
		if !containsAny(lower, alternatives) {
			return false
		}
	}
	return true
}

func containsAny(text string, parts []string) bool {
	for _, part := range parts {
		if strings.Contains(text, part) {
			return true
		}
	}
	return false
}

// beginning gives the literal that a text must begin with, in lower case; empty when the pattern may match elsewhere.
func beginning(re *syntax.Regexp) string {
	for re.Op == syntax.OpCapture {
		re = re.Sub[0]
	}
	if re.Op != syntax.OpConcat || re.Sub[0].Op != syntax.OpBeginText {
		return ""
	}
	next := re.Sub[1]
	for {
		switch {
		case next.Op == syntax.OpCapture:
			next = next.Sub[0]
		case next.Op == syntax.OpConcat && len(next.Sub) > 0:
			next = next.Sub[0]
		case next.Op == syntax.OpLiteral:
			return literalText(next)
		default:
			return ""
		}
	}
}

// literalText is the beginning of a literal that stands in the text as it is, in lower case: letters beyond ASCII have more
// other cases than lower and upper.
func literalText(re *syntax.Regexp) string {
	text := string(re.Rune)
	if re.Flags&syntax.FoldCase != 0 {
		for i := range len(text) {
			if text[i] >= 0x80 {
				text = text[:i]
				break
			}
		}
	}
	return lowerASCII(text)
}
