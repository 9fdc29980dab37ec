package inventory_test

import (
	"context"
	"fmt"
	"iter"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/walkdown-ot/walkdown/exporters/exporterstest"
	"github.com/walkdown-ot/walkdown/inventory"
)

var monday = time.Date(2026, 3, 2, 6, 0, 0, 0, time.UTC)

// device is an asset in a few words: "a-1 cell-1 10.0.1.5 20 plc L1"; the MAC is made of the id.
func device(words string) inventory.Asset {
	f := strings.Fields(words)
	a := inventory.Asset{ID: f[0], Site: "works", Segment: f[1], FirstSeen: monday, LastSeen: monday, Seen: inventory.SeenPassive, Addresses: []inventory.Address{}}
	var address inventory.Address
	for _, word := range f[2:] {
		var vlan uint16
		switch _, err := netip.ParseAddr(word); {
		case err == nil:
			address.IP = word
		case strings.HasPrefix(word, "mac="):
			address.MAC = word[4:]
		case strings.HasPrefix(word, "L"):
			a.Level = word[1:]
		case strings.HasPrefix(word, "zone="):
			a.Annotations = map[string]string{"zone": strings.ReplaceAll(word[5:], "_", " ")}
		case strings.HasPrefix(word, "name="):
			a.Name = word[5:]
		case word == "router":
			a.Role, a.Type = "router", "router"
		default:
			if n, _ := fmt.Sscan(word, &vlan); n == 1 {
				address.VLAN = vlan
			} else {
				a.Type = word
			}
		}
	}
	if address != (inventory.Address{}) {
		a.Addresses = append(a.Addresses, address)
	}
	return a
}

func devices(lines ...string) []inventory.Asset {
	var out []inventory.Asset
	for _, line := range lines {
		out = append(out, device(line))
	}
	return out
}

// talk is a conversation: "a-1 10.0.1.5 > a-2 10.0.1.6 tcp 502 modbus cyclic read"; "-" is nobody's.
func talk(words string) inventory.Conversation {
	f := strings.Fields(words)
	c := inventory.Conversation{
		ClientIP: f[1], ServerIP: f[4], Transport: f[5], Protocol: f[7], Frequency: f[8], Packets: 10, Bytes: 1000, Operations: f[9:],
		FirstSeen: monday, LastSeen: monday.Add(time.Hour),
	}
	if f[0] != "-" {
		c.Client = f[0]
	}
	if f[3] != "-" {
		c.Server = f[3]
	}
	if f[7] == "-" {
		c.Protocol = ""
	}
	_, _ = fmt.Sscan(f[6], &c.Port)
	for _, text := range []string{c.ClientIP, c.ServerIP} {
		ip, err := netip.ParseAddr(text)
		c.External = c.External || err == nil && inventory.IsPublic(ip)
	}
	return c
}

func talks(lines ...string) []inventory.Conversation {
	var out []inventory.Conversation
	for _, line := range lines {
		out = append(out, talk(line))
	}
	return out
}

func TestProposeZones(t *testing.T) {
	for name, c := range map[string]struct {
		things []inventory.Asset
		talks  []inventory.Conversation
		scope  []string
		want   []string // "zone: assets"
	}{
		"one_network_of_a_segment_has_its_name": {
			things: devices("a-1 cell-1 10.0.1.5 plc L1 mac=28:63:36:00:00:01", "a-2 cell-1 10.0.1.6 hmi L2 mac=28:63:36:00:00:02"),
			want:   []string{"cell-1: a-1 a-2"},
		},
		"the_default_segment_has_networks": {
			things: devices("a-1 default 10.0.1.5 plc L1", "a-2 default 10.0.2.6 hmi L2"),
			want:   []string{"10.0.1.0/24: a-1", "10.0.2.0/24: a-2"},
		},
		"a_scope_is_the_network": {
			things: devices("a-1 default 10.0.1.5 plc L1", "a-2 default 10.0.2.6 hmi L2"),
			scope:  []string{"10.0.0.0/22", "10.0.1.5/32", "0.0.0.0/0"},
			want:   []string{"10.0.0.0/22: a-1 a-2"},
		},
		"vlans_cut_a_subnet": {
			things: devices("a-1 default 10.0.1.5 20 plc", "a-2 default 10.0.1.6 30 plc", "a-3 default 10.0.1.7 20 hmi"),
			want:   []string{"10.0.1.0/24 VLAN 20: a-1 a-3", "10.0.1.0/24 VLAN 30: a-2"},
		},
		"a_vlan_leads_to_its_subnet": {
			things: devices("a-1 default 10.0.1.5 20 plc", "a-2 default 10.0.2.6 30 plc", "a-3 default mac=28:63:36:00:00:03 30 remote-io"),
			want:   []string{"10.0.1.0/24: a-1", "10.0.2.0/24: a-2 a-3"},
		},
		"classes_stand_apart": {
			things: devices("a-1 cell-1 10.0.1.5 plc L1", "a-2 cell-1 10.0.1.6 historian L3", "a-3 cell-1 10.0.1.7 remote-access L3.5", "a-4 cell-1 10.0.1.8 safety-controller L1"),
			want:   []string{"cell-1: a-1", "cell-1 operations: a-2", "cell-1 safety: a-4", "cell-1 way in: a-3"},
		},
		"no_network_goes_with_its_partners": {
			things: devices("a-1 default 10.0.1.5 plc L1", "a-2 default 10.0.2.6 plc L1", "a-3 default mac=28:63:36:00:00:03 remote-io L1", "a-4 default mac=28:63:36:00:00:04 drive L1"),
			talks:  []inventory.Conversation{{Client: "a-2", Server: "a-3", Transport: "ethertype", Port: 0x8892, Frequency: "sporadic"}},
			want:   []string{"10.0.1.0/24: a-1", "10.0.2.0/24: a-2 a-3", "default: a-4"},
		},
		"cyclic_data_with_others_alone_moves": {
			things: devices("a-1 default 10.0.1.5 plc L1", "a-2 default 10.0.2.6 drive L1", "a-3 default 10.0.2.7 plc L1"),
			talks:  talks("a-1 10.0.1.5 > a-2 10.0.2.6 udp 2222 enip cyclic write"),
			want:   []string{"10.0.1.0/24: a-1 a-2", "10.0.2.0/24: a-3"},
		},
		"cyclic_data_with_its_own_stays": {
			things: devices("a-1 default 10.0.1.5 plc L1", "a-2 default 10.0.2.6 drive L1", "a-3 default 10.0.2.7 plc L1"),
			talks:  talks("a-1 10.0.1.5 > a-2 10.0.2.6 udp 2222 enip cyclic write", "a-3 10.0.2.7 > a-2 10.0.2.6 udp 2222 enip cyclic write"),
			want:   []string{"10.0.1.0/24: a-1", "10.0.2.0/24: a-2 a-3"},
		},
		"two_networks_do_not_swap": {
			things: devices("a-1 default 10.0.1.5 plc L1", "a-2 default 10.0.2.6 drive L1"),
			talks:  talks("a-1 10.0.1.5 > a-2 10.0.2.6 udp 2222 enip cyclic write"),
			want:   []string{"10.0.1.0/24: a-1", "10.0.2.0/24: a-2"},
		},
		"people_win_and_the_rest_of_the_network_follows": {
			things: devices("a-1 cell-1 10.0.1.5 plc L1 zone=Press_line", "a-2 cell-1 10.0.1.6 hmi L2"),
			want:   []string{"Press line: a-1! a-2"},
		},
		"where_people_differ_nobody_follows": {
			things: devices("a-1 cell-1 10.0.1.5 plc L1 zone=A", "a-2 cell-1 10.0.1.6 hmi L2 zone=B", "a-3 cell-1 10.0.1.7 plc"),
			want:   []string{"A: a-1!", "B: a-2!", "cell-1: a-3"},
		},
		"public_addresses_are_outside": {
			things: devices("a-1 cell-1 10.0.1.5 plc L1", "a-2 cell-1 198.51.100.7"),
			want:   []string{"cell-1: a-1", "internet: a-2"},
		},
		"the_sensor_is_nowhere": {
			things: []inventory.Asset{{ID: "a-1", Role: "sensor", Site: "works", Segment: "cell-1"}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			zoning, err := inventory.ProposeZones(t.Context(), &exporterstest.Inventory{Things: c.things, Talks: c.talks, Runs: []inventory.Survey{{ID: "s-1", Scope: c.scope}}})
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, zone := range zoning.Zones {
				line := zone.Name + ":"
				for _, id := range zone.Assets {
					p, ok := zoning.Of(id)
					if !ok || p.Zone != zone.Name || p.Reason == "" {
						t.Errorf("%s is in %s and told in %+v", id, zone.Name, p)
					}
					line += " " + id
					if p.Accepted {
						line += "!"
					}
				}
				got = append(got, line)
				if zone.Reason == "" || zone.Accepted+zone.Proposed != len(zone.Assets) || !strings.HasPrefix(zone.ID, "z-") {
					t.Errorf("zone %+v", zone)
				}
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// The order in which assets and conversations come does not matter for who is where.
func TestZonesDoNotDependOnOrder(t *testing.T) {
	things := devices("a-1 default 10.0.1.5 plc L1", "a-2 default 10.0.2.6 drive L1", "a-3 default 10.0.2.7 plc L1", "a-4 default mac=28:63:36:00:00:03 drive L1")
	said := talks("a-1 10.0.1.5 > a-2 10.0.2.6 udp 2222 enip cyclic write", "a-1 10.0.1.5 > a-4 - udp 2222 enip sporadic")
	place := func() map[string]string {
		zoning, err := inventory.ProposeZones(t.Context(), &exporterstest.Inventory{Things: things, Talks: said})
		if err != nil {
			t.Fatal(err)
		}
		out := map[string]string{}
		for _, a := range things {
			p, _ := zoning.Of(a.ID)
			out[a.ID] = p.Zone + " " + p.Reason
		}
		return out
	}
	want := place()
	slices.Reverse(things)
	slices.Reverse(said)
	if diff := cmp.Diff(want, place()); diff != "" {
		t.Error(diff)
	}
}

func TestZonesSeparate(t *testing.T) {
	zoning, err := inventory.ProposeZones(t.Context(), &exporterstest.Inventory{Things: devices(
		"a-1 cell-1 10.0.1.5 plc L1", "a-2 cell-1 10.0.1.6 wireless", "a-3 cell-1 10.0.1.7 engineering-workstation L2", "a-4 cell-1 10.0.1.1 router name=edge",
		"a-5 cell-1 10.0.1.9 printer", "a-6 cell-1 10.0.1.10 camera zone=yard")})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, zone := range zoning.Zones {
		for _, s := range zone.Separate {
			got = append(got, zone.Name+" "+s.Asset+" "+s.Rule)
		}
	}
	want := []string{"cell-1 a-2 ZCR 3.5", "cell-1 a-3 ZCR 3.4", "cell-1 a-5 ZCR 3.2"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"10.0.1.1 edge"}, zoning.Zones[0].AccessPoints); diff != "" {
		t.Error(diff)
	}
}

func TestPeopleFailWithTheSource(t *testing.T) {
	from := &exporterstest.Inventory{Broken: true}
	if _, err := inventory.ProposeZones(t.Context(), from); err == nil {
		t.Error("zones of a broken source")
	}
	if _, err := inventory.External(t.Context(), from); err == nil {
		t.Error("dependencies of a broken source")
	}
	if _, err := inventory.Coverage(t.Context(), from); err == nil {
		t.Error("coverage of a broken source")
	}
	if _, err := inventory.Conduits(t.Context(), from, &inventory.Zoning{}); err == nil {
		t.Error("conduits of a broken source")
	}
}

// wide is a plant of so many assets in networks of 200, with five conversations of each, made as it is read.
type wide struct {
	exporterstest.Inventory // has no history
	size                    int
}

func (w *wide) Assets(ctx context.Context) iter.Seq2[inventory.Asset, error] {
	return func(yield func(inventory.Asset, error) bool) {
		kinds := []string{"plc", "drive", "hmi", "remote-io", "switch"}
		for n := range w.size {
			a := inventory.Asset{
				ID: w.id(n), Site: "works", Segment: "default", Identity: inventory.Identity{Vendor: "Siemens", Type: kinds[n%5]}, Level: "1",
				Addresses: []inventory.Address{{MAC: fmt.Sprintf("28:63:36:%02x:%02x:%02x", n>>16&255, n>>8&255, n&255), IP: w.ip(n)}},
				Protocols: []string{"modbus"}, Seen: inventory.SeenPassive, FirstSeen: monday, LastSeen: monday,
			}
			if !yield(a, ctx.Err()) {
				return
			}
		}
	}
}

func (w *wide) Conversations(ctx context.Context) iter.Seq2[inventory.Conversation, error] {
	return func(yield func(inventory.Conversation, error) bool) {
		for n := range w.size {
			for k := range 5 {
				m := (n*7 + k*211 + 1) % w.size
				c := inventory.Conversation{
					Client: w.id(n), ClientIP: w.ip(n), Server: w.id(m), ServerIP: w.ip(m), Transport: "tcp", Port: 502, Protocol: "modbus", Bytes: 100,
					Operations: []string{"read"}, Frequency: "cyclic", FirstSeen: monday, LastSeen: monday,
				}
				if k == 4 && n%10 == 0 {
					c.Server, c.ServerIP, c.External = "", fmt.Sprintf("198.51.%d.%d", n>>8&255, n&255), true
				}
				if !yield(c, ctx.Err()) {
					return
				}
			}
		}
	}
}

func (w *wide) id(n int) string { return fmt.Sprintf("a-%016x", n) }
func (w *wide) ip(n int) string { return fmt.Sprintf("10.%d.%d.%d", n/200/256, n/200%256, n%200+1) }

// BenchmarkPeople is what zones, conduits, external dependencies, gaps and coverage cost at 100,000 assets and 500,000 conversations.
func BenchmarkPeople(b *testing.B) {
	from := &wide{size: 100_000}
	b.Run("zones_and_conduits", func(b *testing.B) {
		for b.Loop() {
			zoning, err := inventory.ProposeZones(b.Context(), from)
			if err != nil {
				b.Fatal(err)
			}
			list, err := inventory.Conduits(b.Context(), from, zoning)
			if err != nil || len(list) == 0 {
				b.Fatal(len(list), err)
			}
			b.ReportMetric(float64(len(list)), "conduits")
		}
	})
	b.Run("external", func(b *testing.B) {
		for b.Loop() {
			list, err := inventory.External(b.Context(), from)
			if err != nil || len(list) == 0 {
				b.Fatal(len(list), err)
			}
		}
	})
	b.Run("gaps", func(b *testing.B) {
		for b.Loop() {
			counter := inventory.NewGapCounter(nil)
			for a, err := range from.Assets(b.Context()) {
				if err != nil {
					b.Fatal(err)
				}
				counter.Add(a)
			}
			if len(counter.Fields()) == 0 {
				b.Fatal("no gaps")
			}
		}
	})
	b.Run("coverage", func(b *testing.B) {
		for b.Loop() {
			if _, err := inventory.Coverage(b.Context(), from); err != nil {
				b.Fatal(err)
			}
		}
	})
}
