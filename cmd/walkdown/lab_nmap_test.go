//go:build lab && linux

package main

import (
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"

	"github.com/gopacket/gopacket/layers"

	"github.com/walkdown-ot/walkdown/inventory"
)

// nmapArgs are the ports that the devices of the plant have and the scripts that read nameplates there: the leanest command by which
// nmap sees the same.
func nmapArgs(more ...string) []string {
	return append(append([]string{
		"nmap", "-n", "-sS", "-sU", "-p", "T:22,80,102,443,502,1911,4840,9600,44818,U:161,9600,44818,47808",
		"--script", "modbus-discover,s7-info,enip-info,bacnet-info,fox-info,omron-info,snmp-info,snmp-sysdescr,http-title,ssl-cert,banner",
		"--script-timeout", "30s",
	}, more...), plantNet+"0/24")
}

// scanned counts what a program did to the plant.
type scanned struct {
	packets, toDevices, most, atOnce int
}

// scanOf counts what left the laptop, whoever sent it.
func (l *lab) scanOf(path string, found map[string]inventory.Asset) scanned {
	l.t.Helper()
	var s scanned
	var sent []sentPacket
	w := onWire{open: map[string]map[uint16]bool{}, resets: map[string]int{}, syns: map[string]int{}, atOnce: map[string]int{}}
	eachFrame(l.t, path, func(f frame) {
		if f.ethernet.SrcMAC.String() != laptopMAC {
			w.answered(f)
			return
		}
		s.packets++
		sent = append(sent, sentPacket{f.at, ""})
		ip, ok := f.Layer(layers.LayerTypeIPv4).(*layers.IPv4)
		if !ok || found[ip.DstIP.String()].ID == "" {
			return
		}
		s.toDevices++
		if tcp, ok := f.Layer(layers.LayerTypeTCP).(*layers.TCP); ok {
			w.tcp(ip.DstIP.String(), tcp)
		}
	})
	s.most, _ = busiestSecond(sent)
	for _, n := range w.atOnce {
		s.atOnce = max(s.atOnce, n)
	}
	return s
}

// measure runs a program on the plant and counts what it did. Each finds the fragile devices as they were in the beginning.
func (l *lab) measure(found map[string]inventory.Asset, name string, run func() (wire string, took time.Duration)) scanned {
	l.t.Helper()
	upset := l.fragileStart()
	wire, took := run()
	var broken []string
	for device, r := range upset() {
		if len(r.Upset) > 0 {
			broken = append(broken, device+": "+r.Upset[0])
		}
	}
	slices.Sort(broken)
	s := l.scanOf(wire, found)
	l.t.Logf("%s: %+v, %s, %d devices upset %q", name, s, took.Round(time.Second), len(broken), broken)
	return s
}

// besideNmap runs nmap with its scripts on the plant that was surveyed and holds the one against the other. It takes minutes, so it is
// done only where WALKDOWN_LAB_NMAP is set.
func (l *lab) besideNmap(s surveyed, found map[string]inventory.Asset) {
	l.t.Helper()
	if _, err := exec.LookPath("nmap"); err != nil || os.Getenv("WALKDOWN_LAB_NMAP") == "" {
		l.t.Log("nmap is not run beside it: WALKDOWN_LAB_NMAP is not set, or nmap is not installed")
		return
	}
	ours := l.scanOf(s.wire, found)
	l.t.Logf("walkdown: %+v, %s", ours, s.took.Round(time.Second))
	scan := func(name string, args []string) scanned {
		return l.measure(found, name, func() (string, time.Duration) {
			wire, stop := l.capture("sw-1", strings.ReplaceAll(name, " ", "-"))
			began := time.Now()
			l.t.Logf("%s\n%s", strings.Join(args, " "), l.run(l.in("laptop", args...)...))
			took := time.Since(began)
			stop()
			return wire, took
		})
	}
	theirs := scan("nmap", nmapArgs())
	if 3*ours.packets > theirs.packets || 4*ours.toDevices > theirs.toDevices {
		l.t.Errorf("walkdown sent %d packets, %d of them to devices; nmap %d and %d", ours.packets, ours.toDevices, theirs.packets, theirs.toDevices)
	}
	scan("nmap with versions", nmapArgs("-sV"))
	l.measure(found, "walkdown of everything", func() (string, time.Duration) {
		everything := l.surveyPlant("everything", "--units", "1-2@"+plantNet+"31", "--allow", "all")
		return everything.wire, everything.took
	})
}
