package main

import (
	"bufio"
	"encoding/hex"
	"net"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/gosnmp/gosnmp"
)

// recordedAgent is an SNMP agent on loopback that answers as a recorded device did: GET, GETNEXT and GETBULK of v1 and v2c, by
// gosnmp's own encoder. Who asks it meets bytes that were not made by walkdown.
type recordedAgent struct {
	conn net.PacketConn
	rows []gosnmp.SnmpPDU // sorted by object id
	ids  [][]int          // of the rows, as numbers
	done chan struct{}
}

// maxAgentReply keeps answers in one datagram.
const maxAgentReply = 1400

// serveRecording starts an agent over a file in the format of snmpsim (OID|tag|value) and ends it with the test.
func serveRecording(t *testing.T, path string, addr netip.Addr) uint16 {
	t.Helper()
	a := &recordedAgent{done: make(chan struct{})}
	a.load(t, path)
	var err error
	if a.conn, err = net.ListenPacket("udp", netip.AddrPortFrom(addr, 0).String()); err != nil {
		t.Skipf("no address %s on loopback: %v", addr, err)
	}
	go a.serve()
	t.Cleanup(func() {
		_ = a.conn.Close()
		<-a.done
	})
	return uint16(a.conn.LocalAddr().(*net.UDPAddr).Port)
}

func (a *recordedAgent) load(t *testing.T, path string) {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close() //nolint:errcheck // it was only read
	type row struct {
		id  []int
		pdu gosnmp.SnmpPDU
	}
	var rows []row
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		cells := strings.SplitN(lines.Text(), "|", 3)
		if len(cells) != 3 {
			continue
		}
		if pdu, ok := recordedValue(cells[1], cells[2]); ok {
			pdu.Name = "." + strings.TrimPrefix(cells[0], ".")
			rows = append(rows, row{arcs(pdu.Name), pdu})
		}
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	slices.SortStableFunc(rows, func(x, y row) int { return slices.Compare(x.id, y.id) })
	for _, r := range rows {
		a.rows, a.ids = append(a.rows, r.pdu), append(a.ids, r.id)
	}
}

// recordedValue reads a tag and a value; an x behind the tag says that the value is hex.
func recordedValue(tag, text string) (gosnmp.SnmpPDU, bool) {
	raw := []byte(text)
	if bare, isHex := strings.CutSuffix(tag, "x"); isHex {
		decoded, err := hex.DecodeString(text)
		if err != nil {
			return gosnmp.SnmpPDU{}, false
		}
		tag, raw = bare, decoded
	}
	number, _ := strconv.ParseUint(text, 10, 64)
	switch tag {
	case "2":
		n, err := strconv.Atoi(text)
		return gosnmp.SnmpPDU{Type: gosnmp.Integer, Value: n}, err == nil && n == int(int32(n))
	case "4":
		return gosnmp.SnmpPDU{Type: gosnmp.OctetString, Value: raw}, true
	case "6":
		return gosnmp.SnmpPDU{Type: gosnmp.ObjectIdentifier, Value: "." + strings.TrimPrefix(text, ".")}, strings.Count(text, ".") > 2
	case "64":
		ip, err := netip.ParseAddr(text)
		return gosnmp.SnmpPDU{Type: gosnmp.IPAddress, Value: text}, err == nil && ip.Is4()
	case "65":
		return gosnmp.SnmpPDU{Type: gosnmp.Counter32, Value: uint32(number)}, true
	case "66":
		return gosnmp.SnmpPDU{Type: gosnmp.Gauge32, Value: uint32(number)}, true
	case "67":
		return gosnmp.SnmpPDU{Type: gosnmp.TimeTicks, Value: uint32(number)}, true
	case "70":
		return gosnmp.SnmpPDU{Type: gosnmp.Counter64, Value: number}, true
	}
	return gosnmp.SnmpPDU{}, false
}

func arcs(oid string) []int {
	var out []int
	for part := range strings.SplitSeq(strings.Trim(oid, "."), ".") {
		n, _ := strconv.Atoi(part)
		out = append(out, n)
	}
	return out
}

func (a *recordedAgent) serve() {
	defer close(a.done)
	buffer := make([]byte, 65535)
	decoder := &gosnmp.GoSNMP{Version: gosnmp.Version2c}
	for {
		n, from, err := a.conn.ReadFrom(buffer)
		if err != nil {
			return
		}
		request, err := decoder.SnmpDecodePacket(slices.Clone(buffer[:n]))
		if err != nil || request.Version == gosnmp.Version3 {
			continue // an agent that does not understand is silent
		}
		answer := &gosnmp.SnmpPacket{
			Version: request.Version, Community: request.Community, PDUType: gosnmp.GetResponse, RequestID: request.RequestID,
			Variables: a.answer(request),
		}
		for {
			reply, err := answer.MarshalMsg()
			if err == nil && (len(reply) <= maxAgentReply || len(answer.Variables) <= 1) {
				_, _ = a.conn.WriteTo(reply, from) // who asked may be gone
				break
			}
			if len(answer.Variables) <= 1 {
				break
			}
			answer.Variables = answer.Variables[:len(answer.Variables)/2]
		}
	}
}

func (a *recordedAgent) answer(request *gosnmp.SnmpPacket) []gosnmp.SnmpPDU {
	var out []gosnmp.SnmpPDU
	repeated := []gosnmp.SnmpPDU{}
	for i, v := range request.Variables {
		switch {
		case request.PDUType == gosnmp.GetRequest:
			out = append(out, a.get(v.Name))
		case request.PDUType == gosnmp.GetBulkRequest && i >= int(request.NonRepeaters):
			repeated = append(repeated, v)
		case request.PDUType == gosnmp.GetNextRequest || request.PDUType == gosnmp.GetBulkRequest:
			out = append(out, a.next(v.Name))
		}
	}
	for range min(int(request.MaxRepetitions), 100) {
		for i := range repeated {
			repeated[i] = a.next(repeated[i].Name)
			out = append(out, repeated[i])
		}
	}
	return out
}

func (a *recordedAgent) get(oid string) gosnmp.SnmpPDU {
	if i, ok := slices.BinarySearchFunc(a.ids, arcs(oid), slices.Compare[[]int]); ok {
		return a.rows[i]
	}
	return gosnmp.SnmpPDU{Name: oid, Type: gosnmp.NoSuchObject}
}

func (a *recordedAgent) next(oid string) gosnmp.SnmpPDU {
	i, ok := slices.BinarySearchFunc(a.ids, arcs(oid), slices.Compare[[]int])
	if ok {
		i++
	}
	if i == len(a.rows) {
		return gosnmp.SnmpPDU{Name: oid, Type: gosnmp.EndOfMibView}
	}
	return a.rows[i]
}
