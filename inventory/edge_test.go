package inventory

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/walkdown-ot/walkdown/discovery"
)

// What is learnt at every bridge on the way becomes a cable only where it is the host's own.
func TestEdges(t *testing.T) {
	learnt := func(bridge, port, remote string, seconds int) Wire {
		return Wire{Asset: bridge, Remote: remote, Link: discovery.Link{LocalPort: port, Via: "fdb", Remote: discovery.Subject{MAC: discovery.MAC{2, byte(len(remote)), byte(seconds)}}}, Last: at(seconds)}
	}
	announced := func(bridge, port, remote, remotePort string) Wire {
		return Wire{Asset: bridge, Remote: remote, Link: discovery.Link{LocalPort: port, RemotePort: remotePort, Via: "lldp"}, Last: at(0)}
	}
	for name, c := range map[string]struct {
		wires []Wire
		want  []string
	}{
		"alone_on_a_port":            {[]Wire{learnt("sw", "1", "plc", 0), learnt("sw", "2", "hmi", 0)}, []string{"hmi@sw:2", "plc@sw:1"}},
		"two_on_a_port":              {[]Wire{learnt("sw", "1", "plc", 0), learnt("sw", "1", "hmi", 0)}, nil},
		"one_device_with_two_macs":   {[]Wire{learnt("sw", "1", "plc", 0), learnt("sw", "1", "plc", 1)}, []string{"plc@sw:1"}},
		"one_known_and_one_unknown":  {[]Wire{learnt("sw", "1", "plc", 0), learnt("sw", "1", "", 0)}, nil},
		"nobody_known":               {[]Wire{learnt("sw", "1", "", 0)}, nil},
		"moved_since":                {[]Wire{learnt("sw", "1", "plc", 0), learnt("sw", "7", "plc", 86400)}, []string{"plc@sw:7"}},
		"gone_since":                 {[]Wire{learnt("sw", "1", "plc", 0), learnt("sw", "1", "hmi", 86400)}, []string{"hmi@sw:1"}},
		"at_two_bridges":             {[]Wire{learnt("sw", "1", "plc", 0), learnt("core", "9", "plc", 0)}, nil},
		"behind_an_announced_bridge": {[]Wire{learnt("sw", "1", "plc", 0), learnt("core", "Gi1/9", "plc", 0), announced("sw", "24", "core", "GigabitEthernet1/9")}, []string{"plc@sw:1"}},
		"behind_somebody_unknown":    {[]Wire{learnt("sw", "1", "plc", 0), announced("sw", "1", "", "x1")}, nil},
		"announced_by_itself":        {[]Wire{learnt("sw", "port 1", "plc", 0), announced("plc", "x1", "sw", "1")}, nil},
		"another_bridge_alone":       {[]Wire{learnt("sw", "1", "core", 0), learnt("core", "2", "plc", 0)}, []string{"core@sw:1", "plc@core:2"}},
		"itself":                     {[]Wire{learnt("sw", "1", "sw", 0)}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, w := range edges(c.wires) {
				if w.Link.Via == "fdb" && !slices.Contains(got, w.Remote+"@"+w.Asset+":"+w.Link.LocalPort) {
					got = append(got, w.Remote+"@"+w.Asset+":"+w.Link.LocalPort)
				}
			}
			slices.Sort(got)
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			slices.Reverse(c.wires)
			if again := Neighbours(c.wires); len(got) == 0 && slices.ContainsFunc(again["plc"], func(n Neighbour) bool { return n.Via == "fdb" }) {
				t.Errorf("in another order: %v", again)
			}
		})
	}
}

func TestSamePort(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{"Gi1/3", "GigabitEthernet1/3", true},
		{"Gi1/3", "Gi1/4", false},
		{"Gi1/3", "Fa1/3", false},
		{"port-001", "port-001", true},
		{"1", "1", true},
		{"", "", false},
		{"1", "Gi1", false},
		{"X1 P1", "X1 P1R", false},
		{"eth0", "Ethernet0", true},
	} {
		if got := samePort(c.a, c.b); got != c.want || samePort(c.b, c.a) != c.want {
			t.Errorf("%q and %q: %v", c.a, c.b, got)
		}
	}
}
