package cyclonedx

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	cdx "github.com/CycloneDX/cyclonedx-go"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/inventory"
)

// services writes what listens on the assets, with the conversations as data flows. One server may have several addresses, and one
// address outside may be told of in several segments, so the conversations are sorted by server first.
func (e *exporter) services(ctx context.Context) error {
	list := e.list("services", "service")
	defer list.discard()
	talks := &spool{}
	defer talks.discard()
	for c, err := range e.from.Conversations(ctx) {
		if err != nil {
			return fmt.Errorf("read conversations: %w", err)
		}
		c = tidyConversation(c)
		encoded, err := json.Marshal(kept(c))
		if err != nil {
			return err
		}
		if err := talks.add(e.serverOf(c).key(), encoded); err != nil {
			return err
		}
	}
	written := map[string]bool{}
	var flows []inventory.Conversation // of one server
	finish := func() error {
		if len(flows) == 0 {
			return nil
		}
		server := e.serverOf(flows[0])
		written[server.asset] = true
		err := e.serve(list, server, flows)
		flows = flows[:0]
		return err
	}
	last := ""
	err := talks.each(func(key string, encoded []byte) error {
		if key != last {
			if err := finish(); err != nil {
				return err
			}
			last = key
		}
		var c kept
		err := json.Unmarshal(encoded, &c)
		flows = append(flows, inventory.Conversation(c))
		return err
	})
	if err := cmp.Or(err, finish()); err != nil {
		return err
	}
	for _, id := range e.roll.ids() {
		if !written[id] {
			if err := e.serve(list, host{asset: id}, nil); err != nil {
				return err
			}
		}
	}
	return list.close()
}

// kept is a conversation with all its fields in JSON.
type kept inventory.Conversation

// serverOf is whose service a conversation goes to.
func (e *exporter) serverOf(c inventory.Conversation) host {
	if _, known := e.roll.lines[c.Server]; known {
		return host{asset: c.Server}
	}
	return host{address: cmp.Or(c.ServerIP, c.ServerMAC)}
}

// host is whose services are written: an asset, or an address that is none.
type host struct{ asset, address string }

// key is the bom-ref of the asset, or one that is made of the address.
func (h host) key() string {
	if h.asset != "" {
		return h.asset
	}
	return "host-" + h.address
}

// serve writes the services of one host: those that it is known to have, and those that somebody was seen talking to.
func (e *exporter) serve(list *list, server host, flows []inventory.Conversation) error {
	known := e.roll.lines[server.asset]
	ref, group := server.key(), known.name
	if server.asset == "" {
		group = server.address
		if ip, err := netip.ParseAddr(server.address); err == nil {
			known.ips = []netip.Addr{ip}
		}
	}
	offers := slices.Clone(known.services)
	for _, f := range flows {
		offers = append(offers, inventory.Service{Transport: f.Transport, Port: f.Port, Protocol: f.Protocol})
	}
	// One service a port: where several are named for it, one with a protocol comes first.
	slices.SortFunc(offers, func(a, b inventory.Service) int {
		return cmp.Or(cmp.Compare(a.Transport, b.Transport), cmp.Compare(a.Port, b.Port),
			cmp.Compare(min(1, len(b.Protocol)), min(1, len(a.Protocol))), cmp.Compare(a.Protocol, b.Protocol))
	})
	offers = slices.CompactFunc(offers, func(a, b inventory.Service) bool { return a.Transport == b.Transport && a.Port == b.Port })
	for _, o := range offers {
		s := cdx.Service{
			BOMRef:    ref + ":" + where(o),
			Provider:  organisation(known.vendor),
			Group:     group,
			Name:      strings.TrimSpace(o.Protocol + " " + where(o)),
			Endpoints: endpoints(known.ips, o),
			TrustZone: known.zone,
		}
		var p properties
		p.add("walkdown:asset", server.asset)
		p.add("walkdown:protocol", o.Protocol)
		s.Properties = p.sorted()
		var data []cdx.DataClassification
		for _, f := range flows {
			if f.Transport != o.Transport || f.Port != o.Port {
				continue
			}
			data = append(data, e.flow(f))
			if f.External {
				// What stays inside may still cross a boundary that nobody has told us of, so it is never said not to.
				s.CrossesTrustBoundary = cdx.Bool(true)
			}
		}
		s.Data = orNil(data)
		e.fitService(&s)
		if err := list.add(s.BOMRef, s); err != nil {
			return err
		}
	}
	return nil
}

// where is the transport and port of a service, as conversations write it.
func where(s inventory.Service) string {
	return inventory.Conversation{Transport: s.Transport, Port: s.Port}.Where()
}

// flow is a conversation as seen from the service: what is read leaves it, what is written enters it.
func (e *exporter) flow(c inventory.Conversation) cdx.DataClassification {
	read := slices.Contains(c.Operations, "read")
	write := slices.Contains(c.Operations, "write") || slices.Contains(c.Operations, "control")
	client := &[]string{e.clientURI(c)}
	d := cdx.DataClassification{
		Flow:           cdx.DataFlowUnknown,
		Classification: "unknown", // required, and nothing on the wire tells it
		Name:           discovery.Text(strings.TrimSpace(c.Protocol + " " + strings.Join(c.Operations, ", "))),
		Description:    describe(c),
		Source:         client,
		Destination:    client,
	}
	switch {
	case read && write:
		d.Flow = cdx.DataFlowBidirectional
	case read:
		d.Flow, d.Source = cdx.DataFlowOutbound, nil
	case write:
		d.Flow, d.Destination = cdx.DataFlowInbound, nil
	}
	return d
}

// clientURI names the client: its component in this document by a BOM-Link, else its address.
func (e *exporter) clientURI(c inventory.Conversation) string {
	serial := e.elsewhere[c.Client]
	if _, known := e.roll.lines[c.Client]; known {
		serial = e.serial
	}
	if serial != "" {
		return fmt.Sprintf("urn:cdx:%s/%d#%s", serial, e.Revision, c.Client)
	}
	if ip, err := netip.ParseAddr(c.ClientIP); err == nil {
		return "//" + bracketed(ip)
	}
	return "#" // somebody; an empty list would say that nobody did
}

func describe(c inventory.Conversation) string {
	var parts []string
	if c.Frequency != "" {
		parts = append(parts, c.Frequency)
	}
	if c.MedianIntervalMS > 0 {
		parts = append(parts, fmt.Sprintf("every %v", time.Duration(c.MedianIntervalMS)*time.Millisecond))
	}
	if c.External {
		parts = append(parts, "external")
	}
	if c.VLAN != 0 {
		parts = append(parts, fmt.Sprintf("VLAN %d", c.VLAN))
	}
	parts = append(parts, fmt.Sprintf("%d packets, %d bytes", c.Packets, c.Bytes))
	if !c.FirstSeen.IsZero() {
		parts = append(parts, c.FirstSeen.UTC().Format(time.RFC3339)+" to "+c.LastSeen.UTC().Format(time.RFC3339))
	}
	return discovery.Text(strings.Join(parts, "; "))
}

// endpoints are the addresses of a service as URIs with its transport for a scheme; what has no port number of IP has none.
func endpoints(ips []netip.Addr, s inventory.Service) *[]string {
	if s.Transport != discovery.TCP.String() && s.Transport != discovery.UDP.String() {
		return nil
	}
	var all []string
	for _, ip := range ips {
		all = append(all, fmt.Sprintf("%s://%s:%d", s.Transport, bracketed(ip), s.Port))
	}
	return orNil(all)
}

func bracketed(ip netip.Addr) string {
	ip = ip.WithZone("") // a zone is an interface of the sensor and means nothing elsewhere
	if ip.Is6() {
		return "[" + ip.String() + "]"
	}
	return ip.String()
}
