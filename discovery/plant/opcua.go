package plant

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"net"
	"net/netip"
	"time"

	"github.com/gopcua/opcua/ua"
	"github.com/gopcua/opcua/uacp"
	"github.com/gopcua/opcua/uapolicy"
	"github.com/gopcua/opcua/uasc"
)

// uaServer is a small OPC UA server on the messages and secure channels of gopcua: FindServers, GetEndpoints, an anonymous
// session and Read (OPC 10000-4 sections 5.4 to 5.6 and 5.10).
//
// The server of gopcua itself is not used: it imports the whole standard address space at start (20 MB), writes to the
// standard log, leaves the ApplicationUri empty, waits up to ten seconds in Close, and dials out when it is sent a reverse
// hello. This one only listens.
type uaServer struct {
	certificate []byte // DER
	key         *rsa.PrivateKey
	started     time.Time
}

const (
	uaApplicationURI = "urn:packer-ipc:BeckhoffAutomation:TcOpcUaServer"
	uaProductURI     = "urn:BeckhoffAutomation:TcOpcUaServer"
	uaBinary         = "http://opcfoundation.org/UA-Profile/Transport/uatcp-uasc-uabinary"
	maxReads         = 100 // nodes in one Read
)

func newUAServer(addr netip.Addr) (*uaServer, error) {
	key, certificate, err := selfSigned(addr, uaApplicationURI)
	if err != nil {
		return nil, err
	}
	return &uaServer{certificate: certificate, key: key, started: time.Now()}, nil
}

// serve answers one connection until it ends, is idle for too long, or breaks the protocol.
func (s *uaServer) serve(ctx context.Context, conn net.Conn) {
	// The library panics on some malformed requests (a certificate without an RSA key is one). That ends this connection only.
	defer func() { _ = recover() }()
	_ = conn.SetDeadline(time.Now().Add(idleTime))
	transport, err := uaHandshake(conn)
	if err != nil {
		return
	}
	channel, err := uasc.NewServerSecureChannel("", transport, &uasc.Config{
		SecurityPolicyURI: ua.SecurityPolicyURINone,
		SecurityMode:      ua.MessageSecurityModeNone,
		Certificate:       s.certificate,
		LocalKey:          s.key,
	}, make(chan error, 1), 1, 1, 1)
	if err != nil {
		return
	}
	c := uaConn{server: s, channel: channel, url: "opc.tcp://" + conn.LocalAddr().String()}
	for {
		_ = conn.SetDeadline(time.Now().Add(idleTime))
		message := channel.Receive(ctx)
		if message.Err != nil {
			return
		}
		request := message.Request()
		if request == nil {
			continue // the channel answers its own opening
		}
		if err := channel.SendResponseWithContext(ctx, message.RequestID, c.answer(request)); err != nil {
			return
		}
	}
}

// uaHandshake takes the hello and acknowledges it (OPC 10000-6 section 7.1.2.3). uacp.Listener would obey a reverse hello too,
// and dial where it points.
func uaHandshake(conn net.Conn) (*uacp.Conn, error) {
	tcp, ok := conn.(*net.TCPConn)
	if !ok {
		return nil, ua.StatusBadTCPInternalError
	}
	ack := &uacp.Acknowledge{ReceiveBufSize: 0xffff, SendBufSize: 0xffff, MaxMessageSize: 1 << 18, MaxChunkCount: 4}
	transport, err := uacp.NewConn(tcp, ack)
	if err != nil {
		return nil, err
	}
	message, err := transport.Receive()
	if err != nil {
		return nil, err
	}
	var hello uacp.Hello
	if string(message[:4]) != "HELF" {
		return nil, ua.StatusBadTCPMessageTypeInvalid
	}
	if _, err := hello.Decode(message[8:]); err != nil {
		return nil, err
	}
	const least = 8192 // the smallest buffer that a peer may have
	ack.SendBufSize = min(ack.SendBufSize, max(hello.ReceiveBufSize, least))
	return transport, transport.Send("ACKF", ack)
}

// uaConn is one connection: its channel, and its session when there is one.
type uaConn struct {
	server  *uaServer
	channel *uasc.SecureChannel
	url     string
	session *uaSession
}

type uaSession struct {
	token       *ua.NodeID
	certificate []byte // of the client
	nonce       []byte
	active      bool
}

// answer gives the response to a request.
func (c *uaConn) answer(request ua.Request) ua.Response {
	header := uaHeader(request)
	switch r := request.(type) {
	case *ua.FindServersRequest:
		return &ua.FindServersResponse{ResponseHeader: header, Servers: []*ua.ApplicationDescription{c.application()}}
	case *ua.GetEndpointsRequest:
		return &ua.GetEndpointsResponse{ResponseHeader: header, Endpoints: c.endpoints()}
	case *ua.CreateSessionRequest:
		return c.createSession(header, r)
	case *ua.ActivateSessionRequest:
		return c.activateSession(header, r)
	case *ua.CloseSessionRequest:
		if c.known(request) {
			c.session = nil
			return &ua.CloseSessionResponse{ResponseHeader: header}
		}
		return fault(header, ua.StatusBadSessionIDInvalid)
	case *ua.ReadRequest:
		switch {
		case !c.known(request):
			return fault(header, ua.StatusBadSessionIDInvalid)
		case !c.session.active:
			return fault(header, ua.StatusBadSessionNotActivated)
		case len(r.NodesToRead) > maxReads:
			return fault(header, ua.StatusBadTooManyOperations)
		}
		response := &ua.ReadResponse{ResponseHeader: header}
		for _, node := range r.NodesToRead {
			response.Results = append(response.Results, c.server.read(node))
		}
		return response
	}
	return fault(header, ua.StatusBadServiceUnsupported)
}

func uaHeader(request ua.Request) *ua.ResponseHeader {
	return &ua.ResponseHeader{
		Timestamp:          time.Now(),
		RequestHandle:      request.Header().RequestHandle,
		ServiceDiagnostics: &ua.DiagnosticInfo{},
		StringTable:        []string{},
		AdditionalHeader:   ua.NewExtensionObject(nil),
	}
}

func fault(header *ua.ResponseHeader, status ua.StatusCode) ua.Response {
	header.ServiceResult = status
	return &ua.ServiceFault{ResponseHeader: header}
}

// known reports whether the request belongs to the session of this connection.
func (c *uaConn) known(request ua.Request) bool {
	return c.session != nil && request.Header().AuthenticationToken.String() == c.session.token.String()
}

func (c *uaConn) application() *ua.ApplicationDescription {
	return &ua.ApplicationDescription{
		ApplicationURI:  uaApplicationURI,
		ProductURI:      uaProductURI,
		ApplicationName: ua.NewLocalizedText("TcOpcUaServer@packer-ipc"),
		ApplicationType: ua.ApplicationTypeServer,
		DiscoveryURLs:   []string{c.url},
	}
}

func (c *uaConn) endpoints() []*ua.EndpointDescription {
	var endpoints []*ua.EndpointDescription
	for _, e := range []struct {
		policy string
		mode   ua.MessageSecurityMode
	}{
		{ua.SecurityPolicyURINone, ua.MessageSecurityModeNone},
		{ua.SecurityPolicyURIBasic256Sha256, ua.MessageSecurityModeSignAndEncrypt},
	} {
		endpoints = append(endpoints, &ua.EndpointDescription{
			EndpointURL:       c.url,
			Server:            c.application(),
			ServerCertificate: c.server.certificate,
			SecurityMode:      e.mode,
			SecurityPolicyURI: e.policy,
			UserIdentityTokens: []*ua.UserTokenPolicy{
				{PolicyID: "anonymous", TokenType: ua.UserTokenTypeAnonymous, SecurityPolicyURI: ua.SecurityPolicyURINone},
			},
			TransportProfileURI: uaBinary,
			SecurityLevel:       uapolicy.SecurityLevel(e.policy, e.mode),
		})
	}
	return endpoints
}

func (c *uaConn) createSession(header *ua.ResponseHeader, r *ua.CreateSessionRequest) ua.Response {
	signature, algorithm, err := c.channel.NewSessionSignature(r.ClientCertificate, r.ClientNonce)
	if err != nil {
		return fault(header, ua.StatusBadCertificateInvalid)
	}
	c.session = &uaSession{
		token:       ua.NewByteStringNodeID(0, random(32)),
		certificate: r.ClientCertificate,
		nonce:       random(32),
	}
	return &ua.CreateSessionResponse{
		ResponseHeader:        header,
		SessionID:             ua.NewNumericNodeID(1, 1),
		AuthenticationToken:   c.session.token,
		RevisedSessionTimeout: float64(idleTime / time.Millisecond),
		ServerNonce:           c.session.nonce,
		ServerCertificate:     c.server.certificate,
		ServerEndpoints:       c.endpoints(),
		ServerSignature:       &ua.SignatureData{Algorithm: algorithm, Signature: signature},
	}
}

func (c *uaConn) activateSession(header *ua.ResponseHeader, r *ua.ActivateSessionRequest) ua.Response {
	if !c.known(r) {
		return fault(header, ua.StatusBadSessionIDInvalid)
	}
	if err := c.channel.VerifySessionSignature(c.session.certificate, c.session.nonce, r.ClientSignature.Signature); err != nil {
		return fault(header, ua.StatusBadApplicationSignatureInvalid)
	}
	if _, anonymous := r.UserIdentityToken.Value.(*ua.AnonymousIdentityToken); !anonymous {
		return fault(header, ua.StatusBadIdentityTokenRejected)
	}
	c.session.active, c.session.nonce = true, random(32)
	return &ua.ActivateSessionResponse{ResponseHeader: header, ServerNonce: c.session.nonce}
}

func random(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // crypto/rand never fails
	return b
}
