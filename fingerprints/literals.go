package fingerprints

import (
	"math"
	"regexp/syntax"
	"slices"
)

// maxAlternatives bounds how many literals one rule is filed under.
const maxAlternatives = 64

// literalsOf gives what must stand in every text that the pattern matches: of each list, one of its literals (lower case, at
// least a gram long).
func literalsOf(re *syntax.Regexp) [][]string {
	switch re.Op {
	case syntax.OpLiteral:
		if text := literalText(re); len(text) >= gram {
			return [][]string{{text}}
		}
	case syntax.OpCapture, syntax.OpPlus:
		return literalsOf(re.Sub[0])
	case syntax.OpRepeat:
		if re.Min > 0 {
			return literalsOf(re.Sub[0])
		}
	case syntax.OpConcat:
		var all [][]string
		for _, sub := range re.Sub {
			all = append(all, literalsOf(sub)...)
		}
		return all
	case syntax.OpAlternate:
		var any []string
		for _, sub := range re.Sub {
			got := literalsOf(sub)
			if len(got) == 0 {
				return nil
			}
			any = append(any, slices.MaxFunc(got, func(a, b []string) int { return shortest(a) - shortest(b) })...)
		}
		if len(any) <= maxAlternatives {
			return [][]string{any}
		}
	}
	return nil
}

// shortest is the length of the shortest literal.
func shortest(texts []string) int {
	n := math.MaxInt
	for _, t := range texts {
		n = min(n, len(t))
	}
	return n
}

func lowerASCII(text string) string {
	for i := range len(text) {
		if c := text[i]; 'A' <= c && c <= 'Z' {
			b := []byte(text)
			for ; i < len(b); i++ {
				if 'A' <= b[i] && b[i] <= 'Z' {
					b[i] += 'a' - 'A'
				}
			}
			return string(b)
		}
	}
	return text
}
