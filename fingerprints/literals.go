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
		for _, texts := range spelledOut(re.Sub) {
			if !slices.ContainsFunc(all, func(some []string) bool { return slices.Equal(some, texts) }) {
				all = append(all, texts)
			}
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

// spelledOut finds literals that a concatenation breaks up: the parser makes D(?:IR|S[LR])- of DIR-|DSL-|DSR-, of which no
// piece is a gram long. Each run of pieces that match few texts gives these texts, as long as they must be.
func spelledOut(pieces []*syntax.Regexp) [][]string {
	var all [][]string
	pieces = flat(pieces)
	for at := 0; at < len(pieces); at++ {
		texts, end := []string{""}, at
		for ; end < len(pieces); end++ {
			next := product(texts, exactly(pieces[end]))
			if next == nil || len(next) > len(texts) && shortest(texts) > gram {
				break
			}
			texts = next
		}
		if end-at > 1 && shortest(texts) >= gram {
			all = append(all, texts)
			at = end - 1
		}
	}
	return all
}

// flat opens the groups and the concatenations inside a concatenation.
func flat(pieces []*syntax.Regexp) []*syntax.Regexp {
	var all []*syntax.Regexp
	for _, piece := range pieces {
		if piece.Op == syntax.OpCapture || piece.Op == syntax.OpConcat {
			all = append(all, flat(piece.Sub)...)
			continue
		}
		all = append(all, piece)
	}
	return all
}

// exactly gives all texts that a pattern matches, in lower case; nil when they are more than a few.
func exactly(re *syntax.Regexp) []string {
	switch re.Op {
	case syntax.OpEmptyMatch, syntax.OpBeginText, syntax.OpEndText, syntax.OpWordBoundary, syntax.OpNoWordBoundary:
		return []string{""}
	case syntax.OpLiteral:
		if text := literalText(re); len(text) == len(string(re.Rune)) {
			return []string{text}
		}
	case syntax.OpCharClass:
		return oneOf(re.Rune)
	case syntax.OpCapture:
		return exactly(re.Sub[0])
	case syntax.OpQuest:
		if texts := exactly(re.Sub[0]); texts != nil && len(texts) < maxAlternatives {
			return append([]string{""}, texts...)
		}
	case syntax.OpConcat:
		texts := []string{""}
		for _, sub := range re.Sub {
			texts = product(texts, exactly(sub))
		}
		return texts
	case syntax.OpAlternate:
		var texts []string
		for _, sub := range re.Sub {
			some := exactly(sub)
			if some == nil || len(texts)+len(some) > maxAlternatives {
				return nil
			}
			texts = append(texts, some...)
		}
		return texts
	}
	return nil
}

// oneOf gives the characters of a class of few ASCII ones, in lower case; ranges holds their first and last in turn.
func oneOf(ranges []rune) []string {
	var texts []string
	for i := 0; i+1 < len(ranges); i += 2 {
		if ranges[i+1] >= 0x80 || len(texts)+int(ranges[i+1]-ranges[i]) >= maxAlternatives/4 {
			return nil
		}
		for r := ranges[i]; r <= ranges[i+1]; r++ {
			if text := lowerASCII(string(r)); !slices.Contains(texts, text) {
				texts = append(texts, text)
			}
		}
	}
	return texts
}

// product puts each of the one behind each of the other; nil when that is too many, or one of them is nil.
func product(fronts, backs []string) []string {
	if len(fronts)*len(backs) > maxAlternatives {
		return nil
	}
	var out []string
	for _, front := range fronts {
		for _, back := range backs {
			out = append(out, front+back)
		}
	}
	return out
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
