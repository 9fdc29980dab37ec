package main

import (
	"context"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/ask"
	"github.com/walkdown-ot/walkdown/discovery/protocols"
	"github.com/walkdown-ot/walkdown/discovery/survey"
	"github.com/walkdown-ot/walkdown/inventory"
	"github.com/walkdown-ot/walkdown/inventory/sqlite"
)

// answeredSince is how far back the ledger is looked through for what need not be asked again.
const answeredSince = 24 * time.Hour

// candidates are the hosts of the scope that the inventory knows, in one site and segment, and what speaks for asking them.
func candidates(ctx context.Context, store *sqlite.Store, site, segment string, w wishes) ([]survey.Candidate, error) {
	var assets []inventory.Asset
	for asset, err := range store.Assets(ctx) {
		if err != nil {
			return nil, err
		}
		if asset.Site == site && asset.Role != "sensor" {
			assets = append(assets, asset)
		}
	}
	transports := map[string]string{}
	for _, p := range protocols.All() {
		if p.Asker != nil {
			transports[p.Name] = p.Asker.Transport.String()
		}
	}
	ports := switchPorts(assets)
	var out []survey.Candidate
	for _, asset := range assets {
		for _, address := range asset.Addresses {
			ip, err := netip.ParseAddr(address.IP)
			if err != nil || !inScope(w.scope, ip) || first(address.Segment, asset.Segment) != segment {
				continue
			}
			c := candidate(asset, transports)
			c.Behind = ports[asset.ID]
			mac, _ := discovery.ParseMAC(address.MAC) // none is fine
			if mac.IsZero() {
				if mac, err = station(ctx, store, asset.ID, ip); err != nil {
					return nil, err
				}
			}
			c.Subject = discovery.Subject{Site: site, Segment: segment, MAC: mac, IP: ip, VLAN: address.VLAN}
			tries, err := store.Tries(ctx, site, segment, ip.String(), mac.String(), now().Add(-answeredSince))
			if err != nil {
				return nil, err
			}
			c.Answered = answered(tries, w.patient)
			out = append(out, c)
		}
	}
	return withNamed(out, w, site, segment), nil
}

// answered are the questions that a device answered lately, and with the zero time those that came to nothing. To who is patient these
// count as well, a connection that did not come about for every question of its protocol; what could not be sent does not.
func answered(tries map[[2]string]inventory.Try, patient bool) map[ask.Question]time.Time {
	out := map[ask.Question]time.Time{}
	if patient {
		for _, p := range protocols.All() {
			try, ok := tries[[2]string{p.Name, discovery.ConnectRequest}]
			if ok && try.Outcome != discovery.Failed && p.Asker != nil {
				for _, request := range p.Asker.Requests {
					out[ask.Question{Protocol: p.Name, Request: request.Name}] = try.Time
				}
			}
		}
	}
	for question, try := range tries {
		if question[1] == discovery.ConnectRequest {
			continue
		}
		at := time.Time{}
		if try.Outcome == discovery.Answered || patient && try.Outcome != discovery.Failed {
			at = try.Time
		}
		out[ask.Question{Protocol: question[0], Request: question[1]}] = at
	}
	return out
}

// station is the MAC behind which an address was bound that the asset does not have as its own: that of a proxy for ARP, or of a
// bridge that lends it. Whoever is asked there is asked through it.
func station(ctx context.Context, store *sqlite.Store, asset string, ip netip.Addr) (discovery.MAC, error) {
	subjects, err := store.Subjects(ctx, asset)
	if err != nil {
		return discovery.MAC{}, err
	}
	for _, s := range subjects {
		if s.IP == ip && !s.MAC.IsZero() {
			return s.MAC, nil
		}
	}
	return discovery.MAC{}, nil
}

// withNamed adds the hosts that a person named one by one, by a protocol to try there or alone in the scope, and of which the
// inventory knows nothing.
func withNamed(known []survey.Candidate, w wishes, site, segment string) []survey.Candidate {
	have := map[netip.Addr]bool{}
	for _, c := range known {
		have[c.Subject.IP] = true
	}
	add := func(ip netip.Addr) {
		if ip.IsValid() && !have[ip] && inScope(w.scope, ip) {
			have[ip] = true
			known = append(known, survey.Candidate{Subject: discovery.Subject{Site: site, Segment: segment, IP: ip}})
		}
	}
	for _, n := range w.named {
		add(n.Host)
	}
	for _, p := range w.scope {
		if p.IsSingleIP() {
			add(p.Addr())
		}
	}
	return known
}

// candidate is what speaks for asking an asset, without its address.
func candidate(asset inventory.Asset, transports map[string]string) survey.Candidate {
	c := survey.Candidate{
		Type: asset.Type, Vendor: asset.Vendor, MACVendor: asset.MACVendor, LastSeen: asset.LastSeen,
		Names:  slices.Concat([]string{asset.Name}, asset.Names),
		Serves: map[string]uint16{},
		Router: asset.Role == "router",
		Bridge: slices.Contains(asset.Protocols, "lldp") && (asset.Type == "switch" || asset.Type == "router"),
	}
	for _, service := range asset.Services {
		if service.Protocol != "" {
			if transports[service.Protocol] == service.Transport {
				c.Serves[service.Protocol] = service.Port
			} else if _, ok := c.Serves[service.Protocol]; !ok {
				c.Serves[service.Protocol] = 0 // it is asked over another transport than it was heard on, at its usual port
			}
		}
		switch service.Transport {
		case discovery.TCP.String():
			c.Listens = append(c.Listens, discovery.Port{Transport: discovery.TCP, Number: service.Port})
		case discovery.UDP.String():
			c.Listens = append(c.Listens, discovery.Port{Transport: discovery.UDP, Number: service.Port})
		}
	}
	for _, part := range asset.Components {
		if text, ok := discovery.PathValue(part.Path, discovery.PathModbusUnit); ok {
			if unit, err := strconv.ParseUint(text, 10, 8); err == nil && unit > 0 {
				c.Units = append(c.Units, uint8(unit))
			}
		}
	}
	return c
}

// switchPorts says for each asset on which switch port it hangs, by LLDP and by the switches' forwarding tables. A port through
// which a switch sees others too is nearer to them than to the asset, so the port with the fewest assets behind it is taken.
func switchPorts(assets []inventory.Asset) map[string]string {
	type place struct {
		name   string
		behind int
	}
	best := map[string]place{}
	for _, asset := range assets {
		if asset.Type != "switch" {
			continue
		}
		behind := map[string][]string{}
		for _, n := range asset.Neighbours {
			if n.Asset != "" && n.LocalPort != "" {
				behind[n.LocalPort] = append(behind[n.LocalPort], n.Asset)
			}
		}
		for port, others := range behind {
			here := place{strings.TrimSpace(first(asset.Name, asset.ID) + " " + port), len(others)}
			for _, other := range others {
				if have, ok := best[other]; !ok || here.behind < have.behind || here.behind == have.behind && here.name < have.name {
					best[other] = here
				}
			}
		}
	}
	out := map[string]string{}
	for id, at := range best {
		out[id] = at.name
	}
	return out
}

func inScope(scope []netip.Prefix, ip netip.Addr) bool {
	return slices.ContainsFunc(scope, func(p netip.Prefix) bool { return p.Contains(ip) })
}
