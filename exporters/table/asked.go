package table

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"github.com/walkdown-ot/walkdown/inventory"
)

// contact is a device that was asked over a protocol.
type contact struct{ site, segment, host, protocol string }

// askedOf reads from the ledger who has answered or refused over which protocol: asking again tells nothing new.
func askedOf(ctx context.Context, from inventory.Source) (inventory.Asked, error) {
	surveys := map[string]inventory.Survey{}
	for s, err := range from.Surveys(ctx) {
		if err != nil {
			return nil, fmt.Errorf("read surveys: %w", err)
		}
		surveys[s.ID] = inventory.Survey{Site: s.Site, Segment: s.Segment}
	}
	known := map[contact]bool{}
	for e, err := range from.Ledger(ctx, "") {
		if err != nil {
			return nil, fmt.Errorf("read the ledger: %w", err)
		}
		if !e.Setup && (e.Outcome == "answered" || e.Outcome == "refused") {
			host, _, _ := strings.Cut(e.Target, " ")
			known[contact{surveys[e.Survey].Site, surveys[e.Survey].Segment, host, e.Protocol}] = true
		}
	}
	return func(a inventory.Asset, protocol string) bool {
		for _, address := range a.Addresses {
			if known[contact{a.Site, cmp.Or(address.Segment, a.Segment), address.IP, protocol}] {
				return true
			}
		}
		return false
	}, nil
}
