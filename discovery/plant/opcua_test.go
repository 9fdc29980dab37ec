package plant

import (
	"context"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/gopcua/opcua"
	"github.com/gopcua/opcua/id"
	"github.com/gopcua/opcua/ua"
)

func uaURL(t *testing.T, p *Plant) string {
	t.Helper()
	return "opc.tcp://" + at(t, p, softPLCAddr, "opcua").String()
}

func TestOPCUADiscovery(t *testing.T) {
	url := uaURL(t, start(t))
	servers, err := opcua.FindServers(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	if len(servers) != 1 || servers[0].ApplicationURI != uaApplicationURI || servers[0].DiscoveryURLs[0] != url {
		t.Errorf("servers %+v", servers)
	}
	endpoints, err := opcua.GetEndpoints(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	if len(endpoints) != 2 {
		t.Fatalf("%d endpoints, want 2", len(endpoints))
	}
	if e := endpoints[1]; e.SecurityPolicyURI != ua.SecurityPolicyURIBasic256Sha256 || e.SecurityMode != ua.MessageSecurityModeSignAndEncrypt {
		t.Errorf("second endpoint %s %s", e.SecurityPolicyURI, e.SecurityMode)
	}
	certificate, err := x509.ParseCertificate(endpoints[0].ServerCertificate)
	if err != nil {
		t.Fatal(err)
	}
	if len(certificate.URIs) != 1 || certificate.URIs[0].String() != uaApplicationURI {
		t.Errorf("certificate names %v", certificate.URIs)
	}
}

// read gives the strings of the nodes of namespace 0, all in one Read.
func read(t *testing.T, client *opcua.Client, nodes ...uint32) []*ua.DataValue {
	t.Helper()
	request := &ua.ReadRequest{}
	for _, n := range nodes {
		request.NodesToRead = append(request.NodesToRead, &ua.ReadValueID{NodeID: ua.NewNumericNodeID(0, n), AttributeID: ua.AttributeIDValue})
	}
	response, err := client.Read(t.Context(), request)
	if err != nil {
		t.Fatal(err)
	}
	return response.Results
}

func TestOPCUABuildInfo(t *testing.T) {
	p := start(t)
	endpoints, err := opcua.GetEndpoints(t.Context(), uaURL(t, p))
	if err != nil {
		t.Fatal(err)
	}
	key, certificate, err := selfSigned(panelAddr, "urn:test:client")
	if err != nil {
		t.Fatal(err)
	}
	for name, options := range map[string][]opcua.Option{
		"none": {opcua.SecurityFromEndpoint(endpoints[0], ua.UserTokenTypeAnonymous)},
		"sign_and_encrypt": {
			opcua.PrivateKey(key), opcua.Certificate(certificate), opcua.ApplicationURI("urn:test:client"),
			opcua.SecurityFromEndpoint(endpoints[1], ua.UserTokenTypeAnonymous),
		},
	} {
		t.Run(name, func(t *testing.T) {
			client, err := opcua.NewClient(uaURL(t, p), append(options, opcua.AutoReconnect(false))...)
			if err != nil {
				t.Fatal(err)
			}
			if err := client.Connect(t.Context()); err != nil {
				t.Fatal(err)
			}
			defer client.Close(context.WithoutCancel(t.Context())) //nolint:errcheck // the test has what it wants
			got := read(t, client,
				id.Server_ServerStatus_BuildInfo_ProductName, id.Server_ServerStatus_BuildInfo_ProductURI,
				id.Server_ServerStatus_BuildInfo_ManufacturerName, id.Server_ServerStatus_BuildInfo_SoftwareVersion,
				id.Server_ServerStatus_BuildInfo_BuildNumber, id.Server_ServerStatus_BuildInfo_BuildDate)
			want := buildInfo()
			for i, value := range []any{want.ProductName, want.ProductURI, want.ManufacturerName, want.SoftwareVersion, want.BuildNumber, want.BuildDate} {
				if got[i].Value.Value() != value {
					t.Errorf("node %d: got %v, want %v", i, got[i].Value.Value(), value)
				}
			}
			whole := read(t, client, id.Server_ServerStatus_BuildInfo, id.Server_ServerStatus, id.Server_NamespaceArray, 99999)
			if info, ok := whole[0].Value.ExtensionObject().Value.(*ua.BuildInfo); !ok || *info != *want {
				t.Errorf("BuildInfo %+v", whole[0].Value.Value())
			}
			if status, ok := whole[1].Value.ExtensionObject().Value.(*ua.ServerStatusDataType); !ok || status.State != ua.ServerStateRunning {
				t.Errorf("ServerStatus %+v", whole[1].Value.Value())
			}
			if whole[3].Status != ua.StatusBadNodeIDUnknown {
				t.Errorf("unknown node: %v", whole[3].Status)
			}
		})
	}
}

func TestOPCUARefusesPasswords(t *testing.T) {
	client, err := opcua.NewClient(uaURL(t, start(t)), opcua.AuthUsername("admin", "admin"), opcua.AuthPolicyID("anonymous"), opcua.AutoReconnect(false))
	if err != nil {
		t.Fatal(err)
	}
	if err := client.Connect(t.Context()); err == nil {
		t.Error("a user name was accepted")
		_ = client.Close(t.Context())
	}
}

// What is not the protocol ends its own connection and nothing else; a reverse hello above all, which the library would obey.
func TestOPCUASurvivesHostileMessages(t *testing.T) {
	p := start(t)
	trap, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = trap.Close() }()
	address := at(t, p, softPLCAddr, "opcua").String()
	text := func(s string) string {
		return hex.EncodeToString([]byte{byte(len(s)), 0, 0, 0}) + hex.EncodeToString([]byte(s))
	}
	reverse := text(trap.Addr().String()) + text("opc.tcp://"+address)
	hello := hex.EncodeToString([]byte("HELF")) + "20000000" + "00000000 ffff0000 ffff0000 00000000 00000000 00000000"
	for name, sent := range map[string]string{
		"reverse_hello":   hex.EncodeToString([]byte("RHEF")) + hex.EncodeToString([]byte{byte(8 + len(reverse)/2), 0, 0, 0}) + reverse,
		"http":            hex.EncodeToString([]byte("GET / HTTP/1.1\r\n\r\n")),
		"short":           hex.EncodeToString([]byte("HELF")) + "08000000",
		"too_small":       hex.EncodeToString([]byte("HELF")) + "01000000",
		"too_large":       hex.EncodeToString([]byte("HELF")) + "ffffff7f",
		"open_cut":        hello + hex.EncodeToString([]byte("OPNF")) + "09000000 00",
		"open_bad_policy": hello + hex.EncodeToString([]byte("OPNF")) + "1c000000 00000000 04000000 61626364 ffffffff ffffffff",
		"message_unasked": hello + hex.EncodeToString([]byte("MSGF")) + "18000000 01000000 01000000 01000000 01000000",
	} {
		t.Run(name, func(t *testing.T) {
			conn, err := net.Dial("tcp", address)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = conn.Close() }()
			_ = conn.SetDeadline(time.Now().Add(2 * time.Second))
			if _, err := conn.Write(unhex(t, strings.ReplaceAll(sent, " ", ""))); err != nil {
				t.Fatal(err)
			}
			for err == nil {
				_, err = conn.Read(make([]byte, 1024))
			}
			if errors.Is(err, os.ErrDeadlineExceeded) {
				t.Error("the connection stayed open")
			}
		})
	}
	_ = trap.(*net.TCPListener).SetDeadline(time.Now().Add(50 * time.Millisecond))
	if conn, err := trap.Accept(); err == nil {
		_ = conn.Close()
		t.Error("the server dialled where a reverse hello pointed")
	}
	if _, err := opcua.FindServers(t.Context(), "opc.tcp://"+address); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}
