package telnet

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/discoverytest"
)

func flow() discovery.Flow {
	return discovery.Flow{
		Ends:  [2]discovery.Subject{{IP: netip.MustParseAddr("192.0.2.9")}, {IP: netip.MustParseAddr("192.0.2.1")}},
		Ports: [2]uint16{49152, 23}, Transport: discovery.TCP,
	}
}

func server(text string) discoverytest.Message {
	return discoverytest.Message{Side: discovery.Server, Bytes: []byte(text)}
}

func client(text string) discoverytest.Message {
	return discoverytest.Message{Side: discovery.Client, Bytes: []byte(text)}
}

// The options that a common server and client agree on: WILL ECHO, WILL SGA, DO TTYPE; then TTYPE SEND and IS.
const (
	offer  = "\xff\xfb\x01\xff\xfb\x03\xff\xfd\x18\xff\xfa\x18\x01\xff\xf0"
	answer = "\xff\xfd\x01\xff\xfd\x03\xff\xfb\x18\xff\xfa\x18\x00XTERM\xff\xf0"
)

func TestSuite(t *testing.T) {
	discoverytest.Run(
		t, Protocol(),
		discoverytest.Sample{
			Name: "login", Flow: flow(),
			Messages: []discoverytest.Message{
				server(offer), client(answer), server("\x1b[2J\x1b[1;1HPower Measurement Ltd. Meter ION \x1b[1m7330V271\x1b[0m\r\nSerial#: PB-0204A058-11\r\n\r\nlogin:"),
				client("admin\r\n"), server(" admin\r\nPassword:"), client("secret\r\n"), server("\r\nION> "),
			},
			Want: []string{"192.0.2.1: telnet.banner = Power Measurement Ltd. Meter ION 7330V271 Serial#: PB-0204A058-11 login:"},
		},
		discoverytest.Sample{
			Name: "no_prompt", Flow: flow(), // ends with the first key
			Messages: []discoverytest.Message{
				client("\r\n"), server("NPort NP6610-32\r\x00\nConsole terminal type (1: ansi/vt100, 2: vt52) : 1"), client("2"), server("2\r\nMain menu"),
			},
			Want: []string{"192.0.2.1: telnet.banner = NPort NP6610-32 Console terminal type (1: ansi/vt100, 2: vt52) : 1"},
		},
		discoverytest.Sample{
			Name: "one_side", Flow: flow(),
			Messages: []discoverytest.Message{server("Model name       : NE-4110S\r\nFirmware version : 1.5.2\r\n\r\nPlease keyin your password: "), server("****\r\nMenu")},
			Want:     []string{"192.0.2.1: telnet.banner = Model name : NE-4110S Firmware version : 1.5.2 Please keyin your password:"},
		},
	)
}

func TestConversation(t *testing.T) {
	banner := func(text string) []string { return []string{"192.0.2.1: telnet.banner = " + text} }
	joined := func(text string) discoverytest.Message {
		return discoverytest.Message{Side: discovery.Server, Gap: 1, Bytes: []byte(text)}
	}
	long := strings.Repeat("All rights reserved. ", 60)
	for _, c := range []struct {
		name     string
		messages []discoverytest.Message
		want     []string
		problems int
	}{
		{"prompt_alone", []discoverytest.Message{server("\r\nUsername: "), client("x")}, nil, 0},
		{"host_name_in_the_prompt", []discoverytest.Message{server("EDR-G902 login: ")}, banner("EDR-G902 login:"), 0},
		{"other_tongue", []discoverytest.Message{server("Anlage 3\r\nBenutzer: "), server("meier")}, banner("Anlage 3 Benutzer:"), 0},
		{"angle", []discoverytest.Message{server("Gateway\r\nlogin>")}, banner("Gateway login>"), 0},
		{"word_inside_another", []discoverytest.Message{server("Superuser: none\r\nlogin:")}, banner("Superuser: none login:"), 0},
		{"too_long", []discoverytest.Message{server(long), server(long)}, banner(strings.TrimSpace(long[:maxBanner])), 0},
		{"joined_in_a_session", []discoverytest.Message{joined("show users\r\nmeier 192.0.2.7\r\n# "), client("exit\r\n"), server("bye\r\n")}, nil, 0},
		{"joined_before_a_login", []discoverytest.Message{joined("exit\r\nsw-3 login:"), client("x")}, banner("sw-3 login:"), 0},
		{"joined_before_a_password", []discoverytest.Message{joined("meier\r\nPassword:")}, nil, 0},
		{"joined_at_a_negotiation", []discoverytest.Message{joined("\xff\xfb\x01sw-3"), client("x")}, banner("sw-3"), 0},
		{"last_login", []discoverytest.Message{joined("Last login: today\r\n$ "), client("x")}, nil, 0},
		{"a_gap_in_the_banner", []discoverytest.Message{server("ACME panel\r\n"), joined("meier\r\n$ ")}, banner("ACME panel"), 0},
		{"binary", []discoverytest.Message{server("\x03\x00\x00\x16"), server("login:")}, nil, 1},
		{"binary_client", []discoverytest.Message{client("\xff\xfd\x01\x02"), server("login:")}, nil, 1},
		{"http", []discoverytest.Message{client("GET / HTTP/1.0\r\n\r\n"), server("login:")}, nil, 1},
		{"binary_terminal", []discoverytest.Message{server("ACME\x05\x02"), server("login:")}, nil, 0},
		{"window_title", []discoverytest.Message{server("\x1b]0;title\x07\x1b(Bsw-3\x1b]2;x\x1b\\ login:")}, banner("sw-3 login:"), 0},
		{"escaped_255", []discoverytest.Message{server("sw\xff\xff3 login:")}, banner("swÿ3 login:"), 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			lines, problems := discoverytest.Read(t, Protocol(), discoverytest.Sample{Flow: flow(), Messages: c.messages})
			if diff := cmp.Diff(c.want, lines); diff != "" || len(problems) != c.problems {
				t.Errorf("problems %v, told (-want +got):\n%s", problems, diff)
			}
		})
	}
}

func TestClaims(t *testing.T) {
	for first, want := range map[string]bool{
		offer: true, "\xff\xfb\x01": true, "\xff\xfd\x18login:": true, "MAC address 00204A123456\r\nSoftware version": true, "\xff\xfb": false, "\xff\xfb\xf0": false,
		"\xff\xfb\x01\x00": false, "\xff\x00\x01": false, "login:": false, "": false,
	} {
		if got := Protocol().Claims([]byte(first)); got != want {
			t.Errorf("%q: %v, want %v", first, got, want)
		}
	}
}
