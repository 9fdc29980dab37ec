package inventory

import (
	"strings"
	"time"
)

// ViaForwarding marks the cables that a forwarding table tells: behind which port of a bridge a MAC was learnt.
const ViaForwarding = "fdb"

// sameReading is how close together the rows of one reading of a forwarding table are.
const sameReading = time.Hour

// edges leaves of the cables that forwarding tables tell those that are the hosts' own. A MAC is learnt at every bridge on its way,
// so it hangs on a port only where it is alone, as it stood when the table was last read:
//   - nobody else was learnt behind the port, and who was is in the inventory;
//   - no neighbour announces itself on the port who is somebody else; where it is the same, its own announcement says more;
//   - no other bridge has the host alone on a port: one of the two only leads to it, and nothing says which.
func edges(wires []Wire) []Wire {
	last := map[string]time.Time{}
	for _, w := range wires {
		if w.Link.Via == ViaForwarding && w.Last.After(last[w.Asset]) {
			last[w.Asset] = w.Last
		}
	}
	if len(last) == 0 {
		return wires
	}
	type place struct{ asset, port string }
	behind := map[place]map[string]bool{}
	var announced, learnt []Wire
	for _, w := range wires {
		switch {
		case w.Link.Via != ViaForwarding:
			announced = append(announced, w)
		case last[w.Asset].Sub(w.Last) <= sameReading:
			at := place{w.Asset, w.Link.LocalPort}
			if behind[at] == nil {
				behind[at] = map[string]bool{}
			}
			who := w.Remote
			if who == "" {
				who = w.Link.Remote.String()
			}
			behind[at][who] = true
			learnt = append(learnt, w)
		}
	}
	leads := announcements(announced)
	var alone []Wire
	bridges := map[string]map[string]bool{} // who has the host alone on a port
	for _, w := range learnt {
		if w.Remote == "" || w.Remote == w.Asset || len(behind[place{w.Asset, w.Link.LocalPort}]) > 1 || leads.elsewhere(w) {
			continue
		}
		if bridges[w.Remote] == nil {
			bridges[w.Remote] = map[string]bool{}
		}
		bridges[w.Remote][w.Asset] = true
		alone = append(alone, w)
	}
	kept := announced
	for _, w := range alone {
		if len(bridges[w.Remote]) == 1 && !leads.known(w) {
			kept = append(kept, w)
		}
	}
	return kept
}

// leading is what neighbours announce: the ports of each asset with who is there.
type leading map[string][]lead

type lead struct{ port, to string }

// announcements takes both ends of each cable that was announced.
func announcements(wires []Wire) leading {
	out := leading{}
	for _, w := range wires {
		out[w.Asset] = append(out[w.Asset], lead{w.Link.LocalPort, w.Remote})
		if w.Remote != "" {
			out[w.Remote] = append(out[w.Remote], lead{w.Link.RemotePort, w.Asset})
		}
	}
	return out
}

// elsewhere reports whether somebody else announces itself on the port.
func (l leading) elsewhere(w Wire) bool {
	for _, known := range l[w.Asset] {
		if samePort(known.port, w.Link.LocalPort) && known.to != w.Remote {
			return true
		}
	}
	return false
}

// known reports whether the host announces itself to the bridge.
func (l leading) known(w Wire) bool {
	for _, known := range l[w.Asset] {
		if known.to == w.Remote {
			return true
		}
	}
	return false
}

// samePort reports whether two names are of one port: "Gi1/3" and "GigabitEthernet1/3" are.
func samePort(a, b string) bool {
	word := func(name string) (letters, number string) {
		at := strings.IndexFunc(name, func(r rune) bool { return r >= '0' && r <= '9' })
		if at < 0 {
			at = len(name)
		}
		return strings.ToLower(strings.TrimRight(name[:at], " -")), name[at:]
	}
	aLetters, aNumber := word(a)
	bLetters, bNumber := word(b)
	if a == b {
		return a != ""
	}
	return aNumber == bNumber && aNumber != "" && aLetters != "" && bLetters != "" &&
		(strings.HasPrefix(aLetters, bLetters) || strings.HasPrefix(bLetters, aLetters))
}
