package iec104

import (
	"slices"
	"strings"
	"testing"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/discoverytest"
)

const (
	talk       = discoverytest.ClientIP + " -> " + discoverytest.ServerIP + " tcp/2404 iec104: "
	controlled = discoverytest.ServerIP + ": iec104.role = controlled"
	controls   = discoverytest.ClientIP + ": iec104.role = controlling"
)

func said(side discovery.Side, frames ...string) discoverytest.Message {
	return discoverytest.Says(side, discoverytest.Unhex(frames...))
}

// Frames as in the standard: each is start, length, control, and type, number, cause, originator, common address, objects.
const (
	startAct      = "68 04 07000000"
	startCon      = "68 04 0b000000"
	supervision   = "68 04 01000a00"
	interrogate   = "68 0e 00000000 64 01 0600 0300 000000 14"
	interrogated  = "68 0e 00000200 64 01 0700 0300 000000 14"
	singlePoint   = "68 0e 02000200 01 01 1400 0300 640000 01"
	clockSync     = "68 14 02000400 67 01 0601 0300 000000 e803200c190a14"
	singleCommand = "68 0e 04000600 2d 01 0601 0300 010000 81"
	commandDone   = "68 0e 06000400 2d 01 0701 0300 010000 01"
	otherStation  = "68 0e 08000400 01 01 0300 1100 640000 00"
)

func TestProtocol(t *testing.T) {
	client, server := discovery.Client, discovery.Server
	sample := func(name string, problems int, want []string, messages ...discoverytest.Message) discoverytest.Sample {
		return discoverytest.Sample{Name: name, Flow: discoverytest.Between(discovery.TCP, Port), Want: want, Problems: problems, Messages: messages}
	}
	station := discoverytest.ServerIP + ": iec104.common-address = 3"
	afterGap := said(server, "03006800", singlePoint, otherStation)
	afterGap.Gap = 9
	discoverytest.Run(
		t, Protocol(),
		sample(
			"session", 0, []string{controls, talk + "read", controlled, station, discoverytest.ClientIP + ": iec104.originator-address = 1", talk + "write", talk + "control"},
			said(client, startAct), said(server, startCon), said(client, interrogate), said(server, interrogated, singlePoint, singlePoint),
			said(client, supervision, clockSync, singleCommand), said(server, commandDone),
		),
		sample("two_stations", 0, []string{
			controlled, station, discoverytest.ServerIP + " iec104=17: iec104.role = controlled", discoverytest.ServerIP + " iec104=17: iec104.common-address = 17",
		}, said(server, singlePoint), said(server, otherStation), said(server, singlePoint)),
		sample("after_a_gap", 0, []string{controlled, station, discoverytest.ServerIP + " iec104=17: iec104.role = controlled", discoverytest.ServerIP + " iec104=17: iec104.common-address = 17"}, afterGap),
		sample("to_all_stations", 0, []string{controls, talk + "read"}, said(client, "68 0e 00000000 64 01 0600 ffff 000000 14")),
		sample("from_the_other_side", 0, []string{
			discoverytest.ClientIP + ": iec104.role = controlled", discoverytest.ClientIP + ": iec104.common-address = 3", discoverytest.ServerIP + ": iec104.role = controlling",
			discoverytest.ServerIP + " -> " + discoverytest.ClientIP + " tcp/40000 iec104: read",
		}, said(client, singlePoint), said(server, startAct)),
		sample("lost_between", 1, []string{controlled, station}, said(server, singlePoint, "ff68", singlePoint)),
		sample("other_stream", 1, nil, said(client, "474554202f20485454502f312e310d0a")),
		sample("long_supervision", 1, nil, said(client, "68 0e 01000a00 64 01 0600 0300 000000 14")),
	)
}

// The capture shows what Wireshark shows: one station with the common address 3, interrogated and commanded.
func TestCapture(t *testing.T) {
	var told []string
	for _, s := range discoverytest.Capture(t, "iec104-diverse.pcap", discovery.TCP, Port) {
		lines, problems := discoverytest.Read(t, Protocol(), s)
		told = append(told, lines...)
		for _, err := range problems {
			t.Errorf("%s: %v", s.Name, err)
		}
	}
	slices.Sort(told)
	const host = "02:00:4c:4f:4f:50 10.0.0.10"
	want := []string{
		host + " -> " + host + " tcp/2404 iec104: control", host + " -> " + host + " tcp/2404 iec104: read",
		host + ": iec104.common-address = 3", host + ": iec104.role = controlled", host + ": iec104.role = controlling",
	}
	if got := slices.Compact(told); !slices.Equal(got, want) {
		t.Errorf("told:\n%s", strings.Join(got, "\n"))
	}
}

func TestClaims(t *testing.T) {
	for name, c := range map[string]struct {
		first string
		want  bool
	}{
		"start":       {startAct, true},
		"information": {interrogate, true},
		"spontaneous": {singlePoint + otherStation, true},
		"supervision": {supervision, false},
		"cut":         {interrogate[:20], false},
		"odd_type":    {"68 0e 00000000 c8 01 0600 0300 000000 14", false},
		"more_behind": {startAct + "00", false},
		"text":        {"68656c6c6f20776f726c64", false},
	} {
		if got := claims(discoverytest.Unhex(c.first)); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
