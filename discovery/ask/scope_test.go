package ask

import (
	"errors"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/walkdown-ot/walkdown/discovery"
)

func TestParseScope(t *testing.T) {
	for _, c := range []struct {
		name, text, want, refused string
	}{
		{"networks_and_addresses", "10.20.30.0/24, 10.20.30.5\n192.168.1.0/25", "10.20.30.0/24 10.20.30.5/32 192.168.1.0/25", ""},
		{"twice", "10.0.0.0/24,10.0.0.0/24", "10.0.0.0/24", ""},
		{"public_named_alone", "8.8.8.8,2001:db8::7", "8.8.8.8/32 2001:db8::7/128", ""},
		{"public_network", "8.8.8.0/24", "", "public"},
		{"everything", "0.0.0.0/0", "", "public"},
		{"more_than_private", "172.0.0.0/8", "", "public"},
		{"all_of_ipv6", "::/0", "", "public"},
		{"carrier_grade", "100.64.1.0/24", "100.64.1.0/24", ""},
		{"loopback_named", "127.0.0.0/24,::1", "127.0.0.0/24 ::1/128", ""},
		{"unique_local", "fd00:1::/64", "fd00:1::/64", ""},
		{"mapped", "::ffff:10.0.0.1", "10.0.0.1/32", ""},
		{"mapped_network", "::ffff:10.0.0.0/120", "10.0.0.0/24", ""},
		{"mapped_and_more", "::ffff:10.0.0.0/64", "", "want an address"},
		{"multicast", "224.0.0.1", "", "multicast"},
		{"multicast_network", "239.0.0.0/8", "", "public"},
		{"multicast_ipv6", "ff02::1", "", "multicast"},
		{"broadcast", "255.255.255.255", "", "broadcast"},
		{"reserved", "250.1.2.3", "", "reserved"},
		{"unspecified", "0.0.0.0", "", "no host"},
		{"unspecified_ipv6", "::", "", "no host"},
		{"this_network", "0.1.2.3", "", "no host"},
		{"host_bits", "10.0.0.5/24", "", "write 10.0.0.0/24 for the network or 10.0.0.5"},
		{"zone", "fe80::1%eth0", "", "want an address"},
		{"name", "plc-1", "", "want an address"},
		{"empty", " ,", "", "empty"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := ParseScope(c.text)
			if c.refused != "" {
				if err == nil || !strings.Contains(err.Error(), c.refused) {
					t.Fatalf("got %v, %v; want %q", got, err, c.refused)
				}
				return
			}
			var words []string
			for _, p := range got {
				words = append(words, p.String())
			}
			if text := strings.Join(words, " "); err != nil || text != c.want {
				t.Errorf("got %q, %v", text, err)
			}
		})
	}
}

func TestParseExclusions(t *testing.T) {
	e, err := ParseExclusions("10.20.30.99,10.20.40.7/28 00:80:f4:00:00:00/24, 00-0e-8c, 28:63:36:aa:bb:cc,fe80::/10")
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"10.20.30.99", "10.20.40.0/28", "fe80::/10", "00:80:f4:00:00:00/24", "00:0e:8c:00:00:00/24", "28:63:36:aa:bb:cc"}
	if diff := cmp.Diff(want, e.Strings()); diff != "" {
		t.Error(diff)
	}
	for _, c := range []struct{ addr, mac, entry string }{
		{"10.20.30.99", "", "10.20.30.99"},
		{"10.20.30.98", "", ""},
		{"10.20.40.15", "", "10.20.40.0/28"},
		{"10.20.40.16", "", ""},
		{"::ffff:10.20.40.1", "", "10.20.40.0/28"},
		{"fe80::1%eth0", "", "fe80::/10"},
		{"10.1.1.1", "00:80:f4:12:34:56", "00:80:f4:00:00:00/24"},
		{"10.1.1.1", "00:80:f5:12:34:56", ""},
		{"10.1.1.1", "28:63:36:aa:bb:cc", "28:63:36:aa:bb:cc"},
		{"10.1.1.1", "28:63:36:aa:bb:cd", ""},
	} {
		var mac discovery.MAC
		if err := mac.UnmarshalText([]byte(c.mac)); err != nil {
			t.Fatal(err)
		}
		if entry, excluded := e.Covers(addr(c.addr), mac); entry != c.entry || excluded != (c.entry != "") {
			t.Errorf("%s %s: got %q", c.addr, c.mac, entry)
		}
	}
	for _, bad := range []string{"x", "00:80", "00:80:f4:00:00:00/0", "00:80:f4:00:00:00/49", "10.0.0.0/33", "00:80:f4/24/24", "00:80:f4:00:00:00/-1"} {
		if got, err := ParseExclusions(bad); err == nil {
			t.Errorf("%q gave %v", bad, got)
		}
	}
	if e, err := ParseExclusions(""); err != nil || len(e.Strings()) != 0 {
		t.Errorf("nothing gave %v, %v", e, err)
	}
}

func TestMACPrefixOfAnyLength(t *testing.T) {
	e, err := ParseExclusions("70:b3:d5:12:30:00/36")
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]bool{"70:b3:d5:12:3f:ff": true, "70:b3:d5:12:40:00": false} {
		mac, _ := discovery.ParseMAC(text)
		if _, got := e.Covers(netip.Addr{}, mac); got != want {
			t.Errorf("%s: %t", text, got)
		}
	}
}

func TestMayAsk(t *testing.T) {
	scope, err := ParseScope("10.0.0.0/24,10.0.1.0/24,10.0.1.255,10.2.0.0/16,192.168.0.0/31,8.8.8.8,10.0.0.77,127.0.0.0/8")
	if err != nil {
		t.Fatal(err)
	}
	exclude, err := ParseExclusions("10.0.0.99,10.0.0.128/26,00:80:f4")
	if err != nil {
		t.Fatal(err)
	}
	identified := func(s discovery.Subject) Identity {
		switch s.IP {
		case addr("10.0.0.60"):
			return Identity{Type: "safety-controller"}
		case addr("10.0.0.61"):
			return Identity{Vendor: "HIMA"}
		case addr("10.0.0.62"):
			return Identity{Vendor: "Himalaya Pumps"}
		}
		return Identity{}
	}
	k, _ := newKeeper(t, Options{Scope: scope, Exclude: exclude, Own: []netip.Addr{addr("10.0.0.9")}, Identified: identified})
	k.o.Interface = &net.Interface{Name: "eth9"}
	k.links = []link{{net: netip.MustParsePrefix("10.2.3.0/24"), own: addr("10.2.3.1")}}
	for _, c := range []struct{ addr, mac, reason string }{
		{"10.0.0.5", "", ""},
		{"::ffff:10.0.0.5", "", ""},
		{"10.9.0.5", "", "outside the scope"},
		{"10.0.0.0", "", "network or broadcast address of 10.0.0.0/24"},
		{"10.0.0.255", "", "network or broadcast address of 10.0.0.0/24"},
		{"10.0.1.255", "", ""}, // named alone
		{"10.2.0.255", "", ""}, // inside a larger network
		{"10.2.255.255", "", "network or broadcast address of 10.2.0.0/16"},
		{"10.2.3.255", "28:63:36:aa:bb:cc", "network or broadcast address of 10.2.3.0/24 on eth9"},
		{"10.2.3.7", "", "its MAC is not known and MACs are excluded"},
		{"10.2.3.7", "28:63:36:aa:bb:cc", ""},
		{"192.168.0.0", "", ""},
		{"192.168.0.1", "", ""},
		{"8.8.8.8", "", ""},
		{"8.8.4.4", "", "outside the scope"},
		{"10.0.0.9", "", "our own address"},
		{"10.0.0.99", "", "excluded by 10.0.0.99"},
		{"10.0.0.130", "", "excluded by 10.0.0.128/26"},
		{"10.0.0.5", "00:80:f4:01:02:03", "excluded by 00:80:f4:00:00:00/24"},
		{"10.0.0.5", "00:e0:a1:01:02:03", "a safety system (its MAC is one of HIMA)"},
		{"10.0.0.77", "00:e0:a1:01:02:03", ""}, // named alone
		{"10.0.0.60", "", "a safety system (it was identified as one)"},
		{"10.0.0.61", "", "a safety system (its maker is HIMA"},
		{"10.0.0.62", "", ""},
		{"127.0.0.5", "", ""},
		{"224.0.0.1", "", "multicast"},
		{"255.255.255.255", "", "broadcast"},
		{"0.0.0.0", "", "no host"},
	} {
		t.Run(c.addr+" "+c.mac, func(t *testing.T) {
			var mac discovery.MAC
			if err := mac.UnmarshalText([]byte(c.mac)); err != nil {
				t.Fatal(err)
			}
			err := k.MayAsk(addr(c.addr), mac)
			if c.reason == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if !errors.Is(err, discovery.ErrOutOfScope) || !strings.Contains(err.Error(), c.reason) {
				t.Errorf("got %v, want %q", err, c.reason)
			}
		})
	}
}

func TestNewRefuses(t *testing.T) {
	sound := wordProtocol("word", discovery.TCP, askWords())
	scope := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/24")}
	for _, c := range []struct {
		name   string
		o      Options
		reason string
	}{
		{"no_scope", Options{}, "without a scope"},
		{"public_scope", Options{Scope: []netip.Prefix{netip.MustParsePrefix("8.0.0.0/8")}}, "public"},
		{"no_pace", Options{Scope: scope, Limits: Limits{Name: "none"}}, "limits"},
		{"no_gap", Options{Scope: scope, Limits: DefaultLimits().WithGap(0)}, "gap"},
		{"twice", Options{Scope: scope, Protocols: []discovery.Protocol{sound, sound}}, "twice"},
		{"no_framing", Options{Scope: scope, Protocols: []discovery.Protocol{func() discovery.Protocol {
			p := wordProtocol("word", discovery.TCP, askWords())
			p.Asker.Message = nil
			return p
		}()}}, "Message"},
		{"no_template", Options{Scope: scope, Protocols: []discovery.Protocol{func() discovery.Protocol {
			p := wordProtocol("word", discovery.TCP, askWords())
			p.Asker.Requests[0].Template = discovery.Template{}
			return p
		}()}}, "template"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := New(c.o); err == nil || !strings.Contains(err.Error(), c.reason) {
				t.Errorf("got %v, want %q", err, c.reason)
			}
		})
	}
}

// The table of defaults is the project's promise; it changes here and in the documents, or not at all.
func TestDefaultLimits(t *testing.T) {
	want := "infrastructure 200ms 400 | computer 500ms 30 | controller 1s 20 | gateway 2s 16 | unknown 1s 20"
	l := DefaultLimits()
	var got []string
	for _, c := range []Class{Infrastructure, Computer, Controller, Gateway, Unknown} {
		got = append(got, strings.Join([]string{c.String(), l.Class(c).Gap.String(), strconv.Itoa(l.Class(c).Questions)}, " "))
	}
	if text := strings.Join(got, " | "); text != want {
		t.Errorf("got %s", text)
	}
	if l.Controller.Connections != 3 || l.Rate != 10 || l.Devices != 8 || l.Jitter != 0.1 || l.SweepRate != 20 || l.SweepMax != 1024 || l.UDPRetries != 1 {
		t.Errorf("got %+v", l)
	}
	for _, l := range []Limits{l, DemoLimits(), l.WithGap(5)} {
		if err := l.check(); err != nil {
			t.Error(err)
		}
	}
}

func FuzzParseScope(f *testing.F) {
	f.Add("10.20.30.0/24,10.20.30.5")
	f.Add("::ffff:10.0.0.0/120 fe80::/10,8.8.8.8")
	f.Fuzz(func(t *testing.T, text string) {
		scope, err := ParseScope(text)
		if err != nil {
			return
		}
		for _, p := range scope {
			if err := checkPrefix(p); err != nil || p != p.Masked() {
				t.Errorf("%q gave %s: %v", text, p, err)
			}
			if p.Addr().IsMulticast() || isPublic(p.Addr()) && !p.IsSingleIP() {
				t.Errorf("%q gave %s", text, p)
			}
		}
		if _, err := New(Options{Scope: scope}); err != nil {
			t.Errorf("%q: %v", text, err)
		}
	})
}

func FuzzParseExclusions(f *testing.F) {
	f.Add("10.20.30.99, 00:80:f4:00:00:00/24")
	f.Add("0080f4,fe80::/10 28-63-36-aa-bb-cc")
	f.Fuzz(func(t *testing.T, text string) {
		e, err := ParseExclusions(text)
		if err != nil {
			return
		}
		again, err := ParseExclusions(strings.Join(e.Strings(), ","))
		if err != nil {
			t.Fatalf("%q gave %q: %v", text, e.Strings(), err)
		}
		if diff := cmp.Diff(e.Strings(), again.Strings()); diff != "" {
			t.Errorf("%q: %s", text, diff)
		}
		for _, p := range e.MACs {
			if !p.Contains(p.MAC) {
				t.Errorf("%q: %s does not hold itself", text, p)
			}
		}
		for _, p := range e.Prefixes {
			if _, excluded := e.Covers(p.Addr(), discovery.MAC{}); !excluded {
				t.Errorf("%q: %s does not exclude itself", text, p)
			}
		}
	})
}
