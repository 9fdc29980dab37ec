//go:build lab && linux

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/walkdown-ot/walkdown/inventory"
)

const (
	laptopMAC  = "00:1b:21:aa:bb:cc"
	laptopPort = "p-laptop"
)

// lab is a plant of network namespaces behind bridges, with the laptop at one of their ports. It needs root and iproute2.
type lab struct {
	t      *testing.T
	dir    string
	tag    string
	binary string
	ports  int
}

// newLab makes a lab with nothing in it and builds walkdown. It skips the test without root or one of the programs.
func newLab(t *testing.T, programs ...string) *lab {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("the lab makes network namespaces, which needs root")
	}
	for _, program := range append(programs, "ip", "ss") {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("the lab needs %s", program)
		}
	}
	// Not t.TempDir: lldpcli gives up root and must still reach the socket in there.
	dir, err := os.MkdirTemp("", "walkdown-lab") //nolint:usetesting // see above
	if err == nil {
		err = os.Chmod(dir, 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	l := &lab{t: t, dir: dir, tag: fmt.Sprintf("wd%d", os.Getpid()%1000000)}
	l.binary = filepath.Join(dir, "walkdown")
	l.run("go", "build", "-o", l.binary, ".")
	return l
}

// python skips the test without one of these modules of Python.
func (l *lab) python(modules ...string) {
	l.t.Helper()
	for _, module := range modules {
		if err := exec.Command("/usr/bin/python3", "-c", "import "+module).Run(); err != nil {
			l.t.Skipf("the lab needs the module %s of Python", module)
		}
	}
}

// ns is the full name of a namespace of this run.
func (l *lab) ns(name string) string { return l.tag + "-" + name }

func (l *lab) run(args ...string) string {
	l.t.Helper()
	out, err := exec.Command(args[0], args[1:]...).CombinedOutput()
	if err != nil {
		l.t.Fatalf("%s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// in gives the command line that runs a program in a namespace.
func (l *lab) in(ns string, args ...string) []string {
	return append([]string{"ip", "netns", "exec", l.ns(ns)}, args...)
}

// start runs a program in a namespace until the test ends or stop is called, and gives what it prints.
func (l *lab) start(ns string, args ...string) (out *bytes.Buffer, stop func()) {
	l.t.Helper()
	out = &bytes.Buffer{}
	line := l.in(ns, args...)
	cmd := exec.Command(line[0], line[1:]...)
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		l.t.Fatalf("start %s: %v", args[0], err)
	}
	ended := make(chan struct{})
	go func() { _ = cmd.Wait(); close(ended) }()
	stop = func() {
		_ = cmd.Process.Signal(os.Interrupt)
		select {
		case <-ended:
		case <-time.After(5 * time.Second):
			_ = cmd.Process.Kill()
			<-ended
		}
	}
	l.t.Cleanup(stop)
	return out, stop
}

func (l *lab) file(name, text string) string {
	l.t.Helper()
	path := filepath.Join(l.dir, name)
	err := os.MkdirAll(filepath.Dir(path), 0o755)
	if err == nil {
		err = os.WriteFile(path, []byte(text), 0o644)
	}
	if err != nil {
		l.t.Fatal(err)
	}
	return path
}

// wait polls until the condition holds.
func (l *lab) wait(what string, ok func() bool) {
	l.t.Helper()
	for end := time.Now().Add(40 * time.Second); time.Now().Before(end); time.Sleep(200 * time.Millisecond) {
		if ok() {
			return
		}
	}
	l.t.Fatalf("%s did not happen", what)
}

// listens waits until somebody listens at the address in the namespace.
func (l *lab) listens(ns, address string) {
	l.t.Helper()
	l.wait(address+" of "+ns, func() bool {
		line := l.in(ns, "ss", "-lntuH")
		out, _ := exec.Command(line[0], line[1:]...).Output()
		return strings.Contains(string(out), address)
	})
}

// namespace makes one, without IPv6: what the system says by itself in it belongs to no survey.
func (l *lab) namespace(name string) {
	l.t.Helper()
	l.run("ip", "netns", "add", l.ns(name))
	l.t.Cleanup(func() { _ = exec.Command("ip", "netns", "del", l.ns(name)).Run() })
	l.run("ip", "-n", l.ns(name), "link", "set", "lo", "up")
	l.run(l.in(name, "sysctl", "-q", "-w", "net.ipv6.conf.all.disable_ipv6=1", "net.ipv6.conf.default.disable_ipv6=1")...)
}

// bridge makes a namespace with a bridge br0 in it.
func (l *lab) bridge(name, mac string) {
	l.t.Helper()
	l.namespace(name)
	args := []string{"ip", "-n", l.ns(name), "link", "add", "br0"}
	if mac != "" {
		args = append(args, "address", mac)
	}
	l.run(append(args, "type", "bridge")...)
	l.run("ip", "-n", l.ns(name), "link", "set", "br0", "up")
}

// host makes a namespace and plugs its eth0 into a bridge, with addresses like 10.77.0.3/24.
func (l *lab) host(bridge, name, mac string, addresses ...string) {
	l.t.Helper()
	l.namespace(name)
	l.ports++
	port := fmt.Sprintf("p%d", l.ports)
	if name == "laptop" {
		port = laptopPort
	}
	l.run("ip", "-n", l.ns(bridge), "link", "add", port, "type", "veth", "peer", "name", "eth0", "netns", l.ns(name))
	l.run("ip", "-n", l.ns(bridge), "link", "set", port, "master", "br0", "up")
	l.run("ip", "-n", l.ns(name), "link", "set", "eth0", "address", mac, "up")
	for _, a := range addresses {
		l.run("ip", "-n", l.ns(name), "addr", "add", a, "dev", "eth0")
	}
}

// script is a peer's program in .ci/lab. Those of node stand beside the npm packages that they need; without these the test is
// skipped.
func (l *lab) script(name string) string {
	l.t.Helper()
	path, err := filepath.Abs(filepath.Join("../../.ci/lab", name))
	if err != nil {
		l.t.Fatal(err)
	}
	if filepath.Ext(name) != ".cjs" {
		return path
	}
	packages := os.Getenv("WALKDOWN_LAB")
	if _, err := os.Stat(filepath.Join(packages, "node_modules", "node-snap7")); packages == "" || err != nil {
		l.t.Skip("WALKDOWN_LAB names no folder with the npm packages of .ci/lab")
	}
	text, err := os.ReadFile(path)
	beside := filepath.Join(packages, name)
	if err == nil {
		err = os.WriteFile(beside, text, 0o644)
	}
	if err != nil {
		l.t.Fatal(err)
	}
	return beside
}

// capture records what passes the laptop's port until stop is called.
func (l *lab) capture(bridge, name string) (path string, stop func()) {
	l.t.Helper()
	path = filepath.Join(l.dir, name+".pcap")
	_, end := l.start(bridge, "tcpdump", "-i", laptopPort, "-U", "-s", "0", "-Z", "root", "-w", path)
	l.wait("tcpdump", func() bool { info, err := os.Stat(path); return err == nil && info.Size() > 0 })
	return path, func() { time.Sleep(time.Second); end() } // it writes what it still holds
}

// surveyed is what came of a survey by the real binary.
type surveyed struct {
	printed  string
	status   int
	took     time.Duration
	db, wire string
}

// survey runs the real binary on the laptop and records what passes its port meanwhile.
func (l *lab) survey(bridge, name string, args ...string) surveyed {
	l.t.Helper()
	s := surveyed{db: filepath.Join(l.dir, name+".db")}
	wire, stop := l.capture(bridge, name)
	began := time.Now()
	line := l.in("laptop", append([]string{l.binary, "survey", "-i", "eth0", "--yes", "--db", s.db}, args...)...)
	out, err := exec.Command(line[0], line[1:]...).CombinedOutput()
	s.took, s.printed, s.wire = time.Since(began), string(out), wire
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		s.status = exit.ExitCode()
	} else if err != nil {
		l.t.Fatal(err)
	}
	stop()
	l.t.Logf("%s: surveyed in %s, status %d\n%s", name, s.took.Round(time.Second), s.status, out)
	return s
}

// surveysOf are the surveys of an inventory so far; none while it is being made.
func (l *lab) surveysOf(db string) []inventory.Survey {
	var list []inventory.Survey
	if out, err := exec.Command(l.binary, "surveys", "--json", "--db", db).Output(); err == nil {
		_ = json.Unmarshal(out, &list)
	}
	return list
}

// listed reads what a command of walkdown lists of the survey's inventory.
func listed[T any](l *lab, s surveyed, command string) []T {
	l.t.Helper()
	var list []T
	if err := json.Unmarshal([]byte(l.run(l.binary, command, "--json", "--db", s.db)), &list); err != nil {
		l.t.Fatal(err)
	}
	return list
}
