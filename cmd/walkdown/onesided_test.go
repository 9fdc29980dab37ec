package main

import (
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/listen"
	"github.com/walkdown-ot/walkdown/discovery/protocols"
)

// serverEnd is what frames of the server's side come from.
type serverEnd struct {
	ip        netip.Addr
	port      uint16
	transport discovery.Transport
}

// needsBoth are the keys whose values one side alone does not show to be what they are: to what question an attribute is the answer, or
// whether a connection that was asked for came about, and which of its two selectors is the device's.
func needsBoth(key string) bool {
	return strings.Contains(key, " enip.controller-") || strings.Contains(key, " enip.bulletin-") || strings.HasSuffix(key, " s7.rack-slot")
}

// TestOneSide reads the shared captures as a mirror port shows them that copies one direction: only what servers send, or only what
// clients do. Nothing may contradict the whole, and what the whole tells one of the two sides tells alone.
func TestOneSide(t *testing.T) {
	checked := 0
	for _, file := range sharedCaptures(t) {
		frames := load(t, file)
		servers := serversOf(frames)
		whole := pathless(tell(frames))
		alone := map[string]map[string]bool{}
		for _, ofServers := range []bool{true, false} {
			for key, values := range pathless(tell(slices.DeleteFunc(slices.Clone(frames), func(f discovery.Frame) bool {
				from, ok := senderOf(f)
				return ok && servers[from] != ofServers
			}))) {
				if alone[key] == nil {
					alone[key] = map[string]bool{}
				}
				for value := range values {
					alone[key][value] = true
					if !whole[key][value] {
						t.Errorf("%s, servers %v: %s is told to be %q, the whole tells %q", filepath.Base(file), ofServers, key, value, sortedKeys(whole[key]))
					}
				}
			}
		}
		for key, values := range whole {
			for value := range values {
				checked++
				if !alone[key][value] && !needsBoth(key) {
					t.Errorf("%s: neither side alone tells that %s is %q", filepath.Base(file), key, value)
				}
			}
		}
	}
	t.Logf("%d values", checked)
}

// pathless takes the paths out: where a module is, only the question says.
func pathless(told map[string]map[string]bool) map[string]map[string]bool {
	out := map[string]map[string]bool{}
	for about, values := range told {
		words := strings.Fields(about)
		key := words[0] + " " + words[len(words)-1]
		if out[key] == nil {
			out[key] = map[string]bool{}
		}
		for value := range values {
			out[key][value] = true
		}
	}
	return out
}

// serversOf are the servers' ends of the conversations in the frames.
func serversOf(frames []discovery.Frame) map[serverEnd]bool {
	out := map[serverEnd]bool{}
	l := listen.New(listen.Options{Protocols: protocols.All(), Out: discovery.SinkFunc(func(o discovery.Observation) {
		for _, c := range o.Talks {
			if c.Server.IP.IsValid() && c.Packets > 0 {
				out[serverEnd{c.Server.IP, c.Port, c.Transport}] = true
			}
		}
	})})
	for i := range frames {
		l.Frame(&frames[i])
	}
	l.Flush()
	return out
}

// senderOf is the end that an Ethernet frame of TCP or UDP comes from.
func senderOf(f discovery.Frame) (serverEnd, bool) {
	if f.Link != discovery.LinkEthernet {
		return serverEnd{}, false
	}
	packet := gopacket.NewPacket(f.Data, layers.LinkTypeEthernet, gopacket.NoCopy)
	network := packet.NetworkLayer()
	if network == nil {
		return serverEnd{}, false
	}
	ip, _ := netip.AddrFromSlice(network.NetworkFlow().Src().Raw())
	switch l := packet.TransportLayer().(type) {
	case *layers.TCP:
		return serverEnd{ip, uint16(l.SrcPort), discovery.TCP}, true
	case *layers.UDP:
		return serverEnd{ip, uint16(l.SrcPort), discovery.UDP}, true
	}
	return serverEnd{}, false
}
