package opcua

import (
	"bytes"
	"encoding/binary"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/gopcua/opcua/ua"
	"github.com/gopcua/opcua/uacp"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/discoverytest"
)

func TestClaims(t *testing.T) {
	for _, c := range []struct {
		name  string
		first string
		ok    bool
	}{
		{"hello", string(greeting(t)), true},
		{"acknowledge", "ACKF\x1c\x00\x00\x00", true},
		{"acknowledge_of_other_size", "ACKF\x1d\x00\x00\x00", false},
		{"service", "MSGF\x40\x00\x00\x00", true},
		{"service_too_short", "MSGF\x08\x00\x00\x00", false},
		{"no_chunk_type", "MSGX\x40\x00\x00\x00", false},
		{"cut", "HELF", false},
		{"http", "GET / HTTP/1.1\r\n", false},
		{"tls", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := Protocol().Claims([]byte(c.first)); got != c.ok {
				t.Errorf("claims %q: got %v, want %v", c.first, got, c.ok)
			}
		})
	}
}

func TestConversations(t *testing.T) {
	const (
		clientSide = discovery.Client
		serverSide = discovery.Server
	)
	der, _ := instance(t, "urn:press-3:plc")
	endpoints := &ua.GetEndpointsResponse{Endpoints: []*ua.EndpointDescription{
		offer(&ua.ApplicationDescription{ApplicationURI: "urn:a", ApplicationName: &ua.LocalizedText{}}, policyNone, ua.MessageSecurityModeNone),
	}}
	answer := chunks(t, 2, 0, endpoints)
	told := []string{
		"192.0.2.1: opcua.application-uri = urn:a",
		"192.0.2.1: opcua.application-type = Server",
		"192.0.2.1: opcua.endpoint = opc.tcp://192.0.2.1:4840 | None | None |",
		"192.0.2.1: opcua.security-policy = None",
	}
	publish := chunks(t, 1, 0, &ua.PublishResponse{NotificationMessage: &ua.NotificationMessage{NotificationData: []*ua.ExtensionObject{}}})
	large := slices.Concat(publish[:chunkHeaderSize+4], bytes.Repeat([]byte("x"), 5000))
	binary.LittleEndian.PutUint32(large[4:], uint32(len(large)))
	gap := func(m discoverytest.Message, n int) discoverytest.Message {
		m.Gap = n
		return m
	}
	for _, c := range []struct {
		name     string
		messages []discoverytest.Message
		want     []string
		problems int
	}{
		{"from_the_middle_of_a_message", []discoverytest.Message{
			from(serverSide, slices.Concat(answer[len(answer)/2:], answer)),
		}, told, 0},
		{"lost_before_a_message", []discoverytest.Message{
			from(serverSide, answer[:20]),
			gap(from(serverSide, slices.Concat([]byte("MSGF is no header"), answer)), 900),
		}, told, 0},
		{"lost_in_what_is_passed_over", []discoverytest.Message{
			from(serverSide, large[:1000]),
			gap(from(serverSide, slices.Concat(large[3000:], answer)), 2000),
		}, told, 0},
		{"something_else_between", []discoverytest.Message{
			from(serverSide, slices.Concat(answer, []byte("HTTP/1.1 400 Bad Request\r\n\r\n"), answer)),
		}, slices.Concat(told, told), 1},
		{"secured", []discoverytest.Message{
			from(clientSide, opening("http://opcfoundation.org/UA/SecurityPolicy#Basic256Sha256", der)),
			from(serverSide, opening("http://opcfoundation.org/UA/SecurityPolicy#Basic256Sha256", der)),
			from(serverSide, answer),
		}, []string{
			"192.0.2.2: opcua.client-application-uri = urn:press-3:plc",
			"192.0.2.1: opcua.application-uri = urn:press-3:plc",
			"192.0.2.1: opcua.certificate-subject = CN=press-3,O=ACME",
			"192.0.2.1: opcua.certificate-not-after = 2031-11-23T10:00:00Z",
			"192.0.2.1: opcua.security-policy = Basic256Sha256",
		}, 0},
		{"certificate_damaged", []discoverytest.Message{
			from(serverSide, opening("http://opcfoundation.org/UA/SecurityPolicy#Basic256Sha256", der[:200])),
		}, []string{"192.0.2.1: opcua.security-policy = Basic256Sha256"}, 1},
		{"certificate_of_another_shape", []discoverytest.Message{ // the error of encoding/asn1 has doubled blanks
			from(serverSide, opening("x#Basic256", []byte{0x30, 0x03, 0x02, 0x01, 0x00})),
		}, []string{"192.0.2.1: opcua.security-policy = Basic256"}, 1},
		{"reverse", []discoverytest.Message{ // the server opens the connection
			from(clientSide, connection(t, "RHE", &uacp.ReverseHello{ServerURI: "urn:press-3:plc", EndpointURL: "opc.tcp://press-3:4840"})),
			from(serverSide, greeting(t)),
			from(clientSide, opening("x#Basic256", nil)),
		}, []string{
			"192.0.2.2: opcua.application-uri = urn:press-3:plc",
			"192.0.2.2: opcua.security-policy = Basic256",
		}, 0},
		{"aborted", []discoverytest.Message{
			from(serverSide, chunks(t, 2, 50, endpoints)[:74]),
			from(serverSide, []byte("MSGA\x18\x00\x00\x00\x07\x00\x00\x00\x01\x00\x00\x00\x03\x00\x00\x00\x02\x00\x00\x00")),
			from(serverSide, answer),
		}, told, 0},
		{"two_servers_none_known", []discoverytest.Message{
			from(serverSide, chunks(t, 2, 0, &ua.FindServersResponse{Servers: []*ua.ApplicationDescription{
				{ApplicationURI: "urn:b", ApplicationName: &ua.LocalizedText{}, DiscoveryURLs: []string{"opc.tcp://192.0.2.1:4841"}},
				{ApplicationURI: "urn:a", ApplicationName: &ua.LocalizedText{}, DiscoveryURLs: []string{"opc.tcp://192.0.2.1:4840/"}},
			}})),
		}, []string{
			"192.0.2.1 endpoint=urn:b (said by 192.0.2.1): opcua.application-uri = urn:b",
			"192.0.2.1 endpoint=urn:b (said by 192.0.2.1): opcua.application-type = Server",
			"192.0.2.1 endpoint=urn:b (said by 192.0.2.1): opcua.discovery-url = opc.tcp://192.0.2.1:4841",
			"192.0.2.1: opcua.application-uri = urn:a",
			"192.0.2.1: opcua.application-type = Server",
			"192.0.2.1: opcua.discovery-url = opc.tcp://192.0.2.1:4840/",
		}, 0},
		{"endpoints_of_two_servers", []discoverytest.Message{
			from(serverSide, chunks(t, 2, 0, &ua.GetEndpointsResponse{Endpoints: []*ua.EndpointDescription{
				endpoints.Endpoints[0],
				offer(&ua.ApplicationDescription{ApplicationURI: "urn:b", ApplicationName: &ua.LocalizedText{}}, "x#P", ua.MessageSecurityModeSign),
			}})),
		}, slices.Concat([]string{
			"192.0.2.1 endpoint=urn:b (said by 192.0.2.1): opcua.application-uri = urn:b",
			"192.0.2.1 endpoint=urn:b (said by 192.0.2.1): opcua.application-type = Server",
			"192.0.2.1 endpoint=urn:b (said by 192.0.2.1): opcua.endpoint = opc.tcp://192.0.2.1:4840 | P | Sign |",
			"192.0.2.1 endpoint=urn:b (said by 192.0.2.1): opcua.security-policy = P",
		}, told), 0},
		{"refused", []discoverytest.Message{
			from(serverSide, chunks(t, 2, 0, &ua.GetEndpointsResponse{
				ResponseHeader: &ua.ResponseHeader{ServiceResult: ua.StatusBadServiceUnsupported, ServiceDiagnostics: &ua.DiagnosticInfo{}},
				Endpoints:      endpoints.Endpoints,
			})),
		}, nil, 0},
		{"cut_inside_the_message", []discoverytest.Message{
			from(serverSide, withSize(answer[:len(answer)-4])),
		}, nil, 1},
		{"message_of_too_many_chunks", []discoverytest.Message{
			from(serverSide, chunks(t, 2, 40_000, &ua.GetEndpointsResponse{Endpoints: []*ua.EndpointDescription{
				{Server: &ua.ApplicationDescription{ApplicationName: &ua.LocalizedText{}}, ServerCertificate: make([]byte, maxMessage)},
			}})),
			from(serverSide, answer),
		}, told, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			lines, problems := discoverytest.Read(t, Protocol(), discoverytest.Sample{Name: c.name, Flow: testFlow(), Messages: c.messages})
			lines = slices.DeleteFunc(lines, func(line string) bool { return strings.HasSuffix(line, "opcua: read") }) // not of interest here
			if len(lines) == 0 {
				lines = nil
			}
			if diff := cmp.Diff(c.want, lines); diff != "" {
				t.Errorf("told (-want +got):\n%s", diff)
			}
			if len(problems) != c.problems {
				t.Errorf("problems: got %v, want %d", problems, c.problems)
			}
		})
	}
}

// withSize sets the size of a message that was cut.
func withSize(b []byte) []byte {
	b = slices.Clone(b)
	binary.LittleEndian.PutUint32(b[4:], uint32(len(b)))
	return b
}

func TestOtherProtocol(t *testing.T) {
	c := Protocol().Decode(testFlow())
	text := []byte(strings.Repeat("GET / HTTP/1.1\r\n", 1000))
	var err error
	for read := 0; err == nil && read < len(text); {
		var n int
		n, err = c.Feed(discovery.Client, testTime, text[read:min(read+1000, len(text))], 0, nil)
		read += n
	}
	if !errors.Is(err, discovery.ErrNotMine) {
		t.Errorf("feed HTTP: got error %v, want ErrNotMine", err)
	}
}

// A client that only publishes costs nothing but the look at each header.
func TestUninterestingTrafficAllocatesNothing(t *testing.T) {
	publish := publishing(t)
	c := Protocol().Decode(testFlow())
	sink := discovery.SinkFunc(func(discovery.Observation) {})
	if _, err := c.Feed(discovery.Client, testTime, chunks(t, 7, 0, readOf(2258)), 0, sink); err != nil {
		t.Fatal(err)
	}
	feed := func() {
		for at := 0; at < len(publish); {
			n, err := c.Feed(discovery.Server, testTime, publish[at:min(at+1460, len(publish))], 0, sink)
			if n == 0 || err != nil {
				t.Fatalf("feed: read %d, error %v", n, err)
			}
			at += n
		}
	}
	feed()
	if n := testing.AllocsPerRun(100, feed); n != 0 {
		t.Errorf("%v allocations for each run, want 0", n)
	}
}

// publishing is a Publish answer with 3,000 bytes of values and a Read answer that nobody waits for.
func publishing(t testing.TB) []byte {
	values := make([]*ua.DataValue, 100)
	for i := range values {
		values[i] = good(float64(i))
	}
	return slices.Concat(
		chunks(t, 8, 0, &ua.PublishResponse{
			NotificationMessage: &ua.NotificationMessage{
				NotificationData: []*ua.ExtensionObject{},
			}, AvailableSequenceNumbers: make([]uint32, 750),
		}),
		chunks(t, 9, 0, &ua.ReadResponse{Results: values}),
	)
}

func BenchmarkUninterestingTraffic(b *testing.B) {
	publish := publishing(b)
	c := Protocol().Decode(testFlow())
	sink := discovery.SinkFunc(func(discovery.Observation) {})
	if _, err := c.Feed(discovery.Client, testTime, chunks(b, 7, 0, readOf(2258)), 0, sink); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(publish)))
	b.ReportAllocs()
	for b.Loop() {
		for at := 0; at < len(publish); {
			n, err := c.Feed(discovery.Server, testTime, publish[at:min(at+1460, len(publish))], 0, sink)
			if n == 0 || err != nil {
				b.Fatalf("feed: read %d, error %v", n, err)
			}
			at += n
		}
	}
}
