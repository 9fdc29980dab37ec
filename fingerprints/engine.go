package fingerprints

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/fingerprints/tables"
)

//go:embed rules/*.yaml rules/*.txt vocabulary/*.txt
var embedded embed.FS

// Engine identifies devices. It is read-only once made, so many goroutines may use one.
type Engine struct {
	words   vocabulary
	rules   ruleIndex
	likely  map[string][]string
	cpes    []cpeRow
	schemes schemes
	orders  []orderRow
	own     int // rules of the user's
	recog   int // rules out of the user's files of Recog
	skipped int // patterns there that RE2 does not know

	tables tables.Set
}

// Options are what a user adds to the embedded data.
type Options struct {
	// Rules is a folder of rules and words in the layout of the embedded ones: *.yaml, vendors.txt, cpe.txt, likely.txt, firmware.txt, *.xml of Recog; all may
	// be absent. They win over the embedded ones, and a rule with the id of an embedded one takes its place. Nil: none.
	Rules fs.FS
	// Tables is a folder of registries that are newer or fuller than the embedded ones (tables.Set.Overlay). Nil: none.
	Tables fs.FS
}

// Default is the engine with the embedded rules and tables. It costs tens of milliseconds, so it is made once, and only by what
// identifies; the registries are unpacked at their first use. An error means a mistake in the embedded data.
func Default() (*Engine, error) { return New(Options{}) }

// New is the engine with the embedded data and the user's. A mistake in the user's is a MistakeError.
func New(o Options) (*Engine, error) {
	e, err := load(embedded, o.Rules, false)
	var mistake *MistakeError
	if errors.As(err, &mistake) && o.Rules != nil {
		return nil, err
	}
	if err != nil {
		return nil, fmt.Errorf("load fingerprints: %w", err)
	}
	if o.Tables != nil {
		if err := e.tables.Overlay(o.Tables); err != nil {
			return nil, &TablesError{err}
		}
		for _, kind := range append(e.tables.CIPTypes.Types(), e.tables.SiemensOrders.Types()...) {
			if !e.words.types[kind] {
				return nil, &TablesError{fmt.Errorf("type %q is not in the vocabulary", kind)}
			}
		}
	}
	return e, nil
}

// TablesError is a mistake in the user's tables.
type TablesError struct{ Err error }

// Error names the file and what is wrong with it.
func (e *TablesError) Error() string { return e.Err.Error() }

// Unwrap is the mistake itself.
func (e *TablesError) Unwrap() error { return e.Err }

// load reads a tree of rules/ and vocabulary/, the rules with their examples or without, and then the user's.
func load(tree, users fs.FS, examples bool) (*Engine, error) {
	e := &Engine{tables: tables.Embedded(), words: newVocabulary()}
	rules, err := e.read(tree, examples)
	if err != nil {
		return nil, err
	}
	if users != nil {
		own, err := e.read(users, examples)
		if err != nil {
			return nil, err
		}
		rules = withOwn(rules, own)
		if mistakes := lint(rules, own); len(mistakes) > 0 {
			return nil, mistakes[0]
		}
		e.own = len(own)
		recog, skipped, err := readRecog(users)
		if err != nil {
			return nil, err
		}
		rules = append(rules, recog...)
		e.recog, e.skipped = len(recog), skipped
	}
	e.rules = newRuleIndex(rules)
	return e, nil
}

// read adds the words and the tables of a tree and gives its rules. Rows that are read later go first.
func (e *Engine) read(tree fs.FS, examples bool) ([]*rule, error) {
	if err := e.words.read(tree); err != nil {
		return nil, err
	}
	rules, err := readRules(tree, &e.words, examples)
	if err != nil {
		return nil, err
	}
	likely, err := readLikely(tree)
	if err != nil {
		return nil, err
	}
	for vendor, protocols := range e.likely {
		if _, ok := likely[vendor]; !ok {
			likely[vendor] = protocols
		}
	}
	e.likely = likely
	cpes, err := readCPEs(tree)
	if err != nil {
		return nil, err
	}
	e.cpes = append(cpes, e.cpes...)
	schemes, err := readSchemes(tree)
	if err != nil {
		return nil, err
	}
	e.schemes = append(schemes, e.schemes...)
	orders, err := readOrderNumbers(tree, &e.words)
	if err != nil {
		return nil, err
	}
	e.orders = append(orders, e.orders...)
	return rules, nil
}

// withOwn adds the user's rules to ours. One with the id of one of ours takes its place.
func withOwn(ours, own []*rule) []*rule {
	named := map[string]bool{}
	for _, r := range own {
		r.own = true
		named[r.id] = true
	}
	kept := slices.DeleteFunc(slices.Clone(ours), func(r *rule) bool { return named[r.id] })
	return append(kept, own...)
}

// Identify deduces identity from the facts of one subject or one asset. For each id key the best value comes first, then the
// others that were said; keys come in the order of the ground floor's list. Facts that were deduced before are not looked at,
// so identifying twice changes nothing.
func (e *Engine) Identify(facts []discovery.Fact) []discovery.Fact {
	return e.identify(facts, e.newCandidates())
}

func (e *Engine) identify(facts []discovery.Fact, found *candidates) []discovery.Fact {
	said := gather(facts)
	e.rules.run(said, said, found)
	e.registries(said, found)
	e.leading(said, found)
	e.orderPages(said, found)
	e.orderNumbers(found)
	// A second look: what was deduced may itself be matched (an order number tells the family, a vendor that makes one thing
	// tells the type), together with what was said.
	looked := deduced(found.fuse())
	for key, vs := range said {
		looked[key] = vs
	}
	e.rules.run(looked.only("id"), looked, found)
	found.demoteGuests()
	best := found.fuse()
	return append(best, e.cpe(best)...)
}

// MACVendor is the maker of a network chip: the canonical name of the vendor where the vocabulary has it, else the registry's
// own spelling. Addresses that software made up have no maker.
func (e *Engine) MACVendor(mac discovery.MAC) (string, bool) {
	if !mac.IsStation() {
		return "", false
	}
	name, ok := e.tables.OUI.Lookup(mac)
	if !ok {
		return "", false
	}
	if canonical, known := e.words.registered(name); known {
		return canonical, true
	}
	return name, true
}

// Enterprise is the organisation that an SNMP enterprise number was given to, canonical where the vocabulary has it.
func (e *Engine) Enterprise(number uint32) (string, bool) {
	name, ok := e.tables.Enterprises.Lookup(number)
	if !ok {
		return "", false
	}
	if canonical, known := e.words.registered(name); known {
		return canonical, true
	}
	return name, true
}

// Likely names the protocols that devices of a vendor probably speak, the likelier first, at most two: evidence of grade E3.
// The name may be any spelling that the vocabulary knows.
func (e *Engine) Likely(vendor string) []string {
	name, _ := e.words.vendor(vendor)
	return append([]string(nil), e.likely[name]...)
}

// Skipped is how many patterns of the user's files of Recog could not be taken, because RE2 does not know them.
func (e *Engine) Skipped() int { return e.skipped }

// Version says what the engine knows.
type Version struct {
	Rules   int           `json:"rules"`
	Own     int           `json:"own_rules,omitempty"`   // of these, the user's
	Recog   int           `json:"recog_rules,omitempty"` // of these, out of the user's files of Recog
	Vendors int           `json:"vendors"`
	Tables  []tables.Info `json:"tables"`
}

// Version gives the counts of the loaded rules and the origin of each registry.
func (e *Engine) Version() Version {
	return Version{Rules: len(e.rules.all), Own: e.own, Recog: e.recog, Vendors: len(e.words.canonical), Tables: e.tables.Version()}
}
