package inventory

import (
	"context"
	"iter"
	"net/netip"
)

// Stranger is an end of a conversation that is in no inventory.
type Stranger struct {
	IP   string
	With string // id of the asset that it talks to
}

// StrangerSource is a Source that finds the strangers without reading through all conversations. The same may come several times.
type StrangerSource interface {
	Strangers(ctx context.Context) iter.Seq2[Stranger, error]
}

// strangers tells who talks to the plant and is in no inventory.
func strangers(ctx context.Context, from Source) iter.Seq2[Stranger, error] {
	if source, ok := from.(StrangerSource); ok {
		return source.Strangers(ctx)
	}
	return func(yield func(Stranger, error) bool) {
		for c, err := range from.Conversations(ctx) {
			s := Stranger{c.ClientIP, c.Server}
			switch {
			case err != nil || c.Client == "" && c.Server != "":
			case c.Server == "" && c.Client != "":
				s = Stranger{c.ServerIP, c.Client}
			default:
				continue // both are known, or neither
			}
			if !yield(s, err) {
				return
			}
		}
	}
}

// stranger counts ends on site that are in no inventory.
func (f *HoleFinder) stranger(s Stranger) {
	ip, err := netip.ParseAddr(s.IP)
	if err != nil || !isHost(ip) || IsPublic(ip) || ip.IsLinkLocalUnicast() || isBroadcast(ip, f.known) {
		return
	}
	at, ok := f.places[s.With]
	if !ok {
		return
	}
	if n := f.network(at.site, at.segment, ip); len(n.strangers) < strangersOf {
		n.strangers[ip] = true
	}
}
