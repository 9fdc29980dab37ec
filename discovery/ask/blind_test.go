package ask

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
)

// closedPort is a port of loopback where nobody listens.
func closedPort(t *testing.T) uint16 {
	t.Helper()
	p := tcpPeer(t, answerAll)
	p.end()
	return p.addr.Port()
}

// Whoever is asked blindly is asked in the order in which most is learnt.
func TestBlindOrder(t *testing.T) {
	var list []discovery.Protocol
	names := []string{"ads", "enip", "http", "modbus", "opcua", "s7", "snmp"}
	for _, name := range names {
		list = append(list, wordProtocol(name, discovery.TCP, askWords("Q")))
	}
	k, _ := newKeeper(t, Options{Protocols: list, Allow: []string{"blind"}})
	h := host("127.0.0.1", Unknown)
	for _, name := range names {
		h.Evidence[name] = discovery.GradeBlind
	}
	h.Evidence["http"] = discovery.GradeOverheard
	var got []string
	for _, item := range k.Plan([]Host{h}).Devices[0].Items {
		got = append(got, item.Protocol)
	}
	if want := []string{"http", "snmp", "modbus", "opcua", "s7", "enip", "ads"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// A closed port takes nothing of the device's connections, but the next one waits for the gap between two questions.
func TestRefusedConnectionsAreGivenBack(t *testing.T) {
	device := tcpPeer(t, answerAll)
	limits := quick()
	limits.Controller.Connections, limits.Controller.Gap = 1, 30*time.Millisecond
	var list []discovery.Protocol
	var names []string
	for i := range 4 {
		names = append(names, fmt.Sprint("p", i))
		list = append(list, wordProtocol(names[i], discovery.TCP, askWords("Q")))
	}
	k, book := newKeeper(t, Options{Protocols: list, Limits: limits})
	h := device.host(Controller, names...)
	for _, name := range names[:3] {
		h.Ports[name] = closedPort(t)
	}
	r := mustRun(t, k, h)
	wantLines(t, book, "tcp-connect refused", "tcp-connect refused", "tcp-connect refused", "question answered")
	if len(r.Reasons) != 0 {
		t.Errorf("reasons %q", r.Reasons)
	}
	for i := 1; i < len(book.ledger); i++ {
		if gap := book.ledger[i].Time.Sub(book.ledger[i-1].Time); gap < limits.Controller.Gap {
			t.Errorf("message %d left %s after the one before", i, gap)
		}
	}
}

// Once the nameplate is whole, nothing more is asked blindly; what there is evidence for is asked all the same.
func TestBlindEndsWhenTheDeviceIsIdentified(t *testing.T) {
	for _, c := range []struct {
		name     string
		identity Identity
		want     []string
	}{
		{"whole", Identity{Vendor: "v", Model: "m", Firmware: "f", Serial: "s"}, []string{"question answered", "login skipped", "question skipped"}},
		{"without_serial", Identity{Vendor: "v", Model: "m", Firmware: "f"}, []string{"question answered", "question answered"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			device := tcpPeer(t, answerAll)
			list := []discovery.Protocol{wordProtocol("heard", discovery.TCP, askWords("Q")), wordProtocol("other", discovery.TCP, askWords("Q"))}
			k, book := newKeeper(t, Options{
				Protocols: list, Limits: quick(), Allow: []string{"blind"}, Identified: func(discovery.Subject) Identity { return c.identity },
			})
			h := device.host(Controller, "heard", "other")
			h.Evidence["other"] = discovery.GradeBlind
			mustRun(t, k, h)
			wantLines(t, book, c.want...)
		})
	}
}

func TestSharedReasonsNameAFewDevices(t *testing.T) {
	counts := newTally()
	for _, last := range []byte{9, 3, 1, 7, 5, 3} {
		counts.about(netip.AddrFrom4([4]byte{10, 0, 0, last}), "why")
	}
	if got := counts.result().Reasons; !slices.Equal(got, []string{"why: 10.0.0.1, 10.0.0.3, 10.0.0.5, 10.0.0.7 and 1 more"}) {
		t.Errorf("got %q", got)
	}
}
