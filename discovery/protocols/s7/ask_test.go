package s7

import (
	"encoding/hex"
	"errors"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/discoverytest"
	"github.com/walkdown-ot/walkdown/discovery/wire/cotp"
)

// cpu is a CPU in one place, which answers as the captured ones do: in parts where a list is longer than its messages.
type cpu struct {
	place      byte              // rack and slot, as in a TSAP
	lists      map[byte]string   // by the low byte of the id
	part       int               // bytes of a list in one answer
	strangers  string            // how it meets a connection to another place: "refuses", "ends", "" = answers all places
	disturbed  map[string]string // request in hex (its tail) -> an answer in its place; "" = silence
	setupError string
}

func (c cpu) serve(conn net.Conn) {
	buffer := make([]byte, 4096)
	var rest string
	for {
		n, err := conn.Read(buffer)
		if err != nil {
			return
		}
		request := hex.EncodeToString(buffer[:n])
		t, err := cotp.Parse(buffer[:n])
		if err != nil {
			return
		}
		var reply []byte
		switch {
		case t.Kind == cotp.ConnectRequest && c.strangers == "refuses" && t.CalledTSAP[1] != c.place:
			reply = packet("06 80 0001 0000 00")
		case t.Kind == cotp.ConnectRequest && c.strangers == "ends" && t.CalledTSAP[1] != c.place:
			return
		case t.Kind == cotp.ConnectRequest:
			reply = connect("d0", hex.EncodeToString(t.CalledTSAP))
		case strings.HasSuffix(request, "f0000001000101e0"):
			reply = job(AckData, "f0 00 0001 0001 00f0", "")
			if c.setupError != "" {
				reply = data("3203 0000 0001 0000 0000" + c.setupError)
			}
		case strings.Contains(request, "00011204114401"):
			rest = strings.ReplaceAll(c.lists[buffer[n-3]], " ", "")
			if rest == "" {
				reply = job(Userdata, "000112 08 12 84 01 01 00 00 d402", "0a 00 0000")
				break
			}
			fallthrough
		case strings.Contains(request, "00011208124401"):
			now := rest
			if c.part > 0 && len(now) > 2*c.part {
				now = now[:2*c.part]
			}
			rest = rest[len(now):]
			unit := uint8(0)
			if c.part > 0 {
				unit = 6
			}
			reply = answer(unit, 3, rest != "", now)
		}
		for tail, other := range c.disturbed {
			if strings.HasSuffix(request, strings.ReplaceAll(tail, " ", "")) {
				reply = unhex(other)
			}
		}
		if len(reply) == 0 {
			continue
		}
		if _, err := conn.Write(reply); err != nil {
			return
		}
	}
}

func TestAsk(t *testing.T) {
	both := map[byte]string{listModules: allModules, listComponents: allComponents}
	opened := []string{requestConnect, requestSetup}
	for name, c := range map[string]struct {
		cpu   cpu
		known map[discovery.Key]string
		want  []string
		told  []string // of the facts
		err   error
		dials int
	}{
		"whole": {
			cpu: cpu{lists: both}, want: append(opened, requestModules, requestComponents),
			told: slices.Concat([]string{server1 + ": s7.rack-slot = 0/2"}, told0011, told001C), dials: 1,
		},
		"in_parts": {
			cpu: cpu{lists: both, part: 200}, want: append(opened, requestModules, requestComponents, requestNextPart),
			told: slices.Concat([]string{server1 + ": s7.rack-slot = 0/2"}, told0011, told001C), dials: 1,
		},
		"in_too_many_parts": {
			cpu: cpu{lists: both, part: 40}, want: append(opened, requestModules, requestNextPart, requestNextPart, requestComponents),
			told: []string{server1 + ": s7.rack-slot = 0/2"}, dials: 1,
		},
		"refused_elsewhere": {
			cpu: cpu{lists: both, strangers: "refuses", place: 1}, want: append([]string{requestConnect}, append(opened, requestModules, requestComponents)...),
			told: slices.Concat([]string{server1 + ": s7.rack-slot = 0/1"}, told0011, told001C), dials: 2,
		},
		"ended_elsewhere": {
			cpu: cpu{lists: both, strangers: "ends"}, want: append([]string{requestConnect, requestConnect}, append(opened, requestModules, requestComponents)...),
			told: slices.Concat([]string{server1 + ": s7.rack-slot = 0/0"}, told0011, told001C), dials: 3,
		},
		"overheard_place": {
			cpu: cpu{lists: both, strangers: "refuses", place: 1<<5 | 4}, known: map[discovery.Key]string{KeyRackSlot: "1/4"},
			want: append(opened, requestModules, requestComponents), told: slices.Concat([]string{server1 + ": s7.rack-slot = 1/4"}, told0011, told001C), dials: 1,
		},
		"newer_family": {
			cpu: cpu{lists: both, strangers: "refuses", place: 1}, known: map[discovery.Key]string{KeyPlusOrderNumber: "6ES7 511-1AK02-0AB0"},
			want: append(opened, requestModules, requestComponents), told: slices.Concat([]string{server1 + ": s7.rack-slot = 0/1"}, told0011, told001C), dials: 1,
		},
		"nowhere": {
			cpu: cpu{strangers: "refuses", place: 9}, want: []string{requestConnect, requestConnect, requestConnect}, err: discovery.ErrNotOffered, dials: 3,
		},
		"setup_refused": {
			cpu: cpu{setupError: "8104"}, want: append(append(slices.Clone(opened), opened...), opened...), err: discovery.ErrNotOffered, dials: 3,
		},
		"only_names": {
			cpu: cpu{lists: map[byte]string{listComponents: allComponents}}, want: append(opened, requestModules, requestComponents),
			told: append([]string{server1 + ": s7.rack-slot = 0/2"}, told001C...), dials: 1,
		},
		"modules_known": {
			cpu: cpu{lists: both}, known: map[discovery.Key]string{KeyOrderNumber: order, KeyFirmwareVersion: "V2.6.9"}, want: append(opened, requestComponents),
			told: append([]string{server1 + ": s7.rack-slot = 0/2"}, told001C...), dials: 1,
		},
		"all_known": {
			known: map[discovery.Key]string{KeyOrderNumber: order, KeyFirmwareVersion: "V2.6.9", KeySerialNumber: "S", KeyModuleTypeName: "CPU"},
		},
		"silent": {
			cpu: cpu{lists: both, disturbed: map[string]string{"0004 001c 0000": ""}}, want: append(opened, requestModules, requestComponents),
			told: append([]string{server1 + ": s7.rack-slot = 0/2"}, told0011...), err: discovery.ErrSilent, dials: 1,
		},
		"garbled": {
			cpu: cpu{lists: both, disturbed: map[string]string{"0004 0011 0000": "0300 000a 02f080 320755"}}, want: append(opened, requestModules),
			told: []string{server1 + ": s7.rack-slot = 0/2"}, err: discovery.ErrNotUnderstood, dials: 1,
		},
		"mms": { // a server of MMS accepts the transport and knows nothing of what follows
			cpu: cpu{disturbed: map[string]string{"0001 0001 01e0": "0300 0009 02f080 1900"}}, want: opened, err: discovery.ErrNotUnderstood, dials: 1,
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				got := discoverytest.Asked(t, Protocol(), discoverytest.Peer{
					Target: discovery.Target{Subject: discovery.Subject{IP: netip.MustParseAddr(server1)}, Port: Port}, Serve: c.cpu.serve, Known: c.known,
				})
				if !slices.Equal(got.Requests(), c.want) || got.Dials != c.dials || !errors.Is(got.Err, c.err) || c.err == nil && got.Err != nil {
					t.Errorf("asked %q over %d connections, error %v; want %q over %d, %v", got.Requests(), got.Dials, got.Err, c.want, c.dials, c.err)
				}
				for _, line := range c.told {
					if !slices.Contains(got.Lines, line) {
						t.Errorf("%q was not told, but:\n%s", line, strings.Join(got.Lines, "\n"))
					}
				}
				for _, sent := range got.Sent {
					if sent.Request == requestConnect && (sent.Bytes[20] == 1 || sent.Bytes[16] == 1) {
						t.Errorf("a connection of the engineer's kind was asked for: % x", sent.Bytes)
					}
				}
			})
		})
	}
}
