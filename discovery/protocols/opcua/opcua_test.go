package opcua

import (
	"slices"
	"strings"
	"testing"

	"github.com/gopcua/opcua/ua"
	"github.com/gopcua/opcua/uacp"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/discoverytest"
)

// The bytes of the samples are made by gopcua; TestCaptures reads those of open62541, Softing and others.
func TestProtocol(t *testing.T) {
	discoverytest.Run(t, Protocol(), discoverySample(t), sessionSample(t), answersAlone(t))
}

// answersAlone is the session as a mirror port shows it that copies what the server sends. Of the values, those are told that say
// themselves what they are.
func answersAlone(t testing.TB) discoverytest.Sample {
	s := sessionSample(t)
	s.Name = "answers_alone"
	s.Messages = slices.DeleteFunc(s.Messages, func(m discoverytest.Message) bool { return m.Side == discovery.Client })
	s.Messages = append(s.Messages, from(discovery.Server, chunks(t, 8, 0, &ua.ReadResponse{Results: []*ua.DataValue{
		good("http://opcfoundation.org/UA/"), good([]string{"one", "two"}), good("ACME"),
	}})))
	s.Want = slices.DeleteFunc(s.Want, func(line string) bool { // the writes and calls of the session were not answered
		return strings.Contains(line, "opcua.client-") || strings.HasSuffix(line, "write") || strings.HasSuffix(line, "control")
	})
	return s
}

// discoverySample asks a discovery server for the servers and itself for its endpoints, the latter in three chunks.
func discoverySample(t testing.TB) discoverytest.Sample {
	const (
		clientSide = discovery.Client
		serverSide = discovery.Server
	)
	lds := description("urn:lds", ua.ApplicationTypeDiscoveryServer, "opc.tcp://192.0.2.1:4840")
	other := description("urn:press-4:plc", ua.ApplicationTypeServer, "opc.tcp://192.0.2.77:4840")
	return discoverytest.Sample{
		Name: "discovery",
		Flow: testFlow(),
		Messages: []discoverytest.Message{
			from(clientSide, greeting(t)),
			from(serverSide, connection(t, "ACK", &uacp.Acknowledge{ReceiveBufSize: 65535, SendBufSize: 65535})),
			from(clientSide, opening(policyNone, nil)),
			from(serverSide, opening(policyNone, nil)),
			from(clientSide, chunks(t, 1, 0, &ua.FindServersRequest{})),
			from(serverSide, chunks(t, 1, 0, &ua.FindServersResponse{Servers: []*ua.ApplicationDescription{other, lds}})),
			from(clientSide, chunks(t, 2, 0, &ua.GetEndpointsRequest{})),
			from(serverSide, chunks(t, 2, 100, &ua.GetEndpointsResponse{Endpoints: []*ua.EndpointDescription{
				offer(lds, policyNone, ua.MessageSecurityModeNone, ua.UserTokenTypeAnonymous, ua.UserTokenTypeUserName),
			}})),
			from(clientSide, chunks(t, 3, 0, &ua.FindServersOnNetworkRequest{})),
			from(serverSide, chunks(t, 3, 0, &ua.FindServersOnNetworkResponse{Servers: []*ua.ServerOnNetwork{
				{ServerName: "press-5", DiscoveryURL: "opc.tcp://press-5:4840"},
			}})),
		},
		Want: []string{
			"192.0.2.2 -> 192.0.2.1 tcp/4840 opcua: read",
			"192.0.2.1 endpoint=urn:press-4:plc (said by 192.0.2.1): opcua.application-uri = urn:press-4:plc",
			"192.0.2.1 endpoint=urn:press-4:plc (said by 192.0.2.1): opcua.product-uri = urn:acme:soft-plc",
			"192.0.2.1 endpoint=urn:press-4:plc (said by 192.0.2.1): opcua.application-name = Soft PLC",
			"192.0.2.1 endpoint=urn:press-4:plc (said by 192.0.2.1): opcua.application-type = Server",
			"192.0.2.1 endpoint=urn:press-4:plc (said by 192.0.2.1): opcua.discovery-url = opc.tcp://192.0.2.77:4840",
			"192.0.2.1: opcua.application-uri = urn:lds",
			"192.0.2.1: opcua.product-uri = urn:acme:soft-plc",
			"192.0.2.1: opcua.application-name = Soft PLC",
			"192.0.2.1: opcua.application-type = DiscoveryServer",
			"192.0.2.1: opcua.discovery-url = opc.tcp://192.0.2.1:4840",
			"192.0.2.1: opcua.application-uri = urn:lds",
			"192.0.2.1: opcua.product-uri = urn:acme:soft-plc",
			"192.0.2.1: opcua.application-name = Soft PLC",
			"192.0.2.1: opcua.application-type = DiscoveryServer",
			"192.0.2.1: opcua.discovery-url = opc.tcp://192.0.2.1:4840",
			"192.0.2.1: opcua.endpoint = opc.tcp://192.0.2.1:4840 | None | None | Anonymous, UserName",
			"192.0.2.1: opcua.security-policy = None",
			"192.0.2.1 endpoint=opc.tcp:%2F%2Fpress-5:4840 (said by 192.0.2.1): opcua.application-name = press-5",
			"192.0.2.1 endpoint=opc.tcp:%2F%2Fpress-5:4840 (said by 192.0.2.1): opcua.discovery-url = opc.tcp://press-5:4840",
		},
	}
}

// sessionSample has a client read what is told and what is not, publish, write and call.
func sessionSample(t testing.TB) discoverytest.Sample {
	const (
		clientSide = discovery.Client
		serverSide = discovery.Server
	)
	client := description("urn:hmi-1", ua.ApplicationTypeClient)
	client.ProductURI = "urn:acme:hmi"
	client.ApplicationName = ua.NewLocalizedText("HMI 1")
	server := description("urn:press-3:plc", ua.ApplicationTypeServer)
	build := &ua.BuildInfo{
		ProductURI: "urn:acme:build", ManufacturerName: "ACME", ProductName: "Soft PLC 3", SoftwareVersion: "3.1.4", BuildNumber: "159",
		BuildDate: testTime,
	}
	return discoverytest.Sample{
		Name: "session",
		Flow: testFlow(),
		Messages: []discoverytest.Message{
			from(clientSide, chunks(t, 1, 0, &ua.CreateSessionRequest{ClientDescription: client})),
			from(serverSide, chunks(t, 1, 0, &ua.CreateSessionResponse{
				SessionID: ua.NewGUIDNodeID(1, "72962B91-FA75-4AE6-8D28-B404DC7DAF63"), AuthenticationToken: ua.NewNumericNodeID(0, 99),
				ServerEndpoints: []*ua.EndpointDescription{offer(server, policyNone, ua.MessageSecurityModeNone, ua.UserTokenTypeAnonymous)},
				ServerSignature: &ua.SignatureData{},
			})),
			from(clientSide, chunks(t, 2, 0, readOf(2258, nodeNamespaceArray, nodeProductName, nodeBuildInfo))),
			from(serverSide, chunks(t, 2, 60, &ua.ReadResponse{Results: []*ua.DataValue{
				good(testTime),
				good([]string{"http://opcfoundation.org/UA/", "urn:press-3:plc"}),
				{EncodingMask: ua.DataValueStatusCode, Status: ua.StatusBadUserAccessDenied},
				good(&ua.ExtensionObject{TypeID: ua.NewFourByteExpandedNodeID(0, buildInfoStructure), EncodingMask: 1, Value: build}),
			}})),
			from(clientSide, chunks(t, 3, 0, readOf(2258))),
			from(serverSide, chunks(t, 3, 0, &ua.ReadResponse{Results: []*ua.DataValue{good(testTime)}})),
			from(clientSide, chunks(t, 4, 0, &ua.WriteRequest{})),
			from(clientSide, chunks(t, 5, 0, &ua.CallRequest{})),
			from(clientSide, chunks(t, 6, 0, &ua.PublishRequest{})),
			from(clientSide, chunks(t, 7, 0, readOf(nodeManufacturerName))),
			from(serverSide, chunks(t, 7, 0, &ua.ServiceFault{})),
		},
		Want: []string{
			"192.0.2.2: opcua.client-application-uri = urn:hmi-1",
			"192.0.2.2: opcua.client-product-uri = urn:acme:hmi",
			"192.0.2.2: opcua.client-application-name = HMI 1",
			"192.0.2.1: opcua.application-uri = urn:press-3:plc",
			"192.0.2.1: opcua.product-uri = urn:acme:soft-plc",
			"192.0.2.1: opcua.application-name = Soft PLC",
			"192.0.2.1: opcua.application-type = Server",
			"192.0.2.1: opcua.endpoint = opc.tcp://192.0.2.1:4840 | None | None | Anonymous",
			"192.0.2.1: opcua.security-policy = None",
			"192.0.2.2 -> 192.0.2.1 tcp/4840 opcua: read",
			"192.0.2.1: opcua.namespace = http://opcfoundation.org/UA/",
			"192.0.2.1: opcua.namespace = urn:press-3:plc",
			"192.0.2.1: opcua.product-name = Soft PLC 3",
			"192.0.2.1: opcua.build-product-uri = urn:acme:build",
			"192.0.2.1: opcua.manufacturer-name = ACME",
			"192.0.2.1: opcua.software-version = 3.1.4",
			"192.0.2.1: opcua.build-number = 159",
			"192.0.2.1: opcua.build-date = 2026-11-23T10:00:00Z",
			"192.0.2.2 -> 192.0.2.1 tcp/4840 opcua: write",
			"192.0.2.2 -> 192.0.2.1 tcp/4840 opcua: control",
		},
	}
}

// TestCaptures reads what others recorded (captures/README.md); the lines are those that tshark shows too, and what stands beside them.
func TestCaptures(t *testing.T) {
	for _, c := range []struct {
		file string
		want []string
	}{
		{"opcua-getendpoints-with-gap.pcapng", []string{
			"00:1d:09:99:b2:2c 192.168.11.33: opcua.client-application-name = SiLab OPC UA Server-Client",
			"00:1d:09:99:b2:2c 192.168.11.33: opcua.client-application-uri = urn:MES::FraunhoferIOSB:SiLab UA-Client",
			"00:1d:09:99:b2:2c 192.168.11.33: opcua.client-product-uri = urn:FraunhoferIOSB:SiLabUAServer:Client",
			"00:1d:09:99:b2:2c 192.168.11.34: opcua.application-name = Softing OPC UA Gateway", // in two chunks
			"00:1d:09:99:b2:2c 192.168.11.34: opcua.certificate-subject = CN=opcua_gw,OU=BSI369,O=BSI,L=Bonn,ST=NRW,C=DE",
			"00:1d:09:99:b2:2c 192.168.11.33 -> 00:1d:09:99:b2:2c 192.168.11.34 tcp/4840 opcua: read",
			"00:1d:09:99:b2:2c 192.168.224.102: opcua.application-uri = urn:open62541.server.application",
			"00:1d:09:99:b2:2c 192.168.224.102: opcua.product-uri = http://open62541.org",
			"00:1d:09:99:b2:2c 192.168.224.102: opcua.application-name = open62541-based OPC UA Application",
			"00:1d:09:99:b2:2c 192.168.224.102: opcua.endpoint = opc.tcp://192.168.224.102:4840 | None | None | Anonymous, UserName",
			"00:1d:09:99:b2:2c 192.168.224.102: opcua.client-application-uri = urn:unconfigured:application",
		}},
		{"opcua-open62541-discovery-getendpoints.pcapng", []string{
			"127.0.0.1: opcua.application-uri = urn:open62541.example.local_discovery_server",
			"127.0.0.1: opcua.application-type = DiscoveryServer",
			"127.0.0.1 endpoint=urn:open62541.example.server_register (said by 127.0.0.1): opcua.application-type = Server",
			"127.0.0.1 endpoint=urn:open62541.example.server_register (said by 127.0.0.1): opcua.application-name = open62541-based OPC UA Application",
			"192.168.224.105: opcua.application-uri = urn:open62541.server.application",
			"192.168.224.105: opcua.gateway-server-uri = myGATEWAY",
			"192.168.224.105: opcua.discovery-url = my_opc ua",
			"192.168.224.105: opcua.endpoint = opc.tcp://Maui-16714:4840/ | None | None | Anonymous, UserName",
		}},
	} {
		t.Run(c.file, func(t *testing.T) {
			var lines []string
			for _, s := range discoverytest.Capture(t, c.file, discovery.TCP, 4840) {
				told, problems := discoverytest.Read(t, Protocol(), s)
				lines = append(lines, told...)
				for _, err := range problems {
					t.Errorf("%s: %v", s.Name, err)
				}
			}
			for _, want := range c.want {
				if !slices.Contains(lines, want) {
					t.Errorf("not told: %s", want)
				}
			}
		})
	}
}
