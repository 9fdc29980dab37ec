package ask

import (
	"io"
	"net"
	"slices"
	"strings"
	"testing"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/protocols/codesys2"
	"github.com/walkdown-ot/walkdown/discovery/protocols/fox"
	"github.com/walkdown-ot/walkdown/discovery/protocols/http"
	"github.com/walkdown-ot/walkdown/discovery/protocols/mms"
	"github.com/walkdown-ot/walkdown/discovery/protocols/modbus"
	"github.com/walkdown-ot/walkdown/discovery/protocols/opcua"
	"github.com/walkdown-ot/walkdown/discovery/protocols/s7"
	"github.com/walkdown-ot/walkdown/discovery/protocols/slmp"
	"github.com/walkdown-ot/walkdown/discovery/protocols/snmp"
	"github.com/walkdown-ot/walkdown/discovery/protocols/ssh"
	"github.com/walkdown-ot/walkdown/discovery/protocols/tls"
)

// modbusDevice answers function 43/14 with a vendor, a product and a revision, from any unit.
func modbusDevice(conn net.Conn) {
	request := make([]byte, 11)
	for {
		if _, err := io.ReadFull(conn, request); err != nil {
			return
		}
		body := append([]byte{request[6], 0x2b, 0x0e, request[9], 0x01, 0, 0, 3}, "\x00\x04ACME\x01\x03M-1\x02\x041.02"...)
		if request[6] == 3 {
			body[16] = 'X' // the unit is another device
		}
		if _, err := conn.Write(append([]byte{request[0], request[1], 0, 0, 0, byte(len(body))}, body...)); err != nil {
			return
		}
	}
}

func TestModbusForReal(t *testing.T) {
	noLeak(t)
	device := tcpPeer(t, modbusDevice)
	k, book := newKeeper(t, Options{Protocols: []discovery.Protocol{modbus.Protocol()}, Limits: quick()})
	h := device.host(Controller, "modbus")
	h.Named = []uint8{3}
	r := mustRun(t, k, h)
	device.end()
	wantLines(t, book, "read-device-identification-basic answered", "read-unit-identification-basic answered")
	var got []string
	for _, o := range book.observations {
		for _, f := range o.Facts {
			got = append(got, strings.TrimSpace(o.Subject.String()+" "+string(f.Key)+"="+f.Value))
		}
	}
	for _, want := range []string{"127.0.0.1 modbus.vendor-name=ACME", "127.0.0.1 modbus-unit=3 modbus.product-code=X-1"} {
		if !slices.Contains(got, want) {
			t.Errorf("%q is missing in %q", want, got)
		}
	}
	if r.Devices[0].Items[0].Outcome != ItemAnswered || device.conns != 1 || device.ended[0] != nil {
		t.Errorf("got %+v; %d connections, ended with %v", r.Devices[0], device.conns, device.ended)
	}
}

// Each real asker against devices that are silent, closed, rude or babbling: the outcome is the right word.
func TestRealAskersMeetBadDevices(t *testing.T) {
	for _, c := range []struct {
		name    string
		serve   func(net.Conn)
		outcome ItemOutcome
	}{
		{"silent", func(net.Conn) {}, ItemSilent},
		{"closes", func(c net.Conn) { _, _ = c.Read(make([]byte, 1000)); _ = c.Close() }, ItemReset},
		{"resets", func(c net.Conn) { _, _ = c.Read(make([]byte, 1000)); linger0(c) }, ItemReset},
		{"babbles", func(c net.Conn) { _, _ = c.Write([]byte("SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3\r\n")) }, ItemNotUnderstood},
	} {
		for _, p := range []discovery.Protocol{
			modbus.Protocol(), opcua.Protocol(), s7.Protocol(), mms.Protocol(), fox.Protocol(), slmp.Protocol(), codesys2.Protocol(), http.Protocol(), tls.Protocol(), ssh.Protocol(),
		} {
			if p.Name == "ssh" && c.name == "babbles" {
				continue // its own words
			}
			t.Run(p.Name+"_"+c.name, func(t *testing.T) {
				noLeak(t)
				device := tcpPeer(t, c.serve)
				k, book := newKeeper(t, Options{Protocols: []discovery.Protocol{p}, Limits: quick(), Allow: []string{"all"}})
				r := mustRun(t, k, device.host(Controller, p.Name))
				if got := r.Devices[0].Items[0]; got.Outcome != c.outcome {
					t.Errorf("got %+v; ledger %q", got, book.lines())
				}
			})
		}
	}
}

func TestSNMPForReal(t *testing.T) {
	noLeak(t)
	var config net.ListenConfig
	agent, err := config.ListenPacket(t.Context(), "udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = agent.Close() }()
	var requests [][]byte
	done := make(chan struct{})
	go func() {
		defer close(done)
		b := make([]byte, 2000)
		for {
			n, from, err := agent.ReadFrom(b)
			if err != nil {
				return
			}
			requests = append(requests, slices.Clone(b[:n]))
			if strings.Contains(string(b[:n]), "plant") {
				_, _ = agent.WriteTo(snmpAnswer(b[:n]), from)
			}
		}
	}()
	k, book := newKeeper(t, Options{
		Protocols:   []discovery.Protocol{snmp.Protocol()},
		Credentials: []discovery.Credential{{Protocol: "snmp", Kind: "community", Secret: "wrong"}, {Protocol: "snmp", Kind: "community", Secret: "plant"}},
		Limits:      quick(),
	})
	h := host("127.0.0.1", Unknown, "snmp")
	h.Ports = map[string]uint16{"snmp": addrPort(agent.LocalAddr()).Port()}
	r := mustRun(t, k, h)
	_ = agent.Close()
	<-done
	wantLines(t, book, "get-system-group silent", "get-system-group silent", "get-system-group answered")
	if got := book.facts("snmp.sysDescr"); !slices.Equal(got, []string{"switch"}) || r.Devices[0].Items[0].Outcome != ItemAnswered {
		t.Errorf("got %q, %+v", got, r.Devices[0])
	}
	if len(requests) != 3 || string(requests[0]) != string(requests[1]) {
		t.Errorf("the agent got %x", requests)
	}
	for _, e := range book.ledger {
		if strings.Contains(string(e.Bytes), "wrong") || strings.Contains(string(e.Bytes), "plant") || len(e.Bytes) != len(requests[0]) {
			t.Errorf("the ledger holds %q", e.Bytes)
		}
	}
}

// snmpAnswer turns a GET with a community of five letters into an answer with one binding: sysDescr.0 = "switch".
func snmpAnswer(request []byte) []byte {
	i := 2
	if request[1] >= 0x80 {
		i += int(request[1] & 0x7f)
	}
	head := request[i : i+3+2+5] // version, community
	pdu := request[i+10:]
	j := 2
	if pdu[1] >= 0x80 {
		j += int(pdu[1] & 0x7f)
	}
	id := pdu[j : j+2+int(pdu[j+1])]
	binding := []byte("\x30\x12\x30\x10\x06\x08\x2b\x06\x01\x02\x01\x01\x01\x00\x04\x06switch")
	binding[1], binding[3] = byte(len(binding)-2), byte(len(binding)-4)
	body := append(slices.Clone(id), 2, 1, 0, 2, 1, 0)
	body = append(body, binding...)
	body = append([]byte{0xa2, byte(len(body))}, body...)
	body = append(slices.Clone(head), body...)
	return append([]byte{0x30, byte(len(body))}, body...)
}
