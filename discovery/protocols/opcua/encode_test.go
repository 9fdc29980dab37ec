package opcua

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/binary"
	"math/big"
	"net/netip"
	"net/url"
	"testing"
	"time"

	"github.com/gopcua/opcua/ua"
	"github.com/gopcua/opcua/uacp"
	"github.com/gopcua/opcua/uasc"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/discoverytest"
)

var testTime = time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)

func testFlow() discovery.Flow {
	return discovery.Flow{
		Ends: [2]discovery.Subject{
			discovery.Client: {IP: netip.MustParseAddr("192.0.2.2")},
			discovery.Server: {IP: netip.MustParseAddr("192.0.2.1")},
		},
		Ports:     [2]uint16{discovery.Client: 51000, discovery.Server: 4840},
		Transport: discovery.TCP,
	}
}

func from(side discovery.Side, b []byte) discoverytest.Message {
	return discoverytest.Message{Side: side, Time: testTime, Bytes: b}
}

// connection makes a message of the connection protocol with gopcua.
func connection(t testing.TB, kind string, body interface{ Encode() ([]byte, error) }) []byte {
	t.Helper()
	b, err := body.Encode()
	if err != nil {
		t.Fatal(err)
	}
	front, err := (&uacp.Header{MessageType: kind, ChunkType: 'F', MessageSize: uint32(8 + len(b))}).Encode()
	if err != nil {
		t.Fatal(err)
	}
	return append(front, b...)
}

func greeting(t testing.TB) []byte {
	return connection(t, "HEL", &uacp.Hello{ReceiveBufSize: 65535, SendBufSize: 65535, EndpointURL: "opc.tcp://192.0.2.1:4840"})
}

// chunks makes a request or response with gopcua, split into chunks of at most size bytes of body; 0 = one chunk.
func chunks(t testing.TB, request uint32, size int, body any) []byte {
	t.Helper()
	switch x := body.(type) {
	case ua.Request:
		if x.Header() == nil {
			x.SetHeader(&ua.RequestHeader{AuthenticationToken: ua.NewByteStringNodeID(1, []byte("secret")), RequestHandle: request})
		}
	case ua.Response:
		if x.Header() == nil {
			x.SetHeader(&ua.ResponseHeader{RequestHandle: request, ServiceDiagnostics: &ua.DiagnosticInfo{}})
		}
	}
	head := &uasc.MessageHeader{
		Header: uasc.NewHeader("MSG", 'F', 7), SymmetricSecurityHeader: uasc.NewSymmetricSecurityHeader(1),
		SequenceHeader: uasc.NewSequenceHeader(request, request),
	}
	message := uasc.Message{MessageHeader: head, TypeID: ua.NewFourByteExpandedNodeID(0, ua.ServiceTypeID(body)), Service: body}
	b, err := message.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if size == 0 {
		return b
	}
	var out []byte
	for front, rest := b[:chunkHeaderSize], b[chunkHeaderSize:]; len(rest) > 0; {
		n := min(size, len(rest))
		start := len(out)
		out = append(append(out, front...), rest[:n]...)
		rest = rest[n:]
		if len(rest) > 0 {
			out[start+3] = 'C'
		}
		binary.LittleEndian.PutUint32(out[start+4:], uint32(len(out)-start))
	}
	return out
}

// opening is an OPN message with this policy; what follows the header is not looked at.
func opening(policy string, certificate []byte) []byte {
	b := append([]byte("OPNF"), make([]byte, 8)...)
	text := func(s []byte) { b = append(binary.LittleEndian.AppendUint32(b, uint32(len(s))), s...) }
	text([]byte(policy))
	text(certificate)
	b = append(b, 0xff, 0xff, 0xff, 0xff)
	b = append(b, make([]byte, 16)...)
	binary.LittleEndian.PutUint32(b[4:], uint32(len(b)))
	return b
}

// instance makes an application instance certificate.
func instance(t testing.TB, uri string) (der []byte, key *rsa.PrivateKey) {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(uri)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "press-3", Organization: []string{"ACME"}},
		NotBefore: testTime, NotAfter: testTime.AddDate(5, 0, 0), URIs: []*url.URL{u}, DNSNames: []string{"press-3"},
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment | x509.KeyUsageDataEncipherment,
	}
	der, err = x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return der, key
}

func description(uri string, kind ua.ApplicationType, urls ...string) *ua.ApplicationDescription {
	return &ua.ApplicationDescription{
		ApplicationURI: uri, ProductURI: "urn:acme:soft-plc", ApplicationName: ua.NewLocalizedText("Soft PLC"), ApplicationType: kind,
		DiscoveryURLs: urls,
	}
}

func offer(server *ua.ApplicationDescription, policy string, mode ua.MessageSecurityMode, tokens ...ua.UserTokenType) *ua.EndpointDescription {
	e := &ua.EndpointDescription{
		EndpointURL: "opc.tcp://192.0.2.1:4840", Server: server, SecurityMode: mode, SecurityPolicyURI: policy,
		TransportProfileURI: transportTCP,
	}
	for _, kind := range tokens {
		e.UserIdentityTokens = append(e.UserIdentityTokens, &ua.UserTokenPolicy{PolicyID: "login-" + kind.String(), TokenType: kind})
	}
	return e
}

func good(v any) *ua.DataValue {
	d := &ua.DataValue{EncodingMask: ua.DataValueValue | ua.DataValueServerTimestamp, ServerTimestamp: testTime}
	d.Value = ua.MustVariant(v)
	return d
}

func readOf(nodes ...uint32) *ua.ReadRequest {
	r := &ua.ReadRequest{}
	for _, n := range nodes {
		r.NodesToRead = append(r.NodesToRead, &ua.ReadValueID{
			NodeID: ua.NewNumericNodeID(0, n), AttributeID: ua.AttributeIDValue, DataEncoding: &ua.QualifiedName{},
		})
	}
	return r
}
