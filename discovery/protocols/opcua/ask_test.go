package opcua

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"log"
	"net"
	"net/netip"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/gopcua/opcua/server"
	"github.com/gopcua/opcua/ua"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/discoverytest"
)

func target(port uint16) discovery.Target {
	return discovery.Target{Subject: discovery.Subject{IP: netip.MustParseAddr("127.0.0.1")}, Class: discovery.ClassComputer, Port: port}
}

var allRequests = []string{
	requestHello, requestOpenChannel, requestFindServers, requestGetEndpoints, requestCreateSession, requestActivateSession,
	requestReadBuildInfo, requestCloseSession, requestCloseChannel,
}

// gopcuaServer starts the server of gopcua on loopback.
func gopcuaServer(t *testing.T, options ...server.Option) discoverytest.Peer {
	t.Helper()
	old := log.Writer()
	log.SetOutput(io.Discard) // the server tells the standard logger that it started
	t.Cleanup(func() { log.SetOutput(old) })
	var config net.ListenConfig
	free, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := free.Addr().(*net.TCPAddr).Port
	if err := free.Close(); err != nil {
		t.Fatal(err)
	}
	s := server.New(append(options,
		server.EndPoint("127.0.0.1", port), server.ServerName("Press 3"), server.ManufacturerName("ACME"), server.ProductName("Soft PLC"))...)
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return discoverytest.Peer{Target: target(uint16(port)), Address: net.JoinHostPort("127.0.0.1", strconv.Itoa(port))}
}

func TestAskGopcua(t *testing.T) {
	der, key := instance(t, "urn:press-3:plc")
	peer := gopcuaServer(t,
		server.EnableSecurity("None", ua.MessageSecurityModeNone), server.EnableAuthMode(ua.UserTokenTypeAnonymous),
		server.EnableSecurity("Basic256Sha256", ua.MessageSecurityModeSignAndEncrypt), server.EnableAuthMode(ua.UserTokenTypeUserName),
		server.Certificate(der), server.PrivateKey(key))
	answers := discoverytest.Asked(t, Protocol(), peer)
	if answers.Err != nil {
		t.Errorf("ask: %v", answers.Err)
	}
	if diff := cmp.Diff(allRequests, answers.Requests()); diff != "" {
		t.Errorf("sent (-want +got):\n%s", diff)
	}
	if answers.Dials != 1 || len(answers.Problems) > 0 {
		t.Errorf("%d connections, problems %v; want 1 and none", answers.Dials, answers.Problems)
	}
	for _, want := range []string{
		"opcua.application-name = Press 3",
		"opcua.endpoint = opc.tcp://" + peer.Address + " | None | None | Anonymous, UserName",
		"opcua.endpoint = opc.tcp://" + peer.Address + " | Basic256Sha256 | SignAndEncrypt | Anonymous, UserName",
		"opcua.certificate-subject = CN=press-3,O=ACME",
		"opcua.application-uri = urn:press-3:plc", // from the certificate: the server leaves it out of its description
		"opcua.product-name = Soft PLC",
		"opcua.manufacturer-name = ACME",
	} {
		if !slices.Contains(answers.Lines, "127.0.0.1: "+want) {
			t.Errorf("not told: %s; told:\n%s", want, strings.Join(answers.Lines, "\n"))
		}
	}
	if slices.ContainsFunc(answers.Lines, func(line string) bool { return strings.Contains(line, "client-") }) {
		t.Error("the asker told of itself")
	}
}

// Without an endpoint that is open to all, no session is tried.
func TestAskSecuredOnly(t *testing.T) {
	der, key := instance(t, "urn:press-3:plc")
	peer := gopcuaServer(t, server.EnableSecurity("Basic256Sha256", ua.MessageSecurityModeSignAndEncrypt),
		server.EnableAuthMode(ua.UserTokenTypeAnonymous), server.Certificate(der), server.PrivateKey(key))
	answers := discoverytest.Asked(t, Protocol(), peer)
	want := []string{requestHello, requestOpenChannel, requestFindServers, requestGetEndpoints, requestCloseChannel}
	if diff := cmp.Diff(want, answers.Requests()); diff != "" || answers.Err != nil {
		t.Errorf("sent (-want +got), error %v:\n%s", answers.Err, diff)
	}
}

// script is a server that answers each request with what the test says; nil is silence.
type script func(request service, id uint32) []byte

func (s script) serve(conn net.Conn) {
	b := make([]byte, bufferSize)
	for {
		n, err := conn.Read(b)
		if err != nil || n < headerSize {
			return
		}
		var answer []byte
		switch string(b[:3]) {
		case "HEL":
			answer = s(0, 0)
		case "OPN":
			r := newReader(b[headerSize+4 : n])
			r.bytes()
			r.Skip(4 + 4 + 8)
			answer = s(service(r.nodeID().in0()), 1)
		case "MSG":
			r := newReader(b[chunkHeaderSize:n])
			answer = s(service(r.nodeID().in0()), binary.LittleEndian.Uint32(b[requestIDOffset:]))
		case "CLO":
			return
		}
		if len(answer) == 0 {
			continue
		}
		if _, err := conn.Write(answer); err != nil {
			return
		}
	}
}

const (
	openChannelRequest     service = 446
	activateSessionRequest service = 467
	closeSessionRequest    service = 473
)

var plain = []byte("ACKF\x1c\x00\x00\x00\x00\x00\x00\x00\x00\x20\x00\x00\x00\x20\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00")

// openAnswer is the answer to open-channel: channel 7, token 1.
func openAnswer(t *testing.T) []byte {
	body := chunks(t, 1, 0, &ua.OpenSecureChannelResponse{SecurityToken: &ua.ChannelSecurityToken{ChannelID: 7, TokenID: 1}})
	b := append(opening(policyNone, nil), 0)
	b = slices.Concat(b[:len(b)-17], []byte{1, 0, 0, 0, 1, 0, 0, 0}, body[chunkHeaderSize:])
	return withSize(b)
}

// answering is a server open to all, with these answers in place of the usual ones.
func answering(t *testing.T, instead map[service]func(id uint32) []byte) func(net.Conn) {
	usual := map[service]func(id uint32) []byte{
		0:                  func(uint32) []byte { return plain },
		openChannelRequest: func(uint32) []byte { return openAnswer(t) },
		findServersRequest: func(id uint32) []byte { return chunks(t, id, 0, &ua.FindServersResponse{}) },
		getEndpointsRequest: func(id uint32) []byte {
			return chunks(t, id, 90, &ua.GetEndpointsResponse{Endpoints: []*ua.EndpointDescription{
				offer(description("urn:a", ua.ApplicationTypeServer), policyNone, ua.MessageSecurityModeNone, ua.UserTokenTypeAnonymous),
			}})
		},
		createSessionRequest: func(id uint32) []byte {
			return chunks(t, id, 0, &ua.CreateSessionResponse{
				SessionID: ua.NewNumericNodeID(1, 5), AuthenticationToken: ua.NewByteStringNodeID(0, []byte("0123456789abcdef0123456789abcdef")),
				ServerSignature: &ua.SignatureData{},
			})
		},
		activateSessionRequest: func(id uint32) []byte { return chunks(t, id, 0, &ua.ActivateSessionResponse{}) },
		readRequest: func(id uint32) []byte {
			return chunks(t, id, 0, &ua.ReadResponse{Results: []*ua.DataValue{good("Soft PLC"), good("urn:x"), good("ACME"), good("3.1"), good("7"), good(testTime)}})
		},
		closeSessionRequest: func(id uint32) []byte { return chunks(t, id, 0, &ua.CloseSessionResponse{}) },
	}
	return script(func(request service, id uint32) []byte {
		if answer, ok := instead[request]; ok {
			return answer(id)
		}
		return usual[request](id)
	}).serve
}

// loopback lets a server take one connection on loopback.
func loopback(t *testing.T, serve func(net.Conn)) discoverytest.Peer {
	t.Helper()
	var config net.ListenConfig
	listener, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		serve(conn)
		_ = conn.Close()
	}()
	t.Cleanup(func() {
		_ = listener.Close()
		<-done
	})
	at := listener.Addr().(*net.TCPAddr).AddrPort()
	return discoverytest.Peer{Target: target(at.Port()), Address: at.String()}
}

func always(b []byte) func(uint32) []byte { return func(uint32) []byte { return b } }

func TestAsk(t *testing.T) {
	refused := func(id uint32) []byte {
		return chunks(t, id, 0, &ua.ServiceFault{ResponseHeader: &ua.ResponseHeader{
			ServiceResult: ua.StatusBadServiceUnsupported, ServiceDiagnostics: &ua.DiagnosticInfo{},
		}})
	}
	silent := always(nil)
	withToken := func(token *ua.NodeID) map[service]func(uint32) []byte {
		return map[service]func(uint32) []byte{createSessionRequest: func(id uint32) []byte {
			return chunks(t, id, 0, &ua.CreateSessionResponse{
				SessionID: ua.NewTwoByteNodeID(1), AuthenticationToken: token, ServerSignature: &ua.SignatureData{},
			})
		}}
	}
	value := func(b ...byte) map[service]func(uint32) []byte { // a Read answer with one value
		return map[service]func(uint32) []byte{readRequest: func(id uint32) []byte {
			answer := chunks(t, id, 0, &ua.ReadResponse{Results: []*ua.DataValue{{}}})
			return withSize(append(append(answer[:len(answer)-5:len(answer)-5], hasValue), b...))
		}}
	}
	fault := []byte("ERRF\x10\x00\x00\x00\x00\x00\x83\x80\xff\xff\xff\xff")
	for _, c := range []struct {
		name    string
		instead map[service]func(uint32) []byte
		known   map[discovery.Key]string
		want    []string
		err     error // nil, or what it wraps
	}{
		{"all", nil, nil, allRequests, nil},
		{"token_two_bytes", withToken(ua.NewTwoByteNodeID(9)), nil, allRequests, nil},
		{"token_four_bytes", withToken(ua.NewFourByteNodeID(1, 900)), nil, allRequests, nil},
		{"token_numeric", withToken(ua.NewNumericNodeID(1, 90000)), nil, allRequests, nil},
		{"token_text", withToken(ua.NewStringNodeID(1, "a session")), nil, allRequests, nil},
		{"token_guid", withToken(ua.NewGUIDNodeID(1, "72962B91-FA75-4AE6-8D28-B404DC7DAF63")), nil, allRequests, nil},
		{
			"token_too_long", withToken(ua.NewStringNodeID(1, strings.Repeat("x", 300))), nil,
			[]string{requestHello, requestOpenChannel, requestFindServers, requestGetEndpoints, requestCreateSession, requestCloseChannel},
			discovery.ErrNotUnderstood,
		},
		{"all_known", nil, map[discovery.Key]string{
			keyApplicationURI: "a", keyDiscoveryURL: "a", keyEndpoint: "a", keyProductName: "a", keyManufacturerName: "a", keySoftwareVersion: "a",
		}, nil, nil},
		{
			"build_info_known", nil,
			map[discovery.Key]string{keyProductName: "a", keyManufacturerName: "a", keySoftwareVersion: "a"},
			[]string{requestHello, requestOpenChannel, requestFindServers, requestGetEndpoints, requestCloseChannel},
			nil,
		},
		{
			"endpoints_known", nil,
			map[discovery.Key]string{keyApplicationURI: "a", keyDiscoveryURL: "a", keyEndpoint: "a"},
			slices.Concat(allRequests[:2], allRequests[3:]), nil,
		},
		{"find_servers_refused", map[service]func(uint32) []byte{findServersRequest: refused}, nil, allRequests, nil},
		{
			"session_refused",
			map[service]func(uint32) []byte{createSessionRequest: refused},
			nil,
			[]string{requestHello, requestOpenChannel, requestFindServers, requestGetEndpoints, requestCreateSession, requestCloseChannel},
			nil,
		},
		{
			"login_refused",
			map[service]func(uint32) []byte{activateSessionRequest: refused},
			nil,
			slices.Concat(allRequests[:6], allRequests[7:]), nil,
		},
		{"login_refused_with_an_error_message", map[service]func(uint32) []byte{activateSessionRequest: always(fault)}, nil, allRequests[:6], nil},
		{"read_refused", map[service]func(uint32) []byte{readRequest: refused}, nil, allRequests, nil},
		{"read_silent", map[service]func(uint32) []byte{readRequest: silent}, nil, allRequests, discovery.ErrSilent},
		{"read_garbage", map[service]func(uint32) []byte{readRequest: always([]byte("HTTP/1.1 400 Bad Request\r\n\r\n"))}, nil, allRequests, discovery.ErrNotUnderstood},
		{"hello_refused", map[service]func(uint32) []byte{0: always(fault)}, nil, allRequests[:1], statusError(ua.StatusBadTCPEndpointURLInvalid)},
		{"hello_garbage", map[service]func(uint32) []byte{0: always([]byte("HTTP/1.1 400 Bad Request\r\n\r\n"))}, nil, allRequests[:1], discovery.ErrNotUnderstood},
		{"channel_secured", map[service]func(uint32) []byte{openChannelRequest: always(opening("x#Basic256Sha256", nil))}, nil, allRequests[:2], discovery.ErrNotUnderstood},
		// What ends a program that lets gopcua decode answers.
		{"buffer_of_none", map[service]func(uint32) []byte{0: always(append(slices.Clone(plain[:12]), make([]byte, 16)...))}, nil, allRequests, nil},
		{"negative_array", value(0x80|typeString, 0xfe, 0xff, 0xff, 0xff), nil, allRequests, nil},
		{"array_of_two_billion", value(0x80|typeString, 0xff, 0xff, 0xff, 0x7f), nil, allRequests, nil},
		{"nested", value(slices.Repeat([]byte{typeVariant}, 60_000)...), nil, allRequests, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			peer := loopback(t, answering(t, c.instead))
			peer.Known = c.known
			answers := discoverytest.Asked(t, Protocol(), peer)
			if diff := cmp.Diff(c.want, answers.Requests()); diff != "" {
				t.Errorf("sent (-want +got):\n%s", diff)
			}
			if !errors.Is(answers.Err, c.err) {
				t.Errorf("error: got %v, want %v", answers.Err, c.err)
			}
		})
	}
}

// When the asking is broken off while the answer to the Read is awaited, the session and the channel are closed still.
func TestAskBrokenOff(t *testing.T) {
	before := runtime.NumGoroutine()
	answers := discoverytest.Asked(t, Protocol(), discoverytest.Peer{
		Target: target(4840), Timeout: 300 * time.Millisecond,
		Serve: answering(t, map[service]func(uint32) []byte{readRequest: always(nil)}),
	})
	if !errors.Is(answers.Err, context.DeadlineExceeded) {
		t.Errorf("error: got %v, want that of the context", answers.Err)
	}
	if diff := cmp.Diff(allRequests, answers.Requests()); diff != "" {
		t.Errorf("sent (-want +got):\n%s", diff)
	}
	// A goroutine that has done its work may still be on its way out.
	for end := time.Now().Add(2 * time.Second); runtime.NumGoroutine() > before && time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
	}
	if after := runtime.NumGoroutine(); after > before {
		t.Errorf("%d goroutines, %d before", after, before)
	}
}

// Only what must vary may vary in a message, all other bytes are fixed: sequence numbers, times, the channel, the session, the
// address behind "opc.tcp://", the nonce and the name of the login.
func TestTemplatesAreExact(t *testing.T) {
	const (
		chunk   = 16        // channel, token, sequence number, request id
		head    = 8 + 4 + 4 // time, handle, time-out
		url     = 14        // 127.0.0.1:4840
		session = 2 + 32    // namespace and bytes of the session's token
		nonce   = 32        //
		login   = 28        // login-UserTokenTypeAnonymous
	)
	free := map[string]int{
		requestHello: url, requestOpenChannel: 8 + head, requestFindServers: chunk + head + url, requestGetEndpoints: chunk + head + url,
		requestCreateSession: chunk + head + url + nonce, requestActivateSession: chunk + head + session + login,
		requestReadBuildInfo: chunk + head + session, requestCloseSession: chunk + head + session, requestCloseChannel: chunk + head,
	}
	answers := discoverytest.Asked(t, Protocol(), discoverytest.Peer{Target: target(4840), Serve: answering(t, nil)})
	for _, sent := range answers.Sent {
		n := 0
		for i := range sent.Bytes {
			changed := slices.Clone(sent.Bytes)
			changed[i] ^= 0x40
			for _, r := range Protocol().Asker.Requests {
				if r.Name == requestBrowseNameplates || r.Name == requestReadNameplates {
					continue // whose nodes are those that the server named
				}
				if _, ok := r.Template.Match(changed); ok {
					if r.Name != sent.Request {
						t.Errorf("%s with byte %d changed is %s", sent.Request, i, r.Name)
					}
					n++
				}
			}
		}
		if n != free[sent.Request] {
			t.Errorf("%s: %d bytes of %d may vary, want %d", sent.Request, n, len(sent.Bytes), free[sent.Request])
		}
	}
}
