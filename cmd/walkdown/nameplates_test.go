package main

import (
	"bytes"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gosnmp/gosnmp"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/protocols/snmp"
)

// Every object of a maker's MIB that a rule reads is asked by the SNMP asker or at least kept when it is overheard: it stands in
// nameplates.txt.
func TestRulesReadWhatSNMPTells(t *testing.T) {
	wanted := vendorObjects(t)
	if len(wanted) < 500 {
		t.Fatalf("only %d objects found in the rules", len(wanted))
	}
	ends := [2]discovery.Subject{{IP: netip.MustParseAddr("192.0.2.1")}, {IP: netip.MustParseAddr("192.0.2.2")}}
	told := map[string]bool{}
	for group := range slices.Chunk(wanted, 20) {
		packet := gosnmp.SnmpPacket{Version: gosnmp.Version2c, Community: "x", PDUType: gosnmp.GetResponse, RequestID: 1}
		for _, oid := range group {
			packet.Variables = append(packet.Variables, gosnmp.SnmpPDU{Name: "." + oid, Type: gosnmp.OctetString, Value: []byte("x")})
		}
		message, err := packet.MarshalMsg()
		if err != nil {
			t.Fatal(err)
		}
		decoder := snmp.Protocol().Decode(discovery.Flow{Ends: ends, Transport: discovery.UDP, Ports: [2]uint16{40000, snmp.Port}})
		if _, err := decoder.Feed(1, time.Unix(0, 0), message, 0, discovery.SinkFunc(func(o discovery.Observation) {
			for _, f := range o.Facts {
				told[strings.TrimPrefix(string(f.Key), "snmp.")] = true
			}
		})); err != nil {
			t.Fatal(err)
		}
	}
	for _, oid := range wanted {
		if !told[oid] {
			t.Errorf("a rule reads %s: discovery/protocols/snmp/nameplates.txt should ask for it, or say why not", oid)
		}
	}
}

// vendorObjects are the objects of makers' MIBs in the conditions and tables of the rules, a star as 7.
func vendorObjects(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("../../fingerprints/rules/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no rules: %v", err)
	}
	section := regexp.MustCompile(`^(\w+):`)
	row := regexp.MustCompile(`^\s+'?(1\.3\.6\.1\.4\.1\.[\d.*]+)'?:`)
	key := regexp.MustCompile(`snmp\.(1\.3\.6\.1\.4\.1\.[\d.*]+)`)
	found := map[string]bool{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		in := ""
		for line := range bytes.Lines(text) {
			if m := section.FindSubmatch(line); m != nil {
				in = string(m[1])
			}
			matches := key.FindAllSubmatch(line, -1)
			if in == "objects" {
				matches = append(matches, row.FindAllSubmatch(line, -1)...)
			}
			for _, m := range matches {
				found[strings.ReplaceAll(string(m[1]), "*", "7")] = true
			}
		}
	}
	var out []string
	for oid := range found {
		out = append(out, oid)
	}
	slices.Sort(out)
	return out
}
