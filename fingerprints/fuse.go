package fingerprints

import (
	"regexp"
	"slices"
	"strings"

	"github.com/walkdown-ot/walkdown/discovery"
)

// candidate is one answer of one rule.
type candidate struct {
	key        discovery.Key
	value      string
	confidence float32
	from       []discovery.Key
	rule       string
	evidence   string // the value that the rule was tried on
	free       bool   // the text is the device's own, not the rule's
	spelt      bool   // a vendor that the vocabulary knows, or one that a registry names
	registered bool   // a vendor that a registry names
	own        bool   // by a rule of the user's
	weak       bool   // gives way to every answer that is more than a hint
	demoted    string // why it is but a hint
	folded     string // what counts of the value when it is compared
	version    string // of firmware: without the words around it
}

// candidates collects answers and weighs them.
type candidates struct {
	words    *vocabulary
	schemes  schemes
	all      []candidate
	silenced map[string]string // rules that a better one speaks instead of, and which that is
	groups   map[discovery.Key][]*group
	refused  []candidate // kept where somebody wants to know
	explain  bool
}

func (e *Engine) newCandidates() *candidates {
	return &candidates{words: &e.words, schemes: e.schemes, silenced: map[string]string{}}
}

// add cleans an answer and keeps it, unless it is none: a placeholder, an empty text, a word outside the vocabulary.
func (s *candidates) add(c candidate) {
	c.value = strings.Trim(discovery.Text(c.value), " ,;:-_\"'\\")
	if !s.plausible(&c) {
		if s.explain {
			s.refused = append(s.refused, c)
		}
		return
	}
	c.folded = fold(c.value)
	if c.key == discovery.KeyFirmware {
		c.version = s.schemes.normalise("", c.value)
		c.folded = fold(c.version)
	}
	for _, other := range s.all {
		if other.key == c.key && other.value == c.value && other.rule == c.rule && other.evidence == c.evidence {
			return
		}
	}
	s.all = append(s.all, c)
}

// unknownVendor is how much a vendor's name is worth that is in no list of ours: somebody said so.
const unknownVendor = 0.5

// defaultName is how much a name is worth that the device came with.
const defaultName = 0.3

func (s *candidates) plausible(c *candidate) bool {
	if c.value == "" || c.free && !isNameplate(c.value) {
		return false
	}
	switch c.key {
	case discovery.KeyVendor:
		if c.free && isPlaceholder(c.value) {
			return false
		}
		if c.registered {
			c.value, _ = s.words.registered(c.value)
			c.spelt = true
			return true
		}
		c.value, c.spelt = s.words.vendor(c.value)
		if !c.spelt {
			c.confidence = min(c.confidence, unknownVendor)
		}
		if isChipMaker(c.value) && c.free {
			c.confidence = min(c.confidence, unknownVendor)
		}
	case discovery.KeyType:
		return s.words.types[c.value]
	case discovery.KeySerial:
		return !isPlaceholder(c.value) && !isPlaceholderSerial(c.value)
	case discovery.KeyName:
		if isDefaultName(c.value) {
			c.confidence = min(c.confidence, defaultName)
			return true
		}
		return !isPlaceholder(c.value) && !isNoName(c.value)
	case discovery.KeyHardware:
		c.value = s.schemes.normalise("", c.value)
		return !isPlaceholder(c.value)
	case discovery.KeyModel, discovery.KeyFamily: // some put their own name there
		return !isPlaceholder(c.value) && (!c.free || s.words.spelling[fold(c.value)] == "")
	case discovery.KeyOrderNumber:
		if printed, ok := NormaliseMLFB(c.value); ok {
			c.value = printed
		}
		return !isPlaceholder(c.value)
	case discovery.KeyFirmware:
		return !isPlaceholder(c.value)
	}
	return true
}

// group is all answers that say the same.
type group struct {
	best       candidate
	from       []discovery.Key
	confidence float32
}

// givesWay reports whether an answer is of Recog alone and the other one is not, and more than a hint.
func (g *group) givesWay(to *group) bool {
	return g.best.weak && !to.best.weak && to.confidence > hint
}

// fuse weighs the answers: several facts that say the same raise it, a contradiction lowers it. For each field the best comes
// first. Firmware is given twice, normalised and as said.
func (s *candidates) fuse() []discovery.Fact {
	byKey := map[discovery.Key][]*group{}
	for _, c := range s.all {
		if s.silenced[c.rule] == "" {
			s.join(byKey, c)
		}
	}
	vendor := ""
	known := false
	if groups := s.weigh(byKey[discovery.KeyVendor]); len(groups) > 0 {
		byKey[discovery.KeyVendor] = groups
		vendor, known = groups[0].best.value, groups[0].best.spelt && groups[0].confidence > 0.5
	}
	var out []discovery.Fact
	for _, key := range discovery.SharedKeys() {
		groups := byKey[key]
		if key != discovery.KeyVendor {
			groups = s.weigh(groups)
			byKey[key] = groups
		}
		for _, g := range groups {
			// What a device says in its own words counts for little as long as nobody knows whose device it is.
			if !known && g.best.free && key != discovery.KeyName && key != discovery.KeyOS {
				g.confidence = min(g.confidence, 0.5)
			}
			if key == discovery.KeyModel {
				g.best.value = s.bareModel(vendor, g.best.value)
			}
			fact := discovery.Fact{Key: key, Value: g.best.value, Confidence: g.confidence, From: g.from, Rule: g.best.rule}
			if key == discovery.KeyFirmware {
				raw := fact
				raw.Key = discovery.KeyFirmwareRaw
				fact.Value = s.schemes.normalise(vendor, fact.Value)
				if fact.Value == "" {
					continue
				}
				out = append(out, fact, raw)
				continue
			}
			out = append(out, fact)
		}
	}
	order := map[discovery.Key]int{}
	for i, key := range discovery.SharedKeys() {
		order[key] = i
	}
	slices.SortStableFunc(out, func(a, b discovery.Fact) int { return order[a.Key] - order[b.Key] })
	s.groups = byKey
	return out
}

// bareModel takes the vendor's name, in any spelling, off the front of a model, unless only a number would be left: "NetBotz 420",
// "NetPing 2/PWR" are names, 420 and 2/PWR are none.
func (s *candidates) bareModel(vendor, model string) string {
	words := strings.Fields(model)
	for n := min(3, len(words)-1); n > 0; n-- {
		if name := s.words.spelling[fold(strings.Join(words[:n], " "))]; name != "" && name == vendor {
			rest := strings.Join(words[n:], " ")
			if bareNumber.MatchString(rest) {
				return model
			}
			return rest
		}
	}
	return model
}

// bareNumber is a model that is no name without its maker's in front.
var bareNumber = regexp.MustCompile(`^\d{1,4}[A-Z]?(?:$|/)`)

// join puts an answer to its group. Two answers of one fact are one witness: only the surer counts.
func (s *candidates) join(byKey map[discovery.Key][]*group, c candidate) {
	for _, g := range byKey[c.key] {
		if !c.sameAs(g.best) {
			continue
		}
		independent := !overlap(g.from, c.from)
		if independent {
			g.confidence = 1 - (1-g.confidence)*(1-c.confidence)
		} else {
			g.confidence = max(g.confidence, c.confidence)
		}
		if c.goesBefore(g.best) {
			g.best = c
		}
		for _, key := range c.from {
			if !slices.Contains(g.from, key) {
				g.from = append(g.from, key)
			}
		}
		return
	}
	byKey[c.key] = append(byKey[c.key], &group{best: c, from: slices.Clone(c.from), confidence: c.confidence})
}

// The weighing. Nothing is surer than maxConfidence. A hint (0.5 and less) contradicts nobody; above, a contradiction takes up
// to 0.4 of the answer. A longer answer that holds the shorter one is the same answer, only finer: it goes first unless it is
// less sure by more than finer.
const (
	maxConfidence = 0.99
	contradiction = 0.4
	finer         = 0.1
)

func (s *candidates) weigh(groups []*group) []*group {
	slices.SortStableFunc(groups, func(a, b *group) int {
		switch {
		case a.best.own != b.best.own:
			if a.best.own {
				return -1
			}
			return 1
		case a.givesWay(b) != b.givesWay(a):
			if a.givesWay(b) {
				return 1
			}
			return -1
		case a.confidence > b.confidence:
			return -1
		case a.confidence < b.confidence:
			return 1
		case len(a.best.value) != len(b.best.value):
			return len(b.best.value) - len(a.best.value)
		}
		return strings.Compare(a.best.value, b.best.value)
	})
	if len(groups) > 1 {
		for i := 1; i < len(groups); i++ {
			if refines(groups[i].best, groups[0].best) && groups[i].best.own == groups[0].best.own && !groups[i].givesWay(groups[0]) && groups[i].confidence >= groups[0].confidence-finer {
				finest := groups[i]
				copy(groups[1:i+1], groups[:i])
				groups[0] = finest
			}
		}
	}
	lowered := make([]float32, len(groups))
	for i, g := range groups {
		against := float32(0)
		for j, other := range groups {
			if i != j && (!g.best.own || other.best.own) && !other.givesWay(g) && !s.compatible(g.best, other.best) {
				against = max(against, other.confidence)
			}
		}
		lowered[i] = min(maxConfidence, g.confidence*(1-contradiction*max(0, 2*(against-0.5))))
	}
	for i, g := range groups {
		g.confidence = lowered[i]
	}
	return groups
}

// compatible reports whether two answers can both be right.
func (s *candidates) compatible(a, b candidate) bool {
	if a.key == discovery.KeyDoubt {
		return true // one may doubt for several reasons
	}
	if a.key == discovery.KeyVendor {
		return s.words.areSisters(a.value, b.value) || isFirmOf(a.value, b.value) || isFirmOf(b.value, a.value)
	}
	return refines(a, b) || refines(b, a)
}

// isFirmOf reports whether a vendor's name is the other one with more words behind: "Automated Logic Corporation".
func isFirmOf(long, short string) bool {
	long, short = strings.ToLower(long), strings.ToLower(short)
	return len(short) >= 4 && strings.HasPrefix(long, short+" ")
}

// refines reports whether a is the same answer as b, said more finely: "CPU 1516-3 PN/DP" beside "1516-3".
func refines(a, b candidate) bool {
	switch a.key {
	case discovery.KeyModel, discovery.KeyFamily, discovery.KeyOrderNumber, discovery.KeyOS:
		long, short := a.folded, b.folded
		return len(long) > len(short) && len(short) >= 4 && strings.Contains(long, short)
	case discovery.KeyName: // with its domain
		return strings.HasPrefix(strings.ToLower(a.value), strings.ToLower(b.value)+".")
	case discovery.KeyFirmware:
		long, short := a.version, b.version
		return len(long) > len(short) && len(short) >= 3 && strings.HasPrefix(long, short) && strings.ContainsRune(".-( ", rune(long[len(short)]))
	}
	return false
}

// sameAs reports whether two answers differ in spelling alone.
func (c candidate) sameAs(other candidate) bool {
	return c.folded == other.folded
}

// goesBefore reports whether, of two answers that say the same, this one is printed.
func (c candidate) goesBefore(other candidate) bool {
	if c.own != other.own {
		return c.own
	}
	if c.weak != other.weak {
		return other.weak
	}
	return c.confidence > other.confidence || c.confidence == other.confidence && c.rule < other.rule
}

func overlap(a, b []discovery.Key) bool {
	for _, key := range a {
		if slices.Contains(b, key) {
			return true
		}
	}
	return false
}
