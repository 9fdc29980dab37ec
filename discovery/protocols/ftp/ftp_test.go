package ftp

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/discoverytest"
)

func flow() discovery.Flow {
	return discovery.Flow{
		Ends:  [2]discovery.Subject{{IP: netip.MustParseAddr("192.0.2.9")}, {IP: netip.MustParseAddr("192.0.2.1")}},
		Ports: [2]uint16{49152, 21}, Transport: discovery.TCP,
	}
}

func server(text string) discoverytest.Message {
	return discoverytest.Message{Side: discovery.Server, Bytes: []byte(text)}
}

func client(text string) discoverytest.Message {
	return discoverytest.Message{Side: discovery.Client, Bytes: []byte(text)}
}

func TestSuite(t *testing.T) {
	discoverytest.Run(
		t, Protocol(),
		discoverytest.Sample{
			Name: "session", Flow: flow(),
			Messages: []discoverytest.Message{
				server("220 AXIS 214 PTZ Network Camera 4.49 (Oct 05 2009) ready\r\n"), client("USER root\r\n"), server("331 User name okay, need password.\r\n"),
				client("PASS secret\r\n"), server("230-Welcome\r\n 220 is no greeting here\r\n230 User logged in.\r\n"), client("SYST\r\n"),
				server("215 UNIX Type: L8\r\n"), client("SYST\r\n"), server("215 UNIX Type: L8\r\n"),
			},
			Want: []string{"192.0.2.1: ftp.banner = AXIS 214 PTZ Network Camera 4.49 (Oct 05 2009) ready", "192.0.2.1: ftp.system = UNIX Type: L8"},
		},
		discoverytest.Sample{
			Name: "long_greeting", Flow: flow(), // as Pure-FTPd greets
			Messages: []discoverytest.Message{server("220---------- Welcome to Pure-FTPd [privsep] ----------\r\n220-You are user number 1 of 50 allowed.\r\n" +
				"220-Local time is now 12:00. Server port: 21.\r\n  plain line\r\n220 You will be disconnected after 15 minutes of inactivity.\r\n")},
			Want: []string{"192.0.2.1: ftp.banner = --------- Welcome to Pure-FTPd [privsep] ---------- plain line You will be disconnected after 15 minutes of inactivity."},
		},
		discoverytest.Sample{
			Name: "delayed", Flow: flow(), // RFC 959 section 5.4
			Messages: []discoverytest.Message{server("120 Ready in 1 minute\n220 VxWorks (5.4.2) FTP server ready\n")},
			Want:     []string{"192.0.2.1: ftp.banner = VxWorks (5.4.2) FTP server ready"},
		},
	)
}

func TestConversation(t *testing.T) {
	for _, c := range []struct {
		name     string
		messages []discoverytest.Message
		want     []string
		problems int
	}{
		{"binary", []discoverytest.Message{server("\x16\x03\x01"), server("220 FTP\r\n")}, nil, 1},
		{"other_text", []discoverytest.Message{server("SSH-2.0-x\r\n")}, nil, 1},
		{"other_client", []discoverytest.Message{client("{\"id\":1}\r\n"), server("220 FTP\r\n")}, nil, 1},
		{"endless_line", []discoverytest.Message{server("220 " + strings.Repeat("a", maxLine)), server("\r\n215 VxWorks\r\n")}, nil, 1},
		{"joined_late", []discoverytest.Message{{Side: discovery.Server, Gap: 1, Bytes: []byte("t of a line\r\n215 VxWorks\r\n")}}, []string{"192.0.2.1: ftp.system = VxWorks"}, 0},
		{"secured", []discoverytest.Message{
			server("220 FTP\r\n"), client("AUTH TLS\r\n"), server("234 Go ahead\r\n"), client("\x16\x03\x01"), server("\x16\x03\x01\n215 VxWorks\r\n"),
		}, []string{"192.0.2.1: ftp.banner = FTP"}, 0},
		{"a_line_without_a_code", []discoverytest.Message{server("220 FTP\r\nwhat\r\n215 VxWorks\r\n")}, []string{"192.0.2.1: ftp.banner = FTP", "192.0.2.1: ftp.system = VxWorks"}, 1},
		{"empty_greeting", []discoverytest.Message{server("220 \r\n215\r\n")}, nil, 0},
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
		"220 (vsFTPd 3.0.3)\r\n": true, "220-FTP server\r\n220 x": true, "220 mail.example ESMTP\r\n": false, "220FTP": false, "221 FTP bye\r\n": false,
		"220 FTP \x00": false, "": false,
	} {
		if got := Protocol().Claims([]byte(first)); got != want {
			t.Errorf("%q: %v, want %v", first, got, want)
		}
	}
}

// TestCapture reads a public capture; what it must tell stands in its truth file.
func TestCapture(t *testing.T) {
	for _, s := range discoverytest.Capture(t, "mdns-http-ftp-ssh-services.pcap", discovery.TCP, 21) {
		lines, problems := discoverytest.Read(t, Protocol(), s)
		const want = "00:0c:29:bd:6f:01 172.16.238.131: ftp.banner = localhost.localdomain FTP server (Version 6.4/OpenBSD/Linux-ftpd-0.17) ready."
		if !slices.Contains(lines, want) || len(problems) > 0 {
			t.Errorf("%s: told %q, problems %v", s.Name, lines, problems)
		}
	}
}
