package snmp

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gosnmp/gosnmp"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/discoverytest"
)

// mib is what a made-up agent has to tell, in the order in which it tells it.
type mib []gosnmp.SnmpPDU

func (m *mib) add(oid string, value any) {
	v := gosnmp.SnmpPDU{Name: "." + oid, Value: value, Type: gosnmp.OctetString}
	switch value.(type) {
	case int:
		v.Type = gosnmp.Integer
	case uint32:
		v.Type = gosnmp.TimeTicks
	}
	*m = append(*m, v)
}

// switchMIB is a small switch: two ports, one neighbour, two hosts.
func switchMIB() mib {
	var m mib
	m.add("1.3.6.1.2.1.1.1.0", "a switch")
	m.add("1.3.6.1.2.1.1.3.0", uint32(5000))
	m.add("1.3.6.1.2.1.2.2.1.2.1", "GigabitEthernet1")
	m.add("1.3.6.1.2.1.2.2.1.2.2", "GigabitEthernet2")
	m.add("1.3.6.1.2.1.17.1.4.1.2.11", 1)
	m.add("1.3.6.1.2.1.17.1.4.1.2.12", 2)
	m.add("1.3.6.1.2.1.17.4.3.1.2.0.160.69.1.2.3", 11)
	m.add("1.3.6.1.2.1.17.4.3.1.2.0.160.69.1.2.4", 12)
	m.add("1.3.6.1.2.1.17.4.3.1.3.0.160.69.1.2.3", 3)
	m.add("1.3.6.1.2.1.17.4.3.1.3.0.160.69.1.2.4", 4)
	return m
}

// serve answers as RFC 3416 says; change sees each request and may alter what is said to it.
func (m mib) serve(change func(n int, request, reply *gosnmp.SnmpPacket)) func(net.Conn) {
	n := 0
	return agent(func(request gosnmp.SnmpPacket) []byte {
		n++
		reply := request
		reply.PDUType, reply.Variables, reply.NonRepeaters, reply.MaxRepetitions = gosnmp.GetResponse, nil, 0, 0
		rows := 1
		single := len(request.Variables)
		if request.PDUType == gosnmp.GetBulkRequest {
			// The decoder of the library has the fields of a bulk request where others have the error.
			rows, single = 10, 1
		}
		at := slices.Clone(request.Variables)
		for row := range rows {
			for i := range at {
				if row > 0 && i < single {
					continue
				}
				at[i] = m.answer(at[i].Name, request.PDUType != gosnmp.GetRequest)
				reply.Variables = append(reply.Variables, at[i])
			}
		}
		if change != nil {
			change(n, &request, &reply)
		}
		reply.Error, reply.ErrorIndex = 0, 0
		b, err := reply.MarshalMsg()
		if err != nil {
			return nil
		}
		return b
	})
}

func (m mib) answer(name string, next bool) gosnmp.SnmpPDU {
	for i, v := range m {
		if !next && v.Name == name {
			return v
		}
		if next && v.Name == name && i+1 < len(m) {
			return m[i+1]
		}
		if next && strings.HasPrefix(v.Name, name+".") {
			return v
		}
	}
	return gosnmp.SnmpPDU{Name: name, Type: gosnmp.EndOfMibView}
}

func infrastructure() discovery.Target {
	t := target("public")
	t.Class = discovery.ClassInfrastructure
	return t
}

func TestAskSwitch(t *testing.T) {
	got := discoverytest.Asked(t, Protocol(), discoverytest.Peer{Target: infrastructure(), Serve: switchMIB().serve(nil)})
	for _, want := range []string{
		"00:a0:45:01:02:03 (said by 127.0.0.1): snmp.dot1dTpFdbPort = GigabitEthernet1", "127.0.0.1: link GigabitEthernet1 -> 00:a0:45:01:02:03 by fdb",
		"127.0.0.1: snmp.tables = read",
	} {
		if !slices.Contains(got.Lines, want) {
			t.Errorf("%q is missing in\n%s", want, strings.Join(got.Lines, "\n"))
		}
	}
	if strings.Contains(strings.Join(got.Lines, "\n"), "00:a0:45:01:02:04") {
		t.Error("the bridge's own address is told as a host")
	}
	want := []string{systemRequest, "get-agent", walkRequest, "walk-interfaces", "walk-bridge-ports", "walk-forwarding", "walk-bridge-forwarding"}
	if got.Err != nil || !slices.Equal(got.Requests(), want) {
		t.Errorf("sent %v, want %v, error %v", got.Requests(), want, got.Err)
	}
}

// A device without tables is asked six times at most.
func TestAskWithoutTables(t *testing.T) {
	var m mib
	m.add("1.3.6.1.2.1.1.1.0", "a small switch")
	m.add("1.3.6.1.2.1.1.3.0", uint32(5000))
	m.add("1.3.6.1.2.1.2.2.1.2.1", "port 1")
	m.add("1.3.6.1.2.1.4.20.1.2.192.0.2.7", 1)
	got := discoverytest.Asked(t, Protocol(), discoverytest.Peer{Target: infrastructure(), Serve: m.serve(nil)})
	if got.Err != nil || len(got.Sent) > 6 || len(got.Sent) < 5 {
		t.Errorf("sent %v, error %v", got.Requests(), got.Err)
	}
}

// Agents that do what no agent should: every walk ends.
func TestWalksEnd(t *testing.T) {
	hosts := func(n int) mib {
		m := switchMIB()[:6]
		for i := range n {
			m.add(fmt.Sprintf("1.3.6.1.2.1.17.4.3.1.2.0.160.69.%d.%d.%d", i>>16, i>>8&0xff, i&0xff), 11)
		}
		return m
	}
	circle := func(_ int, request, reply *gosnmp.SnmpPacket) {
		if request.PDUType == gosnmp.GetBulkRequest {
			for i := range reply.Variables {
				if strings.HasPrefix(reply.Variables[i].Name, "."+fdbEntry) {
					reply.Variables[i].Name = fmt.Sprintf(".%s2.0.160.69.9.9.%d", fdbEntry, i%3)
				}
			}
		}
	}
	unordered := hosts(100)
	slices.Reverse(unordered[6:])
	for name, c := range map[string]struct {
		mib    mib
		change func(int, *gosnmp.SnmpPacket, *gosnmp.SnmpPacket)
		fdb    int // requests for the forwarding table
		hosts  int
		links  bool
	}{
		"ordered":   {hosts(100), nil, 11, 100, true},
		"unordered": {unordered, nil, 11, 100, true},
		"circle":    {hosts(100), circle, 1, 3, false},
		"endless":   {hosts(5000), nil, 150, 1500, false},
		"cut_short": {hosts(30), func(_ int, request, reply *gosnmp.SnmpPacket) {
			if request.PDUType == gosnmp.GetBulkRequest && len(reply.Variables) > 6 {
				reply.Variables = reply.Variables[:6] // the uptime, two rows of two columns, and half a row
			}
		}, 11, 30, true},
	} {
		t.Run(name, func(t *testing.T) {
			got := discoverytest.Asked(t, Protocol(), discoverytest.Peer{Target: infrastructure(), Serve: c.mib.serve(c.change)})
			sent := 0
			for _, r := range got.Requests() {
				if r == forwardingTable.request {
					sent++
				}
			}
			told := map[string]bool{}
			for _, line := range got.Lines {
				if mac, _, ok := strings.Cut(line, " (said by 127.0.0.1): snmp.dot1dTpFdbPort"); ok {
					told[mac] = true
				}
			}
			if c.links == (got.Err != nil) || sent != c.fdb || len(told) != c.hosts {
				t.Errorf("%d requests, %d hosts, error %v; want %d and %d", sent, len(told), got.Err, c.fdb, c.hosts)
			}
			if whole := slices.Contains(got.Lines, "127.0.0.1: snmp.tables = read"); whole != c.links {
				t.Errorf("told to be read to its end: %v", whole)
			}
		})
	}
}

func TestAskStopsAtARestart(t *testing.T) {
	m := switchMIB()
	got := discoverytest.Asked(t, Protocol(), discoverytest.Peer{Target: infrastructure(), Serve: m.serve(func(n int, _, reply *gosnmp.SnmpPacket) {
		for i, v := range reply.Variables {
			if v.Name == ".1.3.6.1.2.1.1.3.0" && n > 4 {
				reply.Variables[i].Value = uint32(100)
			}
		}
	})})
	if !errors.Is(got.Err, discovery.ErrDistress) || len(got.Sent) != 5 {
		t.Errorf("sent %v, error %v", got.Requests(), got.Err)
	}
}

func TestUptimeBeginsAnew(t *testing.T) {
	w := walker{uptime: 1<<32 - 10}
	again := reply{bindings: []Binding{{OID: sysUpTime + ".0", Value: binding(gosnmp.SnmpPDU{Name: "." + sysUpTime + ".0", Type: gosnmp.TimeTicks, Value: uint32(7)}).Value}}}
	if err := w.watch(again); err != nil || w.uptime != 7 {
		t.Errorf("uptime %d, error %v", w.uptime, err)
	}
}

// A device that takes longer than a second keeps its tables to itself.
func TestAskSlowDevice(t *testing.T) {
	for name, c := range map[string]struct {
		from int // the request from which on it is slow
		want []string
	}{
		"at_once": {1, []string{systemRequest}},
		"later":   {4, []string{systemRequest, "get-agent", walkRequest, "walk-interfaces"}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				got := discoverytest.Asked(t, Protocol(), discoverytest.Peer{Target: infrastructure(), Serve: switchMIB().serve(func(n int, _, _ *gosnmp.SnmpPacket) {
					if n >= c.from {
						time.Sleep(1500 * time.Millisecond)
					}
				})})
				if !slices.Equal(got.Requests(), c.want) || c.from == 1 && got.Err != nil {
					t.Errorf("sent %v, error %v", got.Requests(), got.Err)
				}
				if !slices.Contains(got.Lines, "127.0.0.1: snmp.sysDescr = a switch") {
					t.Error("what was told before is lost")
				}
			})
		})
	}
}
