package opcua

import (
	"encoding/hex"
	"time"

	"github.com/gopcua/opcua/ua"

	"github.com/walkdown-ot/walkdown/discovery"
)

// What the asker says of itself and asks for (standards: a channel of 60 s, a session of 20 s, an honest name).
const (
	clientName     = "walkdown"
	clientURI      = "urn:walkdown"
	channelLife    = 60 * time.Second
	sessionLife    = 20 * time.Second
	answerTimeout  = 3 * time.Second
	closingTimeout = 500 * time.Millisecond // when the asking was broken off
	bufferSize     = 0xffff                 // bytes of a chunk, both ways
	nonceSize      = 32                     // OPC 10000-4 clause 5.7.2.2: at least that many
)

// The names of the requests.
const (
	requestHello            = "hello"
	requestOpenChannel      = "open-channel"
	requestFindServers      = "find-servers"
	requestFindOnNetwork    = "find-servers-on-network"
	requestGetEndpoints     = "get-endpoints"
	requestCreateSession    = "create-session"
	requestActivateSession  = "activate-session"
	requestReadBuildInfo    = "read-build-info"
	requestBrowseDevices    = "browse-devices"
	requestBrowseNameplates = "browse-nameplates"
	requestReadNameplates   = "read-nameplates"
	requestCloseSession     = "close-session"
	requestCloseChannel     = "close-channel"
)

// Pieces of the templates. A service stands on a chunk (channel id, token id, sequence number, request id) and begins with its
// number and its header: authentication token, time, handle, no diagnostics, no audit entry, time-out, nothing additional.
const (
	onChannel    = "?4 ?4 ?4 ?4 "
	headerRest   = " ?8 ?4 00000000 ffffffff ?4 000000 "
	noSession    = " 0000" + headerRest
	anyNode      = " one( 00 ? | 01 ?3 | 02 ?6 | 03 ?2 i32le( *256 ) | 04 ?18 | 05 ?2 i32le( *256 ) ) "
	inSession    = anyNode + headerRest
	endpointURL  = " i32le( 6f70632e7463703a2f2f *54 ) " // opc.tcp:// and an address with its port
	policyNone   = "http://opcfoundation.org/UA/SecurityPolicy#None"
	transportTCP = "http://opcfoundation.org/UA-Profile/Transport/uatcp-uasc-uabinary"
)

func requests() []discovery.Request {
	text := func(s string) string { return " i32le( " + hex.EncodeToString([]byte(s)) + " ) " }
	template := func(kind, body string) discovery.Template {
		return discovery.MustTemplate(hex.EncodeToString([]byte(kind)) + " u32le+8( " + body + " )")
	}
	node := func(id string) string { return " 0100" + id + " 0d000000 ffffffff 0000 ffffffff " }
	description := text(clientURI) + " ffffffff 02 " + text(clientName) + " 01000000 ffffffff ffffffff ffffffff "
	return []discovery.Request{
		{
			Name: requestHello, Safety: discovery.SafetyB, Max: 1, Setup: true,
			Template: template("HELF", "00000000 ffff0000 ffff0000 00000400 00000000 "+endpointURL),
			Effect:   "takes one connection for a few seconds",
		},
		{
			Name: requestOpenChannel, Safety: discovery.SafetyB, Max: 1, Setup: true,
			Template: template("OPNF", "00000000 "+text(policyNone)+" ffffffff ffffffff ?4 ?4 0100be01 "+noSession+
				" 00000000 00000000 01000000 ffffffff 60ea0000"),
			Effect: "takes one channel, without security, for at most 60 s",
		},
		{
			Name: requestFindServers, Safety: discovery.SafetyB, Max: 1,
			Template: template("MSGF", onChannel+"0100a601"+noSession+endpointURL+" ffffffff ffffffff"),
			Yields: []discovery.Key{
				keyApplicationURI, keyProductURI, keyApplicationName, keyApplicationType, keyGatewayServerURI, keyDiscoveryURL,
			},
			Effect: "none: reads a list",
		},
		{
			Name: requestFindOnNetwork, Safety: discovery.SafetyB, Max: 1,
			Template: template("MSGF", onChannel+"0100b02f"+noSession+" 00000000 40000000 ffffffff"),
			Yields:   []discovery.Key{keyApplicationName, keyDiscoveryURL},
			Effect:   "none: reads a list; only of a discovery server",
		},
		{
			Name: requestGetEndpoints, Safety: discovery.SafetyB, Max: 1,
			Template: template("MSGF", onChannel+"0100ac01"+noSession+endpointURL+" ffffffff ffffffff"),
			Yields: []discovery.Key{
				keyApplicationURI, keyProductURI, keyApplicationName, keyApplicationType, keyGatewayServerURI, keyDiscoveryURL,
				keyEndpoint, keySecurityPolicy, keyCertificateSubject, keyCertificateNotAfter,
			},
			Effect: "none: reads a list",
		},
		{
			Name: requestCreateSession, Safety: discovery.SafetyC, ByClass: sessionSafety(), Max: 1, Setup: true,
			Template: template("MSGF", onChannel+"0100cd01"+noSession+description+" ffffffff "+endpointURL+text(clientName)+
				" 20000000 ?32 ffffffff 000000000088d340 00000400"),
			Effect: "takes one session for at most 20 s; only where an endpoint needs neither security nor a login",
		},
		{
			Name: requestActivateSession, Safety: discovery.SafetyC, ByClass: sessionSafety(), Max: 1, Setup: true,
			Template: template("MSGF", onChannel+"0100d301"+inSession+
				" ffffffff ffffffff ffffffff ffffffff 01004101 01 u32le( i32le( *256 ) ) ffffffff ffffffff"),
			Effect: "none: an anonymous login",
		},
		{
			Name: requestReadBuildInfo, Safety: discovery.SafetyC, ByClass: sessionSafety(), Max: 1,
			Template: template("MSGF", onChannel+"01007702"+inSession+" 0000000000000000 03000000 07000000 "+
				node("d508")+node("d608")+node("d708")+node("d808")+node("d908")+node("da08")+node("cf08")),
			Yields: []discovery.Key{
				keyProductName, keyBuildProductURI, keyManufacturerName, keySoftwareVersion, keyBuildNumber, keyBuildDate, keyNamespace,
			},
			Effect: "none: reads seven values",
		},
		{
			Name: requestBrowseDevices, Safety: discovery.SafetyC, ByClass: sessionSafety(), Max: 1,
			Template: template("MSGF", onChannel+"01000f02"+inSession+" 0000 ?8 00000000 40000000 01000000 01 ? 8913 00000000 0021 01 01000000 3f000000"),
			Yields:   plateKeys(), Effect: "none: reads which devices a server with the namespace of DI has",
		},
		{
			Name: requestBrowseNameplates, Safety: discovery.SafetyC, ByClass: sessionSafety(), Max: 1,
			Template: template("MSGF", onChannel+"01000f02"+inSession+" 0000 ?8 00000000 40000000 01-08 000000 each("+anyNode+"00000000 002e 01 02000000 3f000000 )"),
			Yields:   plateKeys(), Effect: "none: reads which properties these devices have, at most 8 of them",
		},
		{
			Name: requestReadNameplates, Safety: discovery.SafetyC, ByClass: sessionSafety(), Max: 1,
			Template: template("MSGF", onChannel+"01007702"+inSession+" 0000000000000000 03000000 01-50 000000 each("+anyNode+"0d000000 ffffffff 0000 ffffffff )"),
			Yields:   plateKeys(), Effect: "none: reads at most 80 values",
		},
		{
			Name: requestCloseSession, Safety: discovery.SafetyC, ByClass: sessionSafety(), Max: 1, Setup: true,
			Template: template("MSGF", onChannel+"0100d901"+inSession+" 01"),
			Effect:   "gives the session back",
		},
		{
			Name: requestCloseChannel, Safety: discovery.SafetyB, Max: 1, Setup: true,
			Template: template("CLOF", onChannel+"0100c401"+noSession),
			Effect:   "gives the channel back",
		},
	}
}

// sessionSafety is that of an anonymous session: B on computers, C on controllers and where nothing is known.
func sessionSafety() map[discovery.Class]discovery.Safety {
	return map[discovery.Class]discovery.Safety{discovery.ClassComputer: discovery.SafetyB}
}

// buildInfoNodes are what the one Read reads: the build information, and last the namespaces.
func buildInfoNodes() []*ua.ReadValueID {
	var nodes []*ua.NodeID
	for id := uint16(nodeProductName); id <= nodeBuildDate; id++ {
		nodes = append(nodes, ua.NewFourByteNodeID(0, id))
	}
	return readValues(append(nodes, ua.NewFourByteNodeID(0, nodeNamespaceArray)))
}

// clientDescription is the honest answer to who is asking.
func clientDescription() *ua.ApplicationDescription {
	return &ua.ApplicationDescription{
		ApplicationURI: clientURI, ApplicationName: ua.NewLocalizedText(clientName), ApplicationType: ua.ApplicationTypeClient,
	}
}
