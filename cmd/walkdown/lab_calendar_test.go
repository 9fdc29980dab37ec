//go:build lab && linux

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/walkdown-ot/walkdown/inventory"
)

// collector is a webhook that is out of order for its first two requests, and keeps what it takes, a document a line.
const collector = `
import http.server, sys
left = 2
class Hook(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        global left
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if left > 0:
            left -= 1
            self.send_response(503)
        else:
            with open(sys.argv[1], "ab") as taken:
                taken.write(body + b"\n")
            self.send_response(204)
        self.end_headers()
http.server.HTTPServer(("127.0.0.1", 9911), Hook).serve_forever()
`

// scheduled is a plant that is surveyed by the calendar.
type scheduled struct {
	*lab
	db, taken string
}

func (s scheduled) surveys() []inventory.Survey { return s.surveysOf(s.db) }

// begin starts `walkdown run` and gives it with what it says.
func (s scheduled) begin(config string) (*exec.Cmd, *bytes.Buffer) {
	s.t.Helper()
	line := s.in("laptop", s.binary, "run", "--config", config)
	cmd, said := exec.Command(line[0], line[1:]...), &bytes.Buffer{}
	cmd.Stdout, cmd.Stderr = said, said
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = cmd.Process.Kill() })
	return cmd, said
}

// ended waits until so many surveys have begun, and the last of them has come to its end.
func (s scheduled) ended(n int) inventory.Survey {
	s.t.Helper()
	var last inventory.Survey
	s.wait(fmt.Sprintf("survey %d", n), func() bool {
		list := s.surveys()
		if len(list) < n {
			return false
		}
		last = list[n-1]
		return last.Outcome != "running"
	})
	return last
}

// sent is what a survey sent to each device.
func (s scheduled) sent(survey string) map[string]inventory.Burden {
	s.t.Helper()
	var shown surveyShown
	if err := json.Unmarshal([]byte(s.run(s.binary, "surveys", survey, "--json", "--db", s.db)), &shown); err != nil {
		s.t.Fatal(err)
	}
	out := map[string]inventory.Burden{}
	for _, b := range shown.Sent {
		out[b.IP] = b
	}
	return out
}

// told are the changes that the collector has taken.
func (s scheduled) told() []inventory.Event {
	s.t.Helper()
	text, _ := os.ReadFile(s.taken) // it comes
	var out []inventory.Event
	for line := range strings.Lines(string(text)) {
		var document struct{ Changes []inventory.Event }
		if err := json.Unmarshal([]byte(line), &document); err != nil {
			s.t.Fatal(err)
		}
		out = append(out, document.Changes...)
	}
	return out
}

// TestLabCalendar surveys a plant by the calendar, against peers that are not ours: what was asked is not asked again, a device that is
// new is; it is killed in the middle and begins again; and its collector is told of every change, although it was out of order.
func TestLabCalendar(t *testing.T) {
	l := newLab(t, "snmpd", "/usr/bin/python3")
	l.python("pymodbus.server")
	l.bridge("sw", "")
	l.host("sw", "laptop", laptopMAC, "10.79.0.10/24")
	l.host("sw", "plc", "00:a0:45:00:00:30", "10.79.0.30/24")
	l.host("sw", "switch", "00:90:e8:00:00:20", "10.79.0.20/24")
	l.start("plc", "/usr/bin/python3", l.script("modbus.py"), "10.79.0.30", "502")
	l.snmpd("switch", "10.79.0.20", sw2Config)
	l.listens("plc", "10.79.0.30:502")
	s := scheduled{l, filepath.Join(l.dir, "plant.db"), filepath.Join(l.dir, "taken")}
	l.start("laptop", "/usr/bin/python3", l.file("collector.py", collector), s.taken)
	l.listens("laptop", "127.0.0.1:9911")
	config := l.file("run.yaml", "db: "+s.db+"\ninterface: eth0\nlisten: 1s\nlisten-after: 1s\nask: [10.79.0.20/32, 10.79.0.30/32, 10.79.0.40/32]\n"+
		"schedule: [\"@every 10s\"]\nsnmp: {communities: [public]}\nnotify: [{webhook: \"http://127.0.0.1:9911/hook\"}]\n")
	if err := os.Chmod(config, 0o600); err != nil {
		t.Fatal(err)
	}
	program, said := s.begin(config)

	first := s.ended(1)
	if first.Outcome != "done" || s.sent(first.ID)["10.79.0.30"].Messages == 0 || s.sent(first.ID)["10.79.0.20"].Messages == 0 {
		t.Fatalf("the first survey: %+v, sent %+v\n%s", first, s.sent(first.ID), said)
	}
	second := s.in("laptop", l.binary, "run", "--config", config)
	if out, err := exec.Command(second[0], second[1:]...).CombinedOutput(); err == nil || !strings.Contains(string(out), "are already run on a schedule") {
		t.Errorf("a second one on the same inventory: %v\n%s", err, out)
	}

	// A device that is new is asked, the others are not asked again: not what they answered, nor at ports that were closed.
	l.host("sw", "machine", "00:80:f4:00:00:40", "10.79.0.40/24")
	l.start("machine", "/usr/bin/python3", l.script("modbus.py"), "10.79.0.40", "502", "1")
	l.listens("machine", "10.79.0.40:502")
	next := s.ended(2)
	for ip, b := range s.sent(next.ID) {
		if isNew := ip == "10.79.0.40"; next.Outcome != "done" || (b.Messages > 0) != isNew || b.First == 0 {
			t.Errorf("the second survey (%s) sent %s %+v\n%s", next.Outcome, ip, b, said)
		}
	}

	// It is killed in the middle of the third, and begins again.
	l.wait("the third survey", func() bool { list := s.surveys(); return len(list) == 3 && list[2].Outcome == "running" })
	if err := program.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = program.Wait()
	program, said = s.begin(config)
	if last := s.ended(4); last.Outcome != "done" {
		t.Errorf("the survey behind it: %+v\n%s", last, said)
	}
	if cut := s.surveys()[2]; cut.Outcome != "interrupted" || !slices.Contains(cut.Reasons, "it was cut off") {
		t.Errorf("the survey in which it was killed: %+v", cut)
	}

	// Every change is told, in order.
	changes := listed[inventory.Change](l, surveyed{db: s.db}, "changes")
	l.wait("the last change at the collector", func() bool { told := s.told(); return len(told) > 0 && told[len(told)-1].Number == int64(len(changes)) })
	told := s.told()
	if !slices.IsSortedFunc(told, func(a, b inventory.Event) int { return int(a.Number - b.Number) }) || told[0].Number != 1 || len(changes) < 3 {
		t.Errorf("%d changes, told %+v", len(changes), told)
	}
	for number := range int64(len(changes)) {
		if !slices.ContainsFunc(told, func(e inventory.Event) bool { return e.Number == number+1 }) {
			t.Errorf("change %d was not told", number+1)
		}
	}

	if err := program.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	if err := program.Wait(); err != nil || time.Since(began) > 5*time.Second {
		t.Errorf("told to stop, it ended with %v after %s\n%s", err, time.Since(began), said)
	}
}
