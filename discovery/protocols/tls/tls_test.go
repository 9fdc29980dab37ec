package tls

import (
	gotls "crypto/tls"
	"encoding/binary"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/discoverytest"
)

const wantName = "192.0.2.1 (said by 192.0.2.9): tls.server-name = press-3.plant.example"

// wantCertificate is what the certificate of the side at an address tells.
func wantCertificate(address, name string) []string {
	return []string{
		address + ": tls.certificate-subject = CN=" + name + ",O=ACME",
		address + ": tls.certificate-issuer = CN=" + name + ",O=ACME",
		address + ": tls.certificate-san = " + name,
		address + ": tls.certificate-san = " + name + ".local",
		address + ": tls.certificate-san = 192.0.2.1",
		address + ": tls.certificate-serial = 4711",
		address + ": tls.certificate-not-after = 2031-11-23T10:00:00Z",
		address + ": tls.certificate-self-signed = yes",
	}
}

func TestSuite(t *testing.T) {
	discoverytest.Run(
		t, Protocol(),
		discoverytest.Sample{
			Name: "both_certificates", Flow: flow(), Messages: shake(t, gotls.VersionTLS12, "press-3.plant.example", selfSigned(t, "panel-9")),
			Want: slices.Concat(
				[]string{wantName, "192.0.2.1: tls.version = TLS 1.2"}, wantCertificate("192.0.2.1", "press-3"), wantCertificate("192.0.2.9", "panel-9"),
			),
		},
		discoverytest.Sample{
			Name: "tls_1_3", Flow: flow(), Messages: shake(t, gotls.VersionTLS13, "press-3.plant.example"),
			Want: []string{wantName, "192.0.2.1: tls.version = TLS 1.3"},
		},
	)
}

func TestVersionsAndFragments(t *testing.T) {
	for name, version := range map[string]uint16{"TLS 1.0": gotls.VersionTLS10, "TLS 1.1": gotls.VersionTLS11, "TLS 1.2": gotls.VersionTLS12} {
		whole := shake(t, version, "")
		for _, size := range []int{1, 3, 7, 100, 4000} {
			var messages []discoverytest.Message
			for _, m := range whole {
				if contentType(m.Bytes[0]) == handshake {
					m.Bytes = split(m.Bytes, size)
				}
				messages = append(messages, m)
			}
			got, problems := discoverytest.Read(t, Protocol(), discoverytest.Sample{Flow: flow(), Messages: messages})
			want := append([]string{"192.0.2.1: tls.version = " + name}, wantCertificate("192.0.2.1", "press-3")...)
			if diff := cmp.Diff(want, got); diff != "" || len(problems) > 0 {
				t.Errorf("%s in pieces of %d: problems %v, told (-want +got):\n%s", name, size, problems, diff)
			}
		}
	}
}

// record wraps handshake messages.
func record(messages ...byte) []byte {
	return append(binary.BigEndian.AppendUint16([]byte{byte(handshake), 3, 3}, uint16(len(messages))), messages...)
}

func TestConversation(t *testing.T) {
	sound := shake(t, gotls.VersionTLS12, "press-3.plant.example")
	from := func(side discovery.Side) []discoverytest.Message {
		return slices.DeleteFunc(slices.Clone(sound), func(m discoverytest.Message) bool { return m.Side != side })
	}
	late := func(messages []discoverytest.Message) []discoverytest.Message {
		messages[0].Gap = 1
		return messages
	}
	client, server := discovery.Client, discovery.Server
	hugeCertificate := record(byte(certificates), 0x01, 0, 0, 0, 0xff, 0xfd, 0, 0xff, 0xf0)
	wantServer := append([]string{"192.0.2.1: tls.version = TLS 1.2"}, wantCertificate("192.0.2.1", "press-3")...)
	for _, c := range []struct {
		name     string
		messages []discoverytest.Message
		want     []string
		problems int
	}{
		{"server_alone", from(server), wantServer, 0},
		{"client_alone", from(client), []string{wantName}, 0},
		{"joined_before_the_hello", late(slices.Clone(sound)), append([]string{wantName}, wantServer...), 0},
		{"joined_late", late(slices.Clone(sound[1:])), wantServer, 0},
		{"joined_in_a_record", late([]discoverytest.Message{message(server, []byte("\x00\x01\x02")), sound[1]}), nil, 0},
		{"text", []discoverytest.Message{message(client, []byte("GET / HTTP/1.1\r\n\r\n")), sound[1]}, nil, 1},
		{"cotp", []discoverytest.Message{message(client, []byte("\x03\x00\x00\x16\x11\xe0"))}, nil, 1},
		{"hello_of_ssl_2", []discoverytest.Message{message(client, []byte("\x80\x2e\x01\x03\x01\x00\x15")), sound[1]}, wantServer, 0},
		{"no_record_follows", []discoverytest.Message{sound[0], message(client, []byte("hello world")), sound[1]}, append([]string{wantName}, wantServer...), 1},
		{"alert", []discoverytest.Message{message(server, []byte("\x15\x03\x01\x00\x02\x02\x28")), sound[1]}, wantServer, 0},
		{"certificate_too_long", []discoverytest.Message{message(server, hugeCertificate), sound[1]}, nil, 0},
		{"certificate_damaged", []discoverytest.Message{message(server, record(byte(certificates), 0, 0, 8, 0, 0, 5, 0, 0, 2, 0x30, 0x80)), sound[1]}, wantServer, 1},
		{"hello_too_short", []discoverytest.Message{message(client, record(byte(clientHello), 0, 0, 3, 3, 3, 0)), sound[1]}, wantServer, 1},
		{"no_certificate", []discoverytest.Message{message(client, record(byte(certificates), 0, 0, 3, 0, 0, 0))}, nil, 0},
		{"hello_request", []discoverytest.Message{message(server, record(byte(helloRequest), 0, 0, 0)), sound[1]}, wantServer, 0},
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
	sound := shake(t, gotls.VersionTLS12, "press-3")
	for _, c := range []struct {
		name  string
		first []byte
		want  bool
	}{
		{"client_hello", sound[0].Bytes, true},
		{"server_hello", sound[1].Bytes, true},
		{"header_alone", sound[0].Bytes[:recordHeader], false},
		{"application_data", []byte("\x17\x03\x03\x00\x20aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"), false},
		{"other_message", []byte("\x16\x03\x01\x00\x2a\x0b\x00\x00\x26\x03\x03"), false},
		{"other_version", []byte("\x16\x03\x01\x00\x2a\x01\x00\x00\x26\x04\x03"), false},
		{"text", []byte("GET / HTTP/1.1\r\n"), false},
		{"nothing", nil, false},
	} {
		if got := Protocol().Claims(c.first); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}
