//go:build lab && linux

package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/walkdown-ot/walkdown/inventory"
)

// The replay: 200 Mb/s is what a busy mirror port of a plant brings.
const (
	replayMbps    = 200
	replaySeconds = 20
)

// TestLabReplay replays mixed captures of plants over a veth pair at 200 Mb/s into `walkdown listen` at the other end. Every frame that
// was sent must be counted, and none dropped.
func TestLabReplay(t *testing.T) {
	var files []string
	for _, file := range sharedCaptures(t) {
		if name := filepath.Base(file); strings.HasPrefix(name, "plant-") || strings.HasPrefix(name, "profinet-io") || strings.HasPrefix(name, "bacnet-many") {
			path, err := filepath.Abs(file)
			if err != nil {
				t.Fatal(err)
			}
			files = append(files, path)
		}
	}
	l := newLab(t, "tcpreplay")
	l.namespace("wire")
	l.run("ip", "-n", l.ns("wire"), "link", "add", "sender", "mtu", "9000", "type", "veth", "peer", "name", "ear", "mtu", "9000")
	for _, end := range []string{"sender", "ear"} {
		l.run("ip", "-n", l.ns("wire"), "link", "set", end, "up")
	}

	db := filepath.Join(l.dir, "replay.db")
	listen := exec.Command("ip", "netns", "exec", l.ns("wire"), l.binary, "listen", "-i", "ear", "--db", db)
	var printed strings.Builder
	listen.Stdout, listen.Stderr = &printed, &printed
	if err := listen.Start(); err != nil {
		t.Fatal(err)
	}
	l.wait("the listener", func() bool {
		out, _ := exec.Command("ip", "-n", l.ns("wire"), "-d", "link", "show", "ear").Output()
		return strings.Contains(string(out), "promiscuity 1")
	})
	time.Sleep(time.Second)
	args := []string{
		"netns", "exec", l.ns("wire"), "tcpreplay", "-i", "sender", "--mbps", strconv.Itoa(replayMbps), "--loop", "100000",
		"--duration", strconv.Itoa(replaySeconds), "--preload-pcap",
	}
	sent := l.run(append(append([]string{"ip"}, args...), files...)...)
	time.Sleep(2 * time.Second)
	if err := listen.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := listen.Wait(); err != nil {
		t.Errorf("listen: %v\n%s", err, printed.String())
	}
	number := func(pattern string) float64 {
		t.Helper()
		m := regexp.MustCompile(pattern).FindStringSubmatch(sent)
		if m == nil {
			t.Fatalf("no %s in\n%s", pattern, sent)
		}
		n, err := strconv.ParseFloat(m[1], 64)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	packets, mbps := int(number(`Successful packets:\s+(\d+)`)), number(`([\d.]+) Mbps`)
	var surveys []inventory.Survey
	if err := json.Unmarshal([]byte(l.run(l.binary, "surveys", "--json", "--db", db)), &surveys); err != nil {
		t.Fatal(err)
	}
	counts := surveys[len(surveys)-1].Counts
	t.Logf("%d packets sent at %.0f Mb/s, %d frames heard, %d dropped", packets, mbps, counts["frames"], counts["frames-dropped"])
	if mbps < 0.9*replayMbps {
		t.Skipf("the machine could only send %.0f Mb/s", mbps)
	}
	if counts["frames"] != packets || counts["frames-dropped"] != 0 {
		t.Errorf("%d frames were heard of %d, and %d dropped", counts["frames"], packets, counts["frames-dropped"])
	}
}
