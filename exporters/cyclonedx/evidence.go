package cyclonedx

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	cdx "github.com/CycloneDX/cyclonedx-go"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/inventory"
)

// proofs is the evidence of one asset.
type proofs []inventory.Evidence

// The bounds of what is read and written of an asset: a router can tell of thousands of others.
const (
	maxProofs  = 20_000
	maxMethods = 16  // of one identity
	maxSteps   = 2   // from a conclusion to what was said
	maxRaw     = 64  // bytes of one method
	maxText    = 512 // bytes of one method's value
)

func readProofs(ctx context.Context, from inventory.Source, asset string) (proofs, error) {
	var all proofs
	for e, err := range from.Evidence(ctx, asset) {
		if err != nil {
			return nil, fmt.Errorf("read evidence of asset %s: %w", asset, err)
		}
		if len(all) < maxProofs {
			all = append(all, e)
		}
	}
	return all, nil
}

// claim is a field of an identity as the inventory has it.
type claim struct {
	key   discovery.Key
	value string
}

// identity says how a field of a component is known: by the facts that the claims rest on.
func (p proofs) identity(field cdx.EvidenceIdentityFieldType, path, concluded string, confidence float32, claims ...claim) cdx.EvidenceIdentity {
	var methods []cdx.EvidenceIdentityMethod
	for _, c := range claims {
		if c.value != "" {
			methods = append(methods, p.methods(path, c)...)
		}
	}
	slices.SortFunc(methods, func(a, b cdx.EvidenceIdentityMethod) int {
		return cmp.Or(cmp.Compare(a.Technique, b.Technique), cmp.Compare(a.Value, b.Value), cmp.Compare(*b.Confidence, *a.Confidence))
	})
	// Of what several claims rest on, the surest is enough.
	methods = slices.CompactFunc(methods, func(a, b cdx.EvidenceIdentityMethod) bool { return a.Technique == b.Technique && a.Value == b.Value })
	return cdx.EvidenceIdentity{
		Field: field, Confidence: certainty(confidence), ConcludedValue: concluded,
		Methods: orNil(methods[:min(len(methods), maxMethods)]),
	}
}

// methods gives the facts under a claim: those that a rule deduced it from, or the ones that say it outright.
func (p proofs) methods(path string, c claim) []cdx.EvidenceIdentityMethod {
	var all []cdx.EvidenceIdentityMethod
	for _, e := range p {
		if e.Subject.Path != path || e.Fact.Key != c.key || discovery.Text(e.Fact.Value) != c.value {
			continue
		}
		if e.Mode != discovery.Deduced {
			all = append(all, method(e, e.Fact))
			continue
		}
		for _, said := range p.under(e, maxSteps) {
			all = append(all, method(said, e.Fact))
		}
	}
	return all
}

// under gives what was said under a deduced fact. A rule may rest on another one's conclusion, so this looks below it, a few
// steps deep.
func (p proofs) under(deduced inventory.Evidence, steps int) []inventory.Evidence {
	var all []inventory.Evidence
	for _, key := range deduced.Fact.From {
		said := p.said(deduced.Subject.Path, key)
		all = append(all, said...)
		if key == discovery.KeyMAC && len(said) == 0 && !deduced.Subject.MAC.IsZero() {
			// Nobody says a MAC address; it is where the frames come from.
			all = append(all, inventory.Evidence{Mode: discovery.Heard, Fact: discovery.NewFact(key, deduced.Subject.MAC.String())})
		}
		if len(said) > 0 || steps == 0 {
			continue
		}
		for _, e := range p {
			if len(all) < maxMethods && e.Mode == discovery.Deduced && e.Subject.Path == deduced.Subject.Path && e.Fact.Key == key {
				all = append(all, p.under(e, steps-1)...)
			}
		}
	}
	return all
}

// said gives what was said under a key: of the part itself, else of the whole.
func (p proofs) said(path string, key discovery.Key) []inventory.Evidence {
	for _, at := range []string{path, ""} {
		var all []inventory.Evidence
		for _, e := range p {
			if e.Mode != discovery.Deduced && e.Subject.Path == at && e.Fact.Key == key {
				all = append(all, e)
			}
		}
		if len(all) > 0 {
			return all
		}
	}
	return nil
}

// method writes one fact and the rule that drew the conclusion, if there was one.
func method(said inventory.Evidence, conclusion discovery.Fact) cdx.EvidenceIdentityMethod {
	value := fmt.Sprintf("%s = %s", said.Fact.Key, said.Fact.Value)
	if len(value) > maxText {
		value = strings.ToValidUTF8(value[:maxText], "") + " ..."
	}
	if raw := said.Fact.Raw; len(raw) > 0 {
		value += fmt.Sprintf("; raw %x", raw[:min(len(raw), maxRaw)])
	}
	if !said.Teller.IsZero() {
		value += "; told by " + said.Teller.String()
	}
	if conclusion.Rule != "" {
		value += "; rule " + conclusion.Rule
	}
	confidence := certainty(conclusion.Confidence)
	if confidence == nil {
		confidence = new(float32) // the schema wants one
	}
	return cdx.EvidenceIdentityMethod{Technique: technique(said.Mode), Confidence: confidence, Value: discovery.Text(value)}
}

// technique maps how a fact was come by to the words of CycloneDX, which has none for listening to a network.
func technique(m discovery.Mode) cdx.EvidenceIdentityTechnique {
	switch m {
	case discovery.Asked:
		return cdx.EvidenceIdentityTechniqueDynamicAnalysis
	case discovery.Person:
		return cdx.EvidenceIdentityTechniqueAttestation
	}
	return cdx.EvidenceIdentityTechniqueOther
}

// certainty is nil for a confidence that is not known or not between 0 and 1.
func certainty(confidence float32) *float32 {
	if confidence > 0 && confidence <= 1 {
		return &confidence
	}
	return nil
}

func evidence(identities []cdx.EvidenceIdentity) *cdx.Evidence {
	if len(identities) == 0 {
		return nil
	}
	return &cdx.Evidence{Identity: &cdx.EvidenceIdentityChoice{Identities: &identities}}
}
