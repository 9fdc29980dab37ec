package ntlm

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"io"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/walkdown-ot/walkdown/discovery/discoverytest"

	"github.com/google/go-cmp/cmp"
)

// challenge is the CHALLENGE_MESSAGE of MS-NLMP section 4.2.4.3: target "Server", NetBIOS domain "Domain", computer "Server",
// version 6.0 build 6000.
const challenge = `
	4e544c4d53535000 02000000 0c000c0038000000 33828ae2 0123456789abcdef 0000000000000000 2400240044000000 060070170000000f
	530065007200760065007200 02000c0044006f006d00610069006e00 01000c00530065007200760065007200 00000000`

// authenticate is the AUTHENTICATE_MESSAGE of MS-NLMP section 4.2.2.3 without its responses: domain "Domain", user "User",
// workstation "COMPUTER", version 5.1 build 2600.
const authenticate = `
	4e544c4d53535000 03000000 1800180000000000 1800180000000000 0c000c0048000000 0800080054000000 100010005c000000 100010000000 0000
	35828ae2 0501280a0000000f 44006f006d00610069006e00 5500730065007200 43004f004d0050005500540045005200`

func message(t testing.TB, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.Join(strings.Fields(text), ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// wide is a text in UTF-16.
func wide(text string) string {
	var out []byte
	for _, unit := range utf16.Encode([]rune(text)) {
		out = binary.LittleEndian.AppendUint16(out, unit)
	}
	return string(out)
}

func TestParse(t *testing.T) {
	pair := func(id byte, text string) string { return string([]byte{id, 0, byte(2 * len(text)), 0}) + wide(text) }
	info := pair(2, "PLANT") + pair(1, "HMI7") + pair(4, "plant.example") + pair(3, "hmi7.plant.example") + pair(5, "example") + "\x07\x00\x08\x00timetime\x00\x00\x00\x00"
	named := "NTLMSSP\x00\x02\x00\x00\x00\x05\x00\x05\x00\x38\x00\x00\x00\x02\x82\x89\xe2" + strings.Repeat("\x01", 16) +
		string([]byte{byte(len(info)), 0, byte(len(info)), 0, 0x3d, 0, 0, 0}) + "\x0a\x00\x63\x45\x00\x00\x00\x0f" + "PLANT" + info
	for _, c := range []struct {
		name, bytes string
		want        Message
	}{
		{"challenge", string(message(t, challenge)), Message{Type: Challenge, Version: Version{6, 0, 6000}, TargetName: "Server", ComputerName: "Server", Domain: "Domain"}},
		{"challenge_in_a_blob", string(message(t, challenge)) + "more", Message{Type: Challenge, Version: Version{6, 0, 6000}, TargetName: "Server", ComputerName: "Server", Domain: "Domain"}},
		{"all_names_oem_target", named, Message{
			Type: Challenge, Version: Version{10, 0, 17763}, TargetName: "PLANT", ComputerName: "HMI7", Domain: "PLANT",
			DNSComputerName: "hmi7.plant.example", DNSDomain: "plant.example", DNSTree: "example",
		}},
		{"challenge_of_an_old_server", "NTLMSSP\x00\x02\x00\x00\x00\x00\x00\x00\x00\x30\x00\x00\x00\x02\x02\x00\x00challeng", Message{Type: Challenge}},
		{"negotiate", "NTLMSSP\x00\x01\x00\x00\x00\x07\xb2\x08\xa2\x06\x00\x06\x00\x33\x00\x00\x00\x0b\x00\x0b\x00\x28\x00\x00\x00\x05\x00\x93\x08\x00\x00\x00\x0fWORKSTATIONDOMAIN", Message{Type: Negotiate, Version: Version{5, 0, 2195}, Workstation: "WORKSTATION"}},
		{"negotiate_of_an_old_client", "NTLMSSP\x00\x01\x00\x00\x00\x07\xb2\x00\xa2", Message{Type: Negotiate}},
		{"no_room_for_the_version", "NTLMSSP\x00\x01\x00\x00\x00\x07\xb2\x08\xa2\x00\x00\x00\x00\x20\x00\x00\x00\x04\x00\x04\x00\x20\x00\x00\x00HMI7xxxx", Message{Type: Negotiate, Workstation: "HMI7"}},
		{"authenticate", string(message(t, authenticate)), Message{Type: Authenticate, Version: Version{5, 1, 2600}, Workstation: "COMPUTER"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := Parse([]byte(c.bytes))
			if diff := cmp.Diff(c.want, got); diff != "" || err != nil {
				t.Errorf("error %v (-want +got):\n%s", err, diff)
			}
		})
	}
	if got := (Version{10, 0, 17763}).String(); got != "10.0.17763" {
		t.Errorf("got %q", got)
	}
}

func TestParseDamaged(t *testing.T) {
	whole := message(t, challenge)
	for _, n := range []int{8, 12, 15, 56, 60, len(whole) - 8} {
		if _, err := Parse(whole[:n]); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%d bytes: error %v", n, err)
		}
	}
	lying := append([]byte(nil), whole...)
	lying[44] = 0xff // where the target info begins
	if m, err := Parse(lying); err == nil || m.TargetName != "Server" {
		t.Errorf("got %+v, error %v", m, err)
	}
	lying = append([]byte(nil), whole...)
	lying[68+2] = 0xff // the length of the first pair
	if _, err := Parse(lying); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("error %v", err)
	}
	for _, text := range []string{"", "NTLMSSP", "NTLMSSP\x00\x09\x00\x00\x00"} {
		if _, err := Parse([]byte(text)); err == nil {
			t.Errorf("%q was read", text)
		}
	}
}

func TestFind(t *testing.T) {
	if got := Find([]byte("`\x06wrappedNTLMSSP\x00rest")); string(got) != "NTLMSSP\x00rest" {
		t.Errorf("got %q", got)
	}
	if got := Find([]byte("kerberos")); got != nil {
		t.Errorf("got %q", got)
	}
}

func FuzzParse(engine *testing.F) {
	f := discoverytest.NewFuzz(engine)
	f.Add(message(f, challenge))
	f.Add(message(f, authenticate))
	f.Fuzz(func(t *testing.T, b []byte) {
		if found := Find(b); found != nil {
			b = found
		}
		m, _ := Parse(b)
		if n := len(m.ComputerName) + len(m.DNSTree) + len(m.Workstation); n > 3*len(b) {
			t.Errorf("%d bytes of text from %d", n, len(b))
		}
	})
}
