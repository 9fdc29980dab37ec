package fingerprints

import (
	"embed"
	"fmt"
	"io/fs"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/fingerprints/tables"
)

//go:embed rules/*.yaml rules/*.txt vocabulary/*.txt
var embedded embed.FS

// Engine identifies devices. It is read-only once made, so many goroutines may use one.
type Engine struct {
	words  vocabulary
	rules  ruleIndex
	likely map[string][]string
	cpes   []cpeRow

	oui      tables.OUI
	pen      tables.Numbers
	cip      tables.Numbers
	bacnet   tables.Numbers
	profinet tables.Profinet
}

// Default is the engine with the embedded rules and tables. It costs tens of milliseconds, so it is made once, and only by what
// identifies; the registries are unpacked at their first use. An error means a mistake in the embedded data.
func Default() (*Engine, error) {
	e, err := load(embedded, false)
	if err != nil {
		return nil, fmt.Errorf("load embedded fingerprints: %w", err)
	}
	return e, nil
}

// load reads a tree of rules/ and vocabulary/, the rules with their examples or without.
func load(tree fs.FS, examples bool) (*Engine, error) {
	e := &Engine{
		oui: tables.NewOUI(), pen: tables.NewEnterprises(), cip: tables.NewCIPVendors(), bacnet: tables.NewBACnetVendors(),
		profinet: tables.NewProfinet(),
	}
	var err error
	if e.words, err = readVocabulary(tree); err != nil {
		return nil, err
	}
	rules, err := readRules(tree, &e.words, examples)
	if err != nil {
		return nil, err
	}
	if e.likely, err = readLikely(tree); err != nil {
		return nil, err
	}
	if e.cpes, err = readCPEs(tree); err != nil {
		return nil, err
	}
	e.rules = newRuleIndex(rules)
	return e, nil
}

// Identify deduces identity from the facts of one subject or one asset. For each id key the best value comes first, then the
// others that were said; keys come in the order of the ground floor's list. Facts that were deduced before are not looked at,
// so identifying twice changes nothing.
func (e *Engine) Identify(facts []discovery.Fact) []discovery.Fact {
	said := gather(facts)
	found := newCandidates(&e.words)
	e.rules.run(said, said, found)
	e.registries(said, found)
	e.leading(said, found)
	// A second look: what was deduced may itself be matched (an order number tells the family, a vendor that makes one thing
	// tells the type), together with what was said.
	looked := deduced(found.fuse())
	for key, vs := range said {
		looked[key] = vs
	}
	e.rules.run(looked.only("id"), looked, found)
	best := found.fuse()
	if cpe, ok := e.cpe(best); ok {
		best = append(best, cpe)
	}
	return best
}

// MACVendor is the maker of a network chip: the canonical name of the vendor where the vocabulary has it, else the registry's
// own spelling. Addresses that software made up have no maker.
func (e *Engine) MACVendor(mac discovery.MAC) (string, bool) {
	if !mac.IsStation() {
		return "", false
	}
	name, ok := e.oui.Lookup(mac)
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
	name, ok := e.pen.Lookup(number)
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

// Version says what the engine knows.
type Version struct {
	Rules   int           `json:"rules"`
	Vendors int           `json:"vendors"`
	Tables  []tables.Info `json:"tables"`
}

// Version gives the counts of the loaded rules and the origin of each registry.
func (e *Engine) Version() Version {
	return Version{Rules: len(e.rules.all), Vendors: len(e.words.canonical), Tables: tables.Version()}
}
