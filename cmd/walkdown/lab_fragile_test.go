//go:build lab && linux

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/plant/fragile"
	"github.com/walkdown-ot/walkdown/discovery/protocols"
	"github.com/walkdown-ot/walkdown/inventory"
)

// The second lab is a plant of devices that are easily upset, each in a network namespace of its own behind one bridge, surveyed
// by the real binary. Beside them stands a station that answers ARP for a whole network and resets every connection to it.
const (
	fragileNet = "10.78.0." // the bench from .11 on, the mortal ones from .101 on
	proxyNet   = "10.79.0." // all of it is one station
	fragileMAC = "02:78:00:00:00:"
)

// fragileEnv tells the test's child which device of the bench it is: its name, its address, and where its report goes.
const fragileEnv = "WALKDOWN_LAB_FRAGILE"

// TestLabDevice is no test: it is a device of the bench, when the lab starts it in a namespace.
func TestLabDevice(t *testing.T) {
	name, rest, ok := strings.Cut(os.Getenv(fragileEnv), " ")
	if !ok {
		t.Skip("the lab starts it")
	}
	address, report, _ := strings.Cut(rest, " ")
	if name == gologixName {
		serveGologix(t)
		return
	}
	device := benchDevice(name)
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt)
	defer cancel()
	device.OnDeath(func() { _ = exec.Command("ip", "link", "set", "eth0", "down").Run() })
	done := make(chan struct{}, len(device.Protocols))
	for _, p := range protocols.All() {
		if p.Asker == nil || !slices.Contains(device.Protocols, p.Name) {
			continue
		}
		at := fmt.Sprintf("%s:%d", address, p.Asker.Port)
		if p.Asker.Transport == discovery.UDP {
			conn, err := net.ListenPacket("udp4", at)
			if err != nil {
				t.Fatal(err)
			}
			go func() { device.ServePacket(ctx, p.Name, conn); done <- struct{}{} }()
			continue
		}
		l, err := net.Listen("tcp4", at)
		if err != nil {
			t.Fatal(err)
		}
		go func() { device.Serve(ctx, p.Name, l); done <- struct{}{} }()
	}
	go device.Panel(ctx)
	<-ctx.Done()
	text, err := json.Marshal(device.Report())
	if err == nil {
		err = os.WriteFile(report, text, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
	for range device.Protocols {
		<-done
	}
}

func benchDevice(name string) *fragile.Device {
	if strings.HasPrefix(name, "dying") {
		return fragile.Dying(name, 2)
	}
	if strings.HasPrefix(name, "healthy") {
		return fragile.Healthy(name, "modbus", "snmp")
	}
	for _, d := range fragile.Bench() {
		if d.Name == name {
			return d
		}
	}
	panic("no device " + name)
}

// fragileLab is the bridge, the laptop, and the devices by address.
type fragileLab struct {
	*lab
	devices map[string]string // address -> name
	stops   map[string]func() fragile.Report
}

// device starts one of the bench at the address.
func (l *fragileLab) device(name string, last int) {
	l.t.Helper()
	address := fmt.Sprint(fragileNet, last)
	l.devices[address] = name
	l.host("switch", name, fmt.Sprintf("%s%02x", fragileMAC, last), address+"/24")
	l.stops[name] = l.fragile(name, address)
}

// fragile makes a namespace a device of the bench. What is given back ends it and gives its report.
func (l *lab) fragile(name, address string) (stop func() fragile.Report) {
	l.t.Helper()
	report := filepath.Join(l.dir, name+".json")
	out, end := l.start(name, "env", fragileEnv+"="+name+" "+address+" "+report, os.Args[0], "-test.run", "^TestLabDevice$", "-test.v")
	l.listens(name, address)
	return func() fragile.Report {
		end()
		var r fragile.Report
		text, err := os.ReadFile(report)
		if err == nil {
			err = json.Unmarshal(text, &r)
		}
		if err != nil {
			l.t.Errorf("%s: %v\n%s", name, err, out.String())
		}
		return r
	}
}

func newFragileLab(t *testing.T) *fragileLab {
	t.Helper()
	l := &fragileLab{lab: newLab(t, "tcpdump"), devices: map[string]string{}, stops: map[string]func() fragile.Report{}}
	l.bridge("switch", "")
	l.host("switch", "laptop", laptopMAC, fragileNet+"250/24", proxyNet+"250/24")
	return l
}

// TestLabFragile surveys the bench: none of it is upset, what is wrong is told, and the wire says the same as the ledger.
func TestLabFragile(t *testing.T) {
	l := newFragileLab(t)
	for i, d := range fragile.Bench() {
		l.device(d.Name, 11+i)
	}
	// Every address of the network is this station's, and no port of it is open: ARP is answered for all, every SYN is reset.
	l.host("switch", "proxy", "02:79:00:00:00:01")
	l.run("ip", "netns", "exec", l.ns("proxy"), "ip", "route", "add", "local", proxyNet+"0/24", "dev", "lo")
	l.run("ip", "-n", l.ns("proxy"), "route", "add", proxyNet+"250/32", "dev", "eth0")
	s := l.survey("switch", "bench", "--listen", "3s", "--ask", fragileNet+"0/24,"+proxyNet+"0/24", "--protocols", "snmp,modbus,opcua",
		"--allow", "opcua")
	if s.status != statusIncomplete {
		t.Errorf("status %d, want %d: devices were left alone", s.status, statusIncomplete)
	}
	for address, want := range map[string]string{
		"slower": "times its own", "crawls": "did not end the connection", "deaf": "did not end the connection", "endless": "did not end the connection",
		"mortal": "no answer in time",
	} {
		if !toldOf(s.printed, l.addressOf(address), want) {
			t.Errorf("nothing is said of %s: %q", address, want)
		}
	}
	for name, stop := range l.stops {
		if r := stop(); len(r.Upset) > 0 || r.AtOnce > 1 || r.Connections == 0 && r.Questions == 0 {
			t.Errorf("%s: %+v", name, r)
		}
	}
	assets := listed[inventory.Asset](l.lab, s, "assets")
	assets = slices.DeleteFunc(assets, func(a inventory.Asset) bool { // the bridge's own ports
		return len(a.Addresses) > 0 && !strings.HasPrefix(a.Addresses[0].IP, "10.")
	})
	assets = slices.DeleteFunc(assets, func(a inventory.Asset) bool { // for which the station answers
		return len(a.Addresses) > 0 && strings.HasPrefix(a.Addresses[0].IP, proxyNet)
	})
	if len(assets) != len(l.devices) {
		t.Errorf("%d assets, want the %d of the bench", len(assets), len(l.devices))
	}
	t.Log(l.run(l.binary, "ledger", "--check", "--db", s.db))
	w := readWire(t, s.wire, l.addressOf("endless"), l.addressOf("dribbles"))
	w.check(t, listed[inventory.LedgerEntry](l.lab, s, "ledger"), promised{
		endless: l.addressOf("endless"), dead: l.addressOf("mortal"), nobody: func(address string) bool { return strings.HasPrefix(address, proxyNet) },
	})
}

func (l *fragileLab) addressOf(name string) string {
	for address, have := range l.devices {
		if have == name {
			return address
		}
	}
	l.t.Fatalf("no device %s", name)
	return ""
}

// toldOf reports whether a line speaks of the address and has the words.
func toldOf(printed, address, words string) bool {
	return slices.ContainsFunc(strings.Split(printed, "\n"), func(line string) bool {
		return strings.Contains(line, address+" ") && strings.Contains(line, words)
	})
}

// TestLabRunStop surveys devices of which three fall silent and are gone: the run stops before the last are asked.
func TestLabRunStop(t *testing.T) {
	l := newFragileLab(t)
	for i := range 3 {
		l.device(fmt.Sprintf("dying-%d", i), 101+i)
	}
	for i := range 12 {
		l.device(fmt.Sprintf("healthy-%d", i), 110+i)
	}
	s := l.survey("switch", "stop", "--listen", "3s", "--ask", fragileNet+"96/27", "--protocols", "modbus")
	if s.status != statusIncomplete || !strings.Contains(s.printed, "stopped") {
		t.Errorf("status %d, want %d and the word that the run was stopped", s.status, statusIncomplete)
	}
	asked, idle := 0, 0
	for name, stop := range l.stops {
		r := stop()
		// The stop may come while a connection is being opened: then it is closed in order, and nothing is asked.
		upset := slices.DeleteFunc(r.Upset, func(why string) bool { return why == fragile.NothingAsked })
		if idle += len(r.Upset) - len(upset); len(upset) > 0 || idle > 1 {
			t.Errorf("%s: %+v", name, r)
		}
		if strings.HasPrefix(name, "healthy") && r.Connections > 0 {
			asked++
		}
	}
	if asked == 12 {
		t.Error("every device was asked, although three had fallen silent")
	}
	t.Logf("%d of 12 healthy devices were asked before the stop", asked)
}
