package ads

import (
	"context"
	"encoding/binary"
	"fmt"
	"net"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/wire/dialogue"
)

// asker sends one datagram, search, by opt-in: who are you? It is the search that Beckhoff's own tools broadcast, byte for byte, sent to
// one host: an odd one has ended this service before (CVE-2019-5636). NetId and port of the sender stand in it; no route is added.
func asker() *discovery.Asker {
	return &discovery.Asker{
		Transport: discovery.UDP,
		Port:      portUDP,
		Requests: []discovery.Request{{
			Name: "search", Safety: discovery.SafetyC, Max: 1,
			Template: discovery.MustTemplate("03661471 00000000 01000000 ?4 0101 1027 00000000"),
			Yields:   []discovery.Key{KeyNetID, KeyHostName, KeyTwinCATVersion, KeySystemVersion},
			Effect:   "none: reads names and versions from memory",
		}},
		Ask: ask,
	}
}

func ask(ctx context.Context, s discovery.Session, t discovery.Target) error {
	_, named := s.Known(KeyHostName)
	if _, version := s.Known(KeyTwinCATVersion); named && version {
		return nil
	}
	conn, err := s.Dial(ctx)
	if err != nil {
		return fmt.Errorf("ask %s by ads: %w", t.Subject, err)
	}
	d := dialogue.New(ctx, conn, nil)
	defer d.Close()
	b, err := d.Ask(newSearch(conn.LocalAddr()))
	if err != nil {
		return fmt.Errorf("ask %s by ads: %w", t.Subject, err)
	}
	if h, err := parseSearch(b); err != nil || h == nil {
		return fmt.Errorf("ask %s by ads: %w: %d bytes that answer no search", t.Subject, discovery.ErrNotUnderstood, len(b))
	}
	return nil
}

// newSearch is the datagram. The NetId is our address and 1.1, as Beckhoff makes them.
func newSearch(own net.Addr) []byte {
	b := binary.LittleEndian.AppendUint32(nil, searchMagic)
	b = binary.LittleEndian.AppendUint32(b, 0) // invoke id
	b = binary.LittleEndian.AppendUint32(b, searchInfo)
	var id netID
	if udp, ok := own.(*net.UDPAddr); ok {
		copy(id[:], udp.IP.To4())
	}
	id[4], id[5] = 1, 1
	b = append(b, id[:]...)
	b = binary.LittleEndian.AppendUint16(b, systemService)
	return binary.LittleEndian.AppendUint32(b, 0) // no tags
}
