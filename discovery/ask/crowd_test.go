package ask

import (
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
)

// One station that answers ARP for a whole network is no reason to ask 254 addresses: only what was heard or announced there is
// asked, and what is named alone.
func TestProxyARP(t *testing.T) {
	scope := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/24"), netip.MustParsePrefix("10.0.0.9/32")}
	k, _ := newKeeper(t, Options{Protocols: []discovery.Protocol{wordProtocol("word", discovery.TCP, askWords("Q"))}, Scope: scope})
	var hosts []Host
	for i := range 254 {
		h := host(fmt.Sprintf("10.0.0.%d", i+1), Unknown, "word")
		h.Subject.MAC = them
		if i+1 == 7 {
			h.Evidence["word"] = discovery.GradeOverheard
		}
		hosts = append(hosts, h)
	}
	alone := host("10.0.0.255", Unknown, "word")
	alone.Subject.IP, alone.Subject.MAC = addr("10.0.0.253"), other
	hosts[252] = alone
	plan := k.Plan(hosts)
	var asked []string
	for _, d := range plan.Devices {
		asked = append(asked, d.Address.String())
	}
	if got := strings.Join(asked, " "); got != "10.0.0.7 10.0.0.9 10.0.0.253" {
		t.Errorf("asked %s", got)
	}
	refused := 0
	for _, n := range plan.NotAsked {
		if strings.Contains(n.Reason, "answers ARP for 253 addresses") {
			refused++
		}
	}
	if refused != 251 {
		t.Errorf("%d addresses were not asked: %+v", refused, plan.NotAsked[0])
	}
}

// The addresses of one station share its one connection.
func TestStationWithSeveralAddresses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		open, most := map[string]int{}, 0
		l := &lab{}
		l.handle = func(address string, conn net.Conn) {
			l.mu.Lock()
			open["station"]++
			most = max(most, open["station"])
			l.mu.Unlock()
			answerAfter(50*time.Millisecond)(address, conn)
			l.mu.Lock()
			open["station"]--
			l.mu.Unlock()
		}
		k, _ := newKeeper(t, Options{Protocols: []discovery.Protocol{wordProtocol("word", discovery.TCP, askWords("Q1", "Q2"))}})
		k.dial = l.dial
		var hosts []Host
		for i := range 4 {
			h := host(fmt.Sprintf("10.0.0.%d", i+1), Controller, "word")
			h.Subject.MAC = them
			hosts = append(hosts, h)
		}
		if r := mustRun(t, k, hosts...); r.Counts.Replies != 8 || most != 1 {
			t.Errorf("%d connections to one station at once; %+v", most, r.Counts)
		}
	})
}
