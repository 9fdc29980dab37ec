package fingerprints

import (
	"math"
	"slices"
	"strings"

	"github.com/walkdown-ot/walkdown/discovery"
)

// ruleIndex finds the few rules that can speak about a value without trying all. A rule is filed under its first condition.
type ruleIndex struct {
	byKey map[discovery.Key]*keyIndex
	wild  []discovery.Key // keys with a '*' in them, sorted
	all   []*rule
}

type keyIndex struct {
	grams  [1 << 10]uint64      // a bit per hash of a gram: most windows of a value end here
	filed  map[uint32][]literal // gram -> rules whose pattern holds a literal with it
	equal  map[string][]*rule
	under  map[string][]*rule
	always []*rule // patterns without a literal of gram length
}

// literal is a text that must stand in the value (lower case) for the rule to be worth trying.
type literal struct {
	text string
	rule *rule
}

// gram is the length of the windows that are looked up, in bytes.
const gram = 3

func newRuleIndex(rules []*rule) ruleIndex {
	index := ruleIndex{byKey: map[discovery.Key]*keyIndex{}, all: rules}
	// How often each gram stands in any rule: a rule is filed under its rarest literal. "Version" would be no help.
	uses := map[uint32]int{}
	options := make([][][]string, len(rules))
	for i, r := range rules {
		if first := r.conditions[0]; first.op == opMatch {
			options[i] = first.sieve.needs
		}
		for _, alternatives := range options[i] {
			for _, text := range alternatives {
				for at := 0; at+gram <= len(text); at++ {
					uses[gramAt(text, at)]++
				}
			}
		}
	}
	for i, r := range rules {
		first := r.conditions[0]
		literals := rarest(options[i], uses)
		for _, key := range first.keys {
			k := index.byKey[key]
			if k == nil && strings.Contains(string(key), "*") {
				index.wild = append(index.wild, key)
			}
			if k == nil {
				k = &keyIndex{filed: map[uint32][]literal{}, equal: map[string][]*rule{}, under: map[string][]*rule{}}
				index.byKey[key] = k
			}
			k.add(r, first, literals, uses)
		}
	}
	slices.Sort(index.wild)
	return index
}

// rarest picks the alternatives whose commonest one is the least common.
func rarest(options [][]string, uses map[uint32]int) []string {
	var best []string
	least := math.MaxInt
	for _, alternatives := range options {
		worst := 0
		for _, text := range alternatives {
			_, n := rarestGram(text, uses)
			worst = max(worst, n)
		}
		if worst < least {
			best, least = alternatives, worst
		}
	}
	return best
}

// rarestGram gives the gram of a text that the fewest rules hold, and how many.
func rarestGram(text string, uses map[uint32]int) (best uint32, least int) {
	least = math.MaxInt
	for at := 0; at+gram <= len(text); at++ {
		if g := gramAt(text, at); uses[g] < least {
			best, least = g, uses[g]
		}
	}
	return best, least
}

// at gives the indexes for a key: its own, and those of the wild keys that it fits.
func (x ruleIndex) at(key discovery.Key) []*keyIndex {
	var out []*keyIndex
	if k := x.byKey[key]; k != nil {
		out = append(out, k)
	}
	if len(key) < len("snmp.1.") || key[:len("snmp.1.")] != "snmp.1." {
		return out
	}
	for _, wild := range x.wild {
		if fitsWild(string(wild), string(key)) {
			out = append(out, x.byKey[wild])
		}
	}
	return out
}

// fitsWild compares two object identifiers arc by arc; an arc "*" fits any one.
func fitsWild(wild, key string) bool {
	for {
		a, restA, moreA := strings.Cut(wild, ".")
		b, restB, moreB := strings.Cut(key, ".")
		if a != b && a != "*" || moreA != moreB {
			return false
		}
		if !moreA {
			return true
		}
		wild, key = restA, restB
	}
}

func (k *keyIndex) add(r *rule, c condition, literals []string, uses map[uint32]int) {
	switch {
	case c.op == opEqual:
		k.equal[c.operand] = append(k.equal[c.operand], r)
	case c.op == opUnder:
		k.under[c.operand] = append(k.under[c.operand], r)
	case len(literals) == 0:
		k.always = append(k.always, r)
	}
	for _, text := range literals {
		g, _ := rarestGram(text, uses)
		k.filed[g] = append(k.filed[g], literal{text: text, rule: r})
		h := gramHash(g)
		k.grams[h>>6] |= 1 << (h & 63)
	}
}

func gramAt(text string, i int) uint32 {
	return uint32(text[i]) | uint32(text[i+1])<<8 | uint32(text[i+2])<<16
}

func gramHash(g uint32) uint32 { return g * 2654435761 >> 16 }

// candidates gives the rules that may speak about a value, each once, in the order of their ids.
func (k *keyIndex) candidates(text, lower string) []*rule {
	found := append([]*rule(nil), k.always...)
	if len(k.equal) > 0 {
		found = append(found, k.equal[text]...)
	}
	if len(k.under) > 0 {
		for end := 0; end < len(text); end++ {
			if text[end] == '.' {
				found = append(found, k.under[text[:end]]...)
			}
		}
		found = append(found, k.under[text]...)
	}
	if len(k.filed) > 0 {
		for i := 0; i+gram <= len(lower); i++ {
			g := gramAt(lower, i)
			if h := gramHash(g); k.grams[h>>6]&(1<<(h&63)) == 0 {
				continue
			}
			for _, l := range k.filed[g] {
				if strings.Contains(lower, l.text) {
					found = append(found, l.rule)
				}
			}
		}
	}
	if len(found) > 1 {
		slices.SortFunc(found, func(a, b *rule) int { return strings.Compare(a.id, b.id) })
		found = slices.Compact(found)
	}
	return found
}
