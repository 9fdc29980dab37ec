package ssh

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/discoverytest"
)

func flow() discovery.Flow {
	return discovery.Flow{
		Ends:  [2]discovery.Subject{{IP: netip.MustParseAddr("192.0.2.9")}, {IP: netip.MustParseAddr("192.0.2.1")}},
		Ports: [2]uint16{49152, 22}, Transport: discovery.TCP,
	}
}

func server(text string) discoverytest.Message {
	return discoverytest.Message{Side: discovery.Server, Bytes: []byte(text)}
}

func client(text string) discoverytest.Message {
	return discoverytest.Message{Side: discovery.Client, Bytes: []byte(text)}
}

func TestSuite(t *testing.T) {
	binary := "\x00\x00\x01\x2c\x0a\x14" + strings.Repeat("\x9c\x00", 60)
	discoverytest.Run(
		t, Protocol(),
		discoverytest.Sample{
			Name: "both_sides", Flow: flow(),
			Messages: []discoverytest.Message{
				server("SSH-2.0-moxa_1.0\r\n"), client("SSH-2.0-OpenSSH_9.6p1 Debian-3\r\n" + binary), server(binary),
			},
			Want: []string{"192.0.2.1: ssh.server-version = SSH-2.0-moxa_1.0", "192.0.2.9: ssh.client-version = SSH-2.0-OpenSSH_9.6p1 Debian-3"},
		},
		discoverytest.Sample{
			Name: "lines_before", Flow: flow(), // RFC 4253 section 4.2
			Messages: []discoverytest.Message{server("Authorised use only.\r\n\r\nSSH-1.99-Cisco-1.25\n" + binary)},
			Want:     []string{"192.0.2.1: ssh.server-version = SSH-1.99-Cisco-1.25"},
		},
	)
}

func TestConversation(t *testing.T) {
	for _, c := range []struct {
		name     string
		messages []discoverytest.Message
		want     int
		problems int
	}{
		{"http_at_port_22", []discoverytest.Message{client("GET / HTTP/1.1\r\n\r\n"), server("SSH-2.0-x\r\n")}, 0, 1},
		{"binary_at_port_22", []discoverytest.Message{server("\x16\x03\x01\x00\x05"), server("SSH-2.0-x\r\n")}, 0, 1},
		{"endless_line", []discoverytest.Message{server(strings.Repeat("a", maxLine)), server("SSH-2.0-x\r\n")}, 0, 1},
		{"endless_lines", []discoverytest.Message{server(strings.Repeat("a\n", maxLines+1) + "SSH-2.0-x\r\n")}, 0, 1},
		{"joined_late", []discoverytest.Message{{Side: discovery.Server, Gap: 1, Bytes: []byte("\x00\x00SSH-2.0-x\r\n")}, server("SSH-2.0-x\r\n")}, 0, 0},
		{"joined_without_the_handshake", []discoverytest.Message{{Side: discovery.Server, Gap: 1, Bytes: []byte("SSH-2.0-x\r\n")}}, 1, 0},
		{"strange_client_of_a_server", []discoverytest.Message{server("SSH-2.0-x\r\n"), client("hello\r\n"), client("SSH-2.0-y\r\n")}, 1, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			lines, problems := discoverytest.Read(t, Protocol(), discoverytest.Sample{Flow: flow(), Messages: c.messages})
			if len(lines) != c.want || len(problems) != c.problems {
				t.Errorf("told %q, problems %v", lines, problems)
			}
		})
	}
}

func TestClaims(t *testing.T) {
	for first, want := range map[string]bool{
		"SSH-2.0-OpenSSH_9.6\r\n": true, "SSH-1.99-x": true, "SSH-2.0": false, "SSH-x.y-z": false, "HTTP/1.1 200 OK": false, "": false,
	} {
		if got := Protocol().Claims([]byte(first)); got != want {
			t.Errorf("%q: %v, want %v", first, got, want)
		}
	}
}

// TestCapture reads a public capture; what it must tell stands in its truth file.
func TestCapture(t *testing.T) {
	var got []string
	for _, s := range discoverytest.Capture(t, "mdns-http-ftp-ssh-services.pcap", discovery.TCP, 22) {
		lines, problems := discoverytest.Read(t, Protocol(), s)
		if len(problems) > 0 {
			t.Errorf("%s: %v", s.Name, problems)
		}
		got = append(got, lines...)
	}
	all := strings.Join(got, "\n")
	for _, want := range []string{
		"172.16.238.131: ssh.server-version = SSH-2.0-OpenSSH_5.8p1 Debian-1ubuntu3", "172.16.238.1: ssh.client-version = SSH-2.0-OpenSSH_5.2",
		"141.142.192.39: ssh.server-version = SSH-2.0-OpenSSH_4.3", "172.16.238.131: ssh.client-version = SSH-2.0-OpenSSH_5.8p1 Debian-1ubuntu3",
	} {
		if !strings.Contains(all, want) {
			t.Errorf("missing %q in\n%s", want, all)
		}
	}
}
