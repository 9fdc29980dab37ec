package protocols

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/discoverytest"
)

// TestVocabulary gathers every key: each stands under its protocol's name, once, in the spelling of discovery.Key.
func TestVocabulary(t *testing.T) {
	owner := make(map[discovery.Key]string)
	for _, key := range discovery.SharedKeys() {
		owner[key] = "the ground floor"
	}
	all := All()
	if !slices.IsSortedFunc(all, func(a, b discovery.Protocol) int { return strings.Compare(a.Name, b.Name) }) {
		t.Error("the list is not sorted by name")
	}
	for _, p := range all {
		if p.Name == "" || p.Title == "" || p.Standard == "" || p.Hears == "" || len(p.Ports) == 0 {
			t.Errorf("%q: a name, title, standard, port or what is heard is missing", p.Name)
		}
		if p.Decode == nil {
			t.Errorf("%s: what is asked is read by the decoder too, and there is none", p.Name)
		}
		for _, key := range p.Keys {
			if other, ok := owner[key]; ok {
				t.Errorf("%s: key %q belongs to %s", p.Name, key, other)
			}
			owner[key] = p.Name
			if key.Protocol() != p.Name {
				t.Errorf("%s: key %q stands under another name", p.Name, key)
			}
		}
	}
	for _, p := range all {
		for _, key := range p.Retells {
			if owner[key] == "" || owner[key] == p.Name {
				t.Errorf("%s: retells %q, which is no key of another protocol", p.Name, key)
			}
		}
		if p.Asker == nil {
			continue
		}
		for _, r := range p.Asker.Requests {
			for _, key := range r.Yields {
				if owner[key] == "" {
					t.Errorf("%s: request %s yields %q, which is in no list of keys", p.Name, r.Name, key)
				}
			}
		}
	}
}

// What is known of a device is not asked again: with every fact that its answers could tell known already, and every question about the
// device itself allowed, no asker sends anything. What lies behind a device is asked by opt-in, whatever is known of the device.
func TestNothingKnownIsAsked(t *testing.T) {
	for _, p := range All() {
		if p.Asker == nil {
			continue
		}
		t.Run(p.Name, func(t *testing.T) {
			known := map[discovery.Key]string{}
			var allowed []string
			for _, r := range p.Asker.Requests {
				if !slices.Contains([]string{"who-is-router-to-network", "read-slot-identity", "read-further-identity"}, r.Name) {
					allowed = append(allowed, r.Name)
				}
				for _, key := range r.Yields {
					known[key] = "1"
				}
			}
			got := discoverytest.Asked(t, p, discoverytest.Peer{
				Target: discovery.Target{Subject: discovery.Subject{IP: netip.MustParseAddr(discoverytest.ServerIP)}, Port: p.Asker.Port, Credentials: []discovery.Credential{
					{Protocol: "snmp", Kind: "community", Secret: "public"},
				}},
				Known: known, Allowed: allowed, Serve: discoverytest.Serve(), Timeout: time.Second,
			})
			if len(got.Sent) > 0 || got.Dials > 0 {
				t.Errorf("sent %q over %d connections", got.Requests(), got.Dials)
			}
		})
	}
}
