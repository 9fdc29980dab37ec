package ask

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/protocols/arp"
)

// inNamespace tells the test's child that it is there.
const inNamespace = "WALKDOWN_ASK_NAMESPACE"

// TestSweepInNamespace asks the ARP of a real kernel over a real link: two network namespaces and a veth pair between them.
// The test starts itself anew in the first one, so that nothing of the machine's own network is touched.
func TestSweepInNamespace(t *testing.T) {
	if os.Getenv(inNamespace) != "" {
		sweepHere(t)
		return
	}
	if os.Getuid() != 0 {
		t.Skip("network namespaces need root")
	}
	if _, err := exec.LookPath("ip"); err != nil {
		t.Skip("the program ip is missing")
	}
	near, far := fmt.Sprintf("wdask-a%d", os.Getpid()), fmt.Sprintf("wdask-b%d", os.Getpid())
	for _, name := range []string{near, far} {
		if out, err := exec.CommandContext(t.Context(), "ip", "netns", "add", name).CombinedOutput(); err != nil {
			t.Skipf("network namespaces cannot be made here: %s", bytes.TrimSpace(out))
		}
		t.Cleanup(func() { _ = exec.Command("ip", "netns", "del", name).Run() })
	}
	run := func(args ...string) {
		t.Helper()
		if out, err := exec.CommandContext(t.Context(), "ip", args...).CombinedOutput(); err != nil {
			t.Fatalf("ip %q: %v: %s", args, err, out)
		}
	}
	run("-n", near, "link", "add", "wdask0", "type", "veth", "peer", "name", "wdask1", "netns", far)
	run("-n", far, "link", "set", "wdask1", "address", "28:63:36:aa:bb:cc")
	run("-n", near, "addr", "add", "10.77.0.1/28", "dev", "wdask0")
	run("-n", far, "addr", "add", "10.77.0.5/28", "dev", "wdask1")
	run("-n", far, "addr", "add", "10.77.0.9/28", "dev", "wdask1")
	run("-n", near, "link", "set", "wdask0", "up")
	run("-n", far, "link", "set", "wdask1", "up")
	child := exec.CommandContext(t.Context(), "ip", "netns", "exec", near, os.Args[0], "-test.run=^TestSweepInNamespace$", "-test.v")
	child.Env = append(os.Environ(), inNamespace+"=1")
	if out, err := child.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

func sweepHere(t *testing.T) {
	ifi, err := net.InterfaceByName("wdask0")
	if err != nil {
		t.Fatal(err)
	}
	scope, err := ParseScope("10.77.0.0/28")
	if err != nil {
		t.Fatal(err)
	}
	exclude, err := ParseExclusions("10.77.0.9")
	if err != nil {
		t.Fatal(err)
	}
	book := &notebook{}
	k, err := New(Options{
		Protocols: []discovery.Protocol{arp.Protocol()}, Scope: scope, Exclude: exclude, Interface: ifi, Out: book, Ledger: book.exchange,
	})
	if err != nil {
		t.Fatal(err)
	}
	started := time.Now()
	r, err := k.Sweep(t.Context(), k.PlanSweep(nil))
	if err != nil {
		t.Fatal(err)
	}
	var bound []string
	for _, o := range book.observations {
		bound = append(bound, fmt.Sprint(o.Mode, " ", o.Subject.IP, " ", o.Subject.MAC))
	}
	if diff := cmp.Diff([]string{"asked 10.77.0.5 28:63:36:aa:bb:cc"}, bound); diff != "" {
		t.Error(diff)
	}
	// Fourteen addresses without our own and the excluded one.
	if r.Counts.Questions != 12 || r.Counts.Replies != 1 || r.Counts.Silent != 11 {
		t.Errorf("counts %+v, ledger %q", r.Counts, book.lines())
	}
	if took := time.Since(started); took < 11*50*time.Millisecond {
		t.Errorf("12 frames within %s", took)
	}
	if !slices.ContainsFunc(book.ledger, func(e discovery.Exchange) bool { return e.Outcome == discovery.Answered && len(e.Bytes) == 60 }) {
		t.Error("no answered line with the whole frame")
	}
}
