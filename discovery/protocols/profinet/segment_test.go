package profinet

import (
	"bytes"
	"net"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/discoverytest"
)

func TestIdentifyAll(t *testing.T) { synctest.Test(t, identifiesAll) }

func identifiesAll(t *testing.T) {
	own := &net.Interface{Name: "lab0", HardwareAddr: net.HardwareAddr{2, 0, 0, 0, 0, 1}}
	for stations, factor := range map[int]string{0: "0001", 32: "0020", 300: "012c", 100_000: "1900"} {
		frame := identifyFrame(own.HardwareAddr, transaction(own.HardwareAddr), uint16(min(max(stations, leastFactor), mostFactor)))
		want := unhex(t, "010ecf000000 020000000001 8892 fefe 0500 00000001 "+factor+" 0004 ffff 0000")
		if len(frame) != 60 || !bytes.Equal(frame[:len(want)], want) {
			t.Errorf("%d stations: % x", stations, frame)
		}
	}
	// The answer is that of a station in a capture: a SCALANCE X208.
	peer := discoverytest.Peer{
		Target: discovery.Target{Interface: own, Stations: 4},
		Frames: func(frame []byte) [][]byte {
			answer := unhex(t, "020000000001 08000693cf32 8892 feff 0501 00000001 0000 001c"+
				"0202 000b 0000 783230382d626f7264 00"+
				"0203 0006 0000 002a 0a01"+
				"")
			return [][]byte{answer}
		},
	}
	got := discoverytest.Asked(t, Protocol(), peer)
	if got.Err != nil || !slices.Equal(got.Requests(), []string{"identify-all"}) {
		t.Fatalf("sent %v, error %v", got.Requests(), got.Err)
	}
	for _, line := range []string{"profinet.name-of-station = x208-bord", "profinet.vendor-id = 0x002a", "profinet.device-id = 0x0a01"} {
		if !strings.Contains(strings.Join(got.Lines, "\n"), line) {
			t.Errorf("not told: %s in %q", line, got.Lines)
		}
	}
}

// A factor of 0 makes a device divide by it: no such frame may leave.
func TestNoFactorOutOfRangeIsListed(t *testing.T) {
	own := net.HardwareAddr{2, 0, 0, 0, 0, 1}
	template := identifyAsker().Requests[0].Template
	for factor, want := range map[uint16]bool{0: false, 1: true, 255: true, 256: true, 6399: true, 6400: true, 6401: false, 0xffff: false} {
		if _, ok := template.Match(identifyFrame(own, 1, factor)); ok != want {
			t.Errorf("factor %d: listed %v", factor, ok)
		}
	}
	set := identifyFrame(own, 1, 1)
	set[16] = serviceSet
	if _, ok := template.Match(set); ok {
		t.Error("a Set is listed")
	}
}
