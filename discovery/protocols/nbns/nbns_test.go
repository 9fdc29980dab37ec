package nbns

import (
	"encoding/hex"
	"net/netip"
	"strings"
	"testing"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/discoverytest"
)

const (
	sender = "10.0.0.7"
	asker  = "10.0.0.20"
)

func flow() discovery.Flow {
	f := discovery.Flow{Transport: discovery.UDP, Ports: [2]uint16{Port, Port}}
	f.Ends[discovery.Client].IP = netip.MustParseAddr(asker)
	f.Ends[discovery.Server].IP = netip.MustParseAddr(sender)
	return f
}

// padded is a name of 15 bytes with its suffix.
func padded(text string, suffix byte) string {
	return text + strings.Repeat(" ", 15-len(text)) + string([]byte{suffix})
}

// encoded is a name in the first-level encoding of RFC 1001 section 14.1.
func encoded(text string, suffix byte) string {
	out := "\x20"
	for _, c := range []byte(padded(text, suffix)) {
		out += string([]byte{'A' + c>>4, 'A' + c&15})
	}
	return out + "\x00"
}

// message joins pieces: those that are hex digits and blanks alone are hex, the others stand for themselves.
func message(pieces ...string) []byte {
	var out []byte
	for _, piece := range pieces {
		if b, err := hex.DecodeString(strings.ReplaceAll(piece, " ", "")); err == nil {
			out = append(out, b...)
			continue
		}
		out = append(out, piece...)
	}
	return out
}

// registration is a NAME REGISTRATION REQUEST (RFC 1002 section 4.2.2): the record's name is a pointer to the question's.
func registration(text string, suffix byte, flags, address string) []byte {
	return message("8004 2910 0001 0000 0000 0001", encoded(text, suffix), "0020 0001 c00c 0020 0001 000493e0 0006", flags, address)
}

// answer is a POSITIVE NAME QUERY RESPONSE (RFC 1002 section 4.2.13) with a list of owners.
func answer(text string, suffix byte, owners string) []byte {
	return message("8005 8500 0000 0001 0000 0000", encoded(text, suffix), "0020 0001 00000000", hex.EncodeToString([]byte{0, byte(len(strings.ReplaceAll(owners, " ", "")) / 2)}), owners)
}

// nodeStatus is a NODE STATUS RESPONSE (RFC 1002 section 4.2.18) as Windows XP gives it, with a user's name in it.
func nodeStatus(unitID string) []byte {
	return message(
		"8006 8400 0000 0001 0000 0000", encoded("HMI7", 0x20), "0021 0001 00000000 00ad 07",
		padded("HMI7", 0x00), "0400", padded("HMI7", 0x20), "0400", padded("PLANT", 0x00), "8400", padded("PLANT", 0x1e), "8400",
		padded("OPERATOR", 0x03), "0400", padded("OLD-NAME", 0x00), "0c00", "\x01\x02__MSBROWSE__\x02\x01", "8400",
		unitID, strings.Repeat("00", 40),
	)
}

func TestProtocol(t *testing.T) {
	say := func(side discovery.Side, b []byte) discoverytest.Message {
		return discoverytest.Message{Side: side, Bytes: b}
	}
	sample := func(name string, want []string, messages ...discoverytest.Message) discoverytest.Sample {
		return discoverytest.Sample{Name: name, Flow: flow(), Want: want, Messages: messages}
	}
	own := sender + ": nbns."
	status := []string{own + "name = HMI7", own + "group = PLANT"}
	bad := sample("damaged", nil, say(discovery.Server, message("8005 8500 0000 0001 0000 0000", "\x02AB\x00", "0020 0001 00000000 0006 0000 0a000007")))
	bad.Problems = 1

	discoverytest.Run(
		t, Protocol(), bad,
		sample(
			"registrations", []string{own + "name = HMI7", own + "group = PLANT", "192.168.5.7 (said by " + sender + "): nbns.name = HMI7"},
			say(discovery.Server, registration("HMI7", 0x00, "0000", "0a000007")), say(discovery.Server, registration("HMI7", 0x20, "0000", "0a000007")),
			say(discovery.Server, registration("PLANT", 0x00, "8000", "00000000")), say(discovery.Server, registration("HMI7", 0x00, "0000", "c0a80507")),
		),
		sample("answer", []string{own + "name = CX_0D7560"}, say(discovery.Server, answer("CX_0D7560", 0, "0000 0a000007 0000 c0a80507"))),
		sample(
			"name_server", []string{"10.0.0.9 (said by " + sender + "): nbns.group = PLANT", own + "group = PLANT"},
			say(discovery.Server, answer("PLANT", 0x1c, "e000 0a000009 e000 ffffffff e000 0a000007")),
		),
		sample("node_status", append(status, own+"unit-id = 00:0c:29:5a:cf:2e"), say(discovery.Server, nodeStatus("000c295acf2e"))),
		sample("node_status_of_samba", status, say(discovery.Server, nodeStatus("000000000000"))),
		sample(
			"nothing", nil,
			say(discovery.Client, message("0005 0110 0001 0000 0000 0000", encoded("HMI7", 0), "0020 0001")),
			say(discovery.Server, message("0005 8583 0000 0000 0000 0000")),
			say(discovery.Server, registration("OPERATOR", 0x03, "0000", "0a000007")),
			say(discovery.Server, message("0006 3010 0001 0000 0000 0001", encoded("HMI7", 0), "0020 0001 c00c 0020 0001 00000000 0006 0000 0a000007")),
		),
	)
}

func TestCaptures(t *testing.T) {
	for file, want := range map[string]string{
		"ads-beckhoff-add-route.pcapng":               "192.168.1.8: nbns.name = CX_0D7560",
		"plant-s4x15-lab-merged.pcap":                 "10.200.1.18: nbns.unit-id = 00:0c:29:5a:cf:2e",
		"profinet-io-ge-versamax-scalance-mixed.pcap": "192.168.1.1: nbns.name = KW-VLIPC",
	} {
		t.Run(file, func(t *testing.T) {
			found := false
			for _, s := range discoverytest.Capture(t, file, discovery.UDP, Port) {
				lines, problems := discoverytest.Read(t, Protocol(), s)
				if len(problems) > 0 {
					t.Errorf("%s: %v", s.Name, problems)
				}
				for _, line := range lines {
					found = found || strings.HasSuffix(line, want)
				}
			}
			if !found {
				t.Errorf("%q is missing", want)
			}
		})
	}
}
