package fragile

import (
	"encoding/binary"
	"time"

	"github.com/gopcua/opcua/ua"
	"github.com/gopcua/opcua/uacp"
	"github.com/gopcua/opcua/uasc"
)

// uaSpeech is a small OPC UA server without security: hello, one channel, FindServers, GetEndpoints, an anonymous session and
// Read (OPC 10000-6 section 7.1; OPC 10000-4 sections 5.4 to 5.6 and 5.10).
type uaSpeech struct{ sequence uint32 }

const (
	uaHeader    = 8       // type and chunk 4, size u32 of all of it
	uaMost      = 1 << 16 // of a message
	uaChannel   = 7
	uaPolicy    = "http://opcfoundation.org/UA/SecurityPolicy#None"
	uaTransport = "http://opcfoundation.org/UA-Profile/Transport/uatcp-uasc-uabinary"
	uaName      = "urn:fragile:server"
)

func (*uaSpeech) length(b []byte) int {
	if len(b) < uaHeader {
		return 0
	}
	switch string(b[:3]) {
	case "HEL", "OPN", "MSG", "CLO":
	default:
		return -1
	}
	n := int(binary.LittleEndian.Uint32(b[4:]))
	if n < uaHeader || n > uaMost {
		return -1
	}
	if len(b) < n {
		return 0
	}
	return n
}

func (*uaSpeech) identifies(message []byte) bool { return string(message[:3]) == "MSG" }

func (u *uaSpeech) answer(message []byte) (said spoken) {
	// The library's codec panics on some malformed requests; to a device they are unknown ones.
	defer func() {
		if recover() != nil {
			said = spoken{unknown: true}
		}
	}()
	switch string(message[:3]) {
	case "HEL":
		return spoken{reply: uaAcknowledge(), setup: true}
	case "CLO":
		return spoken{setup: true, end: true}
	}
	var request uasc.Message
	if _, err := request.Decode(message); err != nil {
		return spoken{unknown: true}
	}
	asked, ok := request.Service.(ua.Request)
	if !ok {
		return spoken{unknown: true}
	}
	response, setup := uaRespond(asked)
	if response == nil {
		return spoken{unknown: true}
	}
	u.sequence++
	head := &uasc.MessageHeader{SequenceHeader: uasc.NewSequenceHeader(u.sequence, request.RequestID)}
	if string(message[:3]) == "OPN" {
		head.Header = uasc.NewHeader(uasc.MessageTypeOpenSecureChannel, uasc.ChunkTypeFinal, uaChannel)
		head.AsymmetricSecurityHeader = uasc.NewAsymmetricSecurityHeader(uaPolicy, nil, nil)
	} else {
		head.Header = uasc.NewHeader(uasc.MessageTypeMessage, uasc.ChunkTypeFinal, uaChannel)
		head.SymmetricSecurityHeader = uasc.NewSymmetricSecurityHeader(uaChannel)
	}
	answer := uasc.Message{MessageHeader: head, TypeID: ua.NewFourByteExpandedNodeID(0, ua.ServiceTypeID(response)), Service: response}
	b, err := answer.Encode()
	if err != nil {
		return spoken{unknown: true}
	}
	return spoken{reply: b, setup: setup}
}

func uaAcknowledge() []byte {
	body, err := (&uacp.Acknowledge{ReceiveBufSize: 0xffff, SendBufSize: 0xffff, MaxMessageSize: 1 << 18, MaxChunkCount: 4}).Encode()
	if err != nil {
		return nil
	}
	head, err := (&uacp.Header{MessageType: "ACK", ChunkType: 'F', MessageSize: uint32(uaHeader + len(body))}).Encode()
	if err != nil {
		return nil
	}
	return append(head, body...)
}

// uaRespond gives the response and whether the request asked for no data; nil when the service is not known.
func uaRespond(asked ua.Request) (response ua.Response, setup bool) {
	header := &ua.ResponseHeader{
		Timestamp: time.Now(), RequestHandle: asked.Header().RequestHandle, ServiceDiagnostics: &ua.DiagnosticInfo{},
		StringTable: []string{}, AdditionalHeader: ua.NewExtensionObject(nil),
	}
	server := &ua.ApplicationDescription{
		ApplicationURI: uaName, ProductURI: "urn:fragile:product", ApplicationName: ua.NewLocalizedText("fragile"),
		ApplicationType: ua.ApplicationTypeServer, DiscoveryURLs: []string{"opc.tcp://fragile:4840"},
	}
	endpoints := []*ua.EndpointDescription{{
		EndpointURL: "opc.tcp://fragile:4840", Server: server, SecurityMode: ua.MessageSecurityModeNone, SecurityPolicyURI: uaPolicy,
		UserIdentityTokens:  []*ua.UserTokenPolicy{{PolicyID: "anonymous", TokenType: ua.UserTokenTypeAnonymous}},
		TransportProfileURI: uaTransport,
	}}
	switch r := asked.(type) {
	case *ua.OpenSecureChannelRequest:
		return &ua.OpenSecureChannelResponse{
			ResponseHeader: header, ServerNonce: []byte{},
			SecurityToken: &ua.ChannelSecurityToken{ChannelID: uaChannel, TokenID: uaChannel, CreatedAt: time.Now(), RevisedLifetime: r.RequestedLifetime},
		}, true
	case *ua.FindServersRequest:
		return &ua.FindServersResponse{ResponseHeader: header, Servers: []*ua.ApplicationDescription{server}}, false
	case *ua.GetEndpointsRequest:
		return &ua.GetEndpointsResponse{ResponseHeader: header, Endpoints: endpoints}, false
	case *ua.CreateSessionRequest:
		return &ua.CreateSessionResponse{
			ResponseHeader: header, SessionID: ua.NewNumericNodeID(1, 1), AuthenticationToken: ua.NewNumericNodeID(1, 2),
			RevisedSessionTimeout: r.RequestedSessionTimeout, ServerNonce: make([]byte, 32), ServerEndpoints: endpoints, ServerSignature: &ua.SignatureData{},
		}, true
	case *ua.ActivateSessionRequest:
		return &ua.ActivateSessionResponse{ResponseHeader: header, ServerNonce: make([]byte, 32)}, true
	case *ua.CloseSessionRequest:
		return &ua.CloseSessionResponse{ResponseHeader: header}, true
	case *ua.ReadRequest:
		read := &ua.ReadResponse{ResponseHeader: header}
		for range r.NodesToRead {
			read.Results = append(read.Results, &ua.DataValue{EncodingMask: ua.DataValueValue, Value: ua.MustVariant("1.0.7")})
		}
		return read, false
	}
	return nil, false
}
