package ssdp

import (
	"context"
	"encoding/hex"
	"fmt"
	"net/netip"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/wire/dialogue"
)

// question is the search, up to the address of the host (UPnP Device Architecture 1.1 section 1.3.2: a unicast search has no MX).
const question = "M-SEARCH * HTTP/1.1\r\nMAN: \"ssdp:discover\"\r\nST: upnp:rootdevice\r\nHOST: "

// asker sends by opt-in one datagram, search, to one host: what are you? Its description, which the answer points to, is not fetched.
// Some answer from another port than they were asked at.
func asker() *discovery.Asker {
	return &discovery.Asker{
		Transport: discovery.UDP,
		Port:      Port,
		AnyPort:   true,
		Requests: []discovery.Request{{
			Name: "search", Safety: discovery.SafetyC, Max: 1, MayBeSilent: true, Yields: []discovery.Key{KeyServer, KeyUSN, KeyLocation, KeyNT},
			Template: discovery.MustTemplate(hex.EncodeToString([]byte(question)) + " *64"), Effect: "none: the device sends what it announces anyway",
		}},
		Ask: ask,
	}
}

func ask(ctx context.Context, s discovery.Session, t discovery.Target) error {
	_, server := s.Known(KeyServer)
	if _, id := s.Known(KeyUSN); server && id {
		return nil
	}
	conn, err := s.Dial(ctx)
	if err != nil {
		return fmt.Errorf("ask %s by ssdp: %w", t.Subject, err)
	}
	d := dialogue.New(ctx, conn, nil)
	defer d.Close()
	host := netip.AddrPortFrom(t.Subject.IP.WithZone(""), Port)
	b, err := d.Ask([]byte(question + host.String() + "\r\n\r\n"))
	if err != nil {
		return fmt.Errorf("ask %s by ssdp: %w", t.Subject, err)
	}
	if m, err := parse(b); err != nil || m.kind != answer {
		return fmt.Errorf("ask %s by ssdp: %w: no answer to a search in %d bytes", t.Subject, discovery.ErrNotUnderstood, len(b))
	}
	return nil
}
