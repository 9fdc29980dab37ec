package cyclonedx

import (
	"context"
	"fmt"
	"slices"
	"strings"

	cdx "github.com/CycloneDX/cyclonedx-go"

	"github.com/walkdown-ot/walkdown/inventory"
)

// The requests that read the parts of a device one after another, as the ledger names them.
const (
	walkSlots = "enip read-slot-identity" // slot after slot of a chassis, up to its end
	walkParts = "snmp walk-parts"         // the table of parts, as far as it is worth reading
)

// Walks are those requests, in a slice of its own.
func Walks() []string { return []string{walkSlots, walkParts} }

// walks says for an address in a segment how its last walk ended: "segment\nIP" to whether it was answered to its end.
type walks map[string]walk

type walk struct {
	request  string
	answered bool
}

// readWalks looks into the ledger for the last question of each walk.
func readWalks(ctx context.Context, from inventory.Source) (walks, error) {
	places := map[string]string{} // of surveys
	for s, err := range from.Surveys(ctx) {
		if err != nil {
			return nil, fmt.Errorf("read surveys: %w", err)
		}
		places[s.ID] = s.Site + "\n" + s.Segment
	}
	all := walks{}
	for e, err := range from.Ledger(ctx, "") {
		if err != nil {
			return nil, fmt.Errorf("read the ledger: %w", err)
		}
		request := e.Protocol + " " + e.Request
		if request != walkSlots && request != walkParts {
			continue
		}
		host, _, _ := strings.Cut(e.Target, " ")
		// A refusal is an answer: an empty slot says so.
		all[places[e.Survey]+"\n"+host] = walk{request, e.Outcome == "answered" || e.Outcome == "refused"}
	}
	return all, nil
}

// wholeness is how complete the parts of an asset are: complete where its chassis was walked to the end, incomplete where the walk
// was broken off or the asset was left alone, and empty where nobody knows.
func (w walks) wholeness(a inventory.Asset) cdx.CompositionAggregate {
	if slices.ContainsFunc(a.Notes, func(note string) bool {
		return strings.Contains(note, "distress") || strings.Contains(note, "is not known")
	}) {
		return cdx.CompositionAggregateIncomplete
	}
	for _, address := range a.Addresses {
		segment := a.Segment
		if address.Segment != "" {
			segment = address.Segment
		}
		last, walked := w[a.Site+"\n"+segment+"\n"+address.IP]
		switch {
		case !walked:
		case !last.answered:
			return cdx.CompositionAggregateIncomplete
		case last.request == walkSlots && len(a.Components) > 0:
			return cdx.CompositionAggregateComplete
		}
	}
	return ""
}

// compositions say what is whole. What was found is not all there is: nobody can know that of a network.
func (e *exporter) compositions() {
	all := []cdx.Composition{{Aggregate: cdx.CompositionAggregateUnknown, Assemblies: &[]cdx.BOMReference{siteRef}}}
	for _, aggregate := range []cdx.CompositionAggregate{cdx.CompositionAggregateComplete, cdx.CompositionAggregateIncomplete} {
		var refs []cdx.BOMReference
		for _, id := range e.roll.ids() {
			if e.roll.lines[id].whole == aggregate {
				refs = append(refs, cdx.BOMReference(id))
			}
		}
		if len(refs) > 0 {
			all = append(all, cdx.Composition{Aggregate: aggregate, Assemblies: &refs})
		}
	}
	writeList(e.out, "compositions", "composition", all)
}
