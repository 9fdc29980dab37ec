//go:build lab

package main

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/walkdown-ot/walkdown/inventory"
	"github.com/walkdown-ot/walkdown/inventory/notify"
)

// TestLabSyslog lets rsyslog read what notify sends, over UDP and TCP: it takes the parts of each message for what they are, also where a
// device gave itself a name that wants to be another message.
func TestLabSyslog(t *testing.T) {
	if _, err := exec.LookPath("rsyslogd"); err != nil {
		t.Skip("rsyslog is not installed")
	}
	folder := t.TempDir()
	got := filepath.Join(folder, "got")
	port := freePort(t)
	config := fmt.Sprintf(`
module(load="imudp")
module(load="imtcp")
module(load="mmpstrucdata")
input(type="imudp" address="127.0.0.1" port="%d")
input(type="imtcp" address="127.0.0.1" port="%d")
template(name="json" type="list") {
  constant(value="{\"severity\":\"") property(name="syslogseverity-text")
  constant(value="\",\"facility\":\"") property(name="syslogfacility-text")
  constant(value="\",\"app\":\"") property(name="app-name")
  constant(value="\",\"id\":\"") property(name="msgid")
  constant(value="\",\"data\":") property(name="$!")
  constant(value=",\"text\":\"") property(name="msg" format="json")
  constant(value="\"}\n")
}
action(type="mmpstrucdata")
action(type="omfile" file="%s" template="json")
`, port, port, got)
	path := filepath.Join(folder, "rsyslog.conf")
	if err := os.WriteFile(path, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	daemon := exec.Command("rsyslogd", "-n", "-f", path, "-i", filepath.Join(folder, "pid"))
	if err := daemon.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = daemon.Process.Kill()
		_ = daemon.Wait()
	})
	awaitPort(t, port)
	e := inventory.Event{
		Number: 7, Name: "press-3-cpu", IP: "10.0.0.1", Site: "works", Segment: "cell-1",
		Change: inventory.Change{Time: time.Now(), Survey: "s-2", Asset: "a-0000000000000001", Kind: inventory.Changed, Attribute: "firmware", Old: "2.8.1", New: "2.9.4"},
	}
	hostile := e
	hostile.Number, hostile.Name = 8, "x\"] \n<0>1 - - forged - - - all is well"
	for _, network := range []string{"udp", "tcp"} {
		target, err := notify.NewSyslog(fmt.Sprintf("%s://127.0.0.1:%d", network, port), "local3", false, "v1")
		if err != nil {
			t.Fatal(err)
		}
		if n, err := target.Send(t.Context(), []inventory.Event{e, hostile}); n != 2 || err != nil {
			t.Fatalf("%s: %d sent, %v", network, n, err)
		}
	}
	var lines []string
	for range 100 {
		content, _ := os.ReadFile(got) // it comes
		if lines = strings.Split(strings.TrimSpace(string(content)), "\n"); len(lines) >= 4 {
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	if len(lines) != 4 {
		t.Fatalf("rsyslog wrote %d messages of 4:\n%s", len(lines), strings.Join(lines, "\n"))
	}
	for _, text := range lines {
		var m struct {
			Severity, Facility, App, ID, Text string
			Data                              map[string]map[string]map[string]string
		}
		if err := json.Unmarshal([]byte(text), &m); err != nil {
			t.Fatalf("%v in %s", err, text)
		}
		data := m.Data["rfc5424-sd"]["walkdown@32473"]
		if m.Severity != "notice" || m.Facility != "local3" || m.App != "walkdown" || m.ID != "change" || data["new"] != "2.9.4" || data["asset"] != e.Asset {
			t.Errorf("rsyslog understood %+v", m)
		}
		if data["number"] == "7" && (data["name"] != e.Name || !strings.HasSuffix(m.Text, "press-3-cpu (10.0.0.1) changed: firmware: 2.8.1 -> 2.9.4")) {
			t.Errorf("rsyslog understood %+v", m)
		}
		if data["number"] == "8" && data["name"] != `x"] <0>1 - - forged - - - all is well` {
			t.Errorf("the hostile name became %q", data["name"])
		}
	}
}

// freePort is a port of loopback that nobody listens at.
func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close() //nolint:errcheck // it was only tried
	return l.Addr().(*net.TCPAddr).Port
}

// awaitPort waits until somebody listens.
func awaitPort(t *testing.T, port int) {
	t.Helper()
	for range 100 {
		conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err == nil {
			_ = conn.Close()
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Fatalf("nobody listens at port %d", port)
}
