package inventory

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// The kinds of changes.
const (
	Appeared = "appeared"
	Vanished = "vanished"
	Changed  = "changed"
	Moved    = "moved"
	Merged   = "merged"
	Split    = "split"
	Talked   = "conversation" // somebody asks it who did not before
	Reached  = "external"     // it talks to an address outside that it did not talk to before
)

// Differ tells what changed between two states of the inventory, or of the part of it that was touched: assets that appeared,
// addresses that moved from one MAC to another, attributes, addresses, services and components that changed. What says nothing
// about the plant is left out: times, counts, confidences, notes, and the order of names. An asset that is only in the state of
// before is not told: it was merged, or has not been seen, which is not the same as vanished.
//
// It keeps no asset. It is told every asset as it was, by Was; then, where it Wonders, every address of now, by Holds; then each
// asset is compared.
type Differ struct {
	held    map[spot][]Address // before, with MAC and IP
	still   map[spot][]string  // the MACs that hold them now
	changes []Change
}

// Was notes an asset as it was.
func (d *Differ) Was(a Asset) {
	for _, address := range a.Addresses {
		if address.IP != "" && address.MAC != "" {
			if d.held == nil {
				d.held, d.still = map[spot][]Address{}, map[spot][]string{}
			}
			at := spotOf(a, address)
			d.held[at] = append(d.held[at], Address{MAC: address.MAC, IP: address.IP})
		}
	}
}

// Wonders reports whether addresses of before may have moved.
func (d *Differ) Wonders() bool { return len(d.held) > 0 }

// Holds notes an address as an asset has it now.
func (d *Differ) Holds(site, segment string, address Address) {
	at := spot{site, segment, address.IP}
	if len(d.held[at]) > 0 {
		d.still[at] = append(d.still[at], address.MAC)
	}
}

// Compare tells what changed of an asset; was has no id where it was not there.
func (d *Differ) Compare(was, now Asset) {
	for _, address := range now.Addresses {
		if at := spotOf(now, address); d.moved(at) {
			d.tell(Change{Asset: now.ID, Kind: Moved, Attribute: "address", Old: addressText(d.held[at][0]), New: addressText(address)})
		}
	}
	if was.ID == "" {
		d.tell(Change{Asset: now.ID, Kind: Appeared, New: cmp.Or(firstAddress(now), now.Name)})
		return
	}
	d.tell(attributes(was, now)...)
	d.tell(sets(now.ID, "mac", macs(was), macs(now))...)
	d.tell(sets(now.ID, "ip", d.ips(was), d.ips(now))...)
	d.tell(listeners(was, now)...)
	d.tell(parts(was, now)...)
}

// moved reports whether an address is held by another MAC now. Two holders before or after are a redundant pair, in which one of the
// two is always the last.
func (d *Differ) moved(at spot) bool {
	held, still := d.held[at], d.still[at]
	return len(held) == 1 && len(still) == 1 && still[0] != "" && held[0].MAC != still[0]
}

func (d *Differ) tell(changes ...Change) { d.changes = append(d.changes, changes...) }

// Changes are sorted by asset, kind and attribute; Time and Survey are for the caller to fill.
func (d *Differ) Changes() []Change {
	slices.SortFunc(d.changes, func(a, b Change) int {
		return cmp.Or(cmp.Compare(a.Asset, b.Asset), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Attribute, b.Attribute),
			cmp.Compare(a.Old, b.Old), cmp.Compare(a.New, b.New))
	})
	return d.changes
}

// spot is an IP in its segment.
type spot struct{ site, segment, ip string }

func spotOf(a Asset, address Address) spot {
	return spot{a.Site, cmp.Or(address.Segment, a.Segment), address.IP}
}

// fields are the attributes of an identity that are told.
func fields(id Identity) []struct{ name, value string } {
	return []struct{ name, value string }{
		{"vendor", id.Vendor},
		{"family", id.Family},
		{"model", id.Model},
		{"order_number", id.OrderNumber},
		{"serial", id.Serial},
		{"hardware", id.Hardware},
		{"firmware", cmp.Or(id.Firmware, id.FirmwareRaw)},
		{"software", id.Software},
		{"os", id.OS},
		{"type", id.Type},
	}
}

func attributes(was, now Asset) []Change {
	changes := identityChanges(now.ID, "", was.Identity, now.Identity)
	for _, f := range [][3]string{{"name", was.Name, now.Name}, {"role", was.Role, now.Role}} {
		if f[1] != f[2] {
			changes = append(changes, Change{Asset: now.ID, Kind: Changed, Attribute: f[0], Old: f[1], New: f[2]})
		}
	}
	return changes
}

func identityChanges(asset, prefix string, was, now Identity) []Change {
	var changes []Change
	before := fields(was)
	for i, f := range fields(now) {
		if f.value != before[i].value {
			changes = append(changes, Change{Asset: asset, Kind: Changed, Attribute: prefix + f.name, Old: before[i].value, New: f.value})
		}
	}
	return changes
}

// parts tells components that came, went, or have another nameplate.
func parts(was, now Asset) []Change {
	before := map[string]Component{}
	for _, c := range was.Components {
		before[c.Path] = c
	}
	var changes []Change
	for _, c := range now.Components {
		old, known := before[c.Path]
		if !known {
			changes = append(changes, Change{Asset: now.ID, Kind: Changed, Attribute: "component", New: componentLine(c)})
			continue
		}
		delete(before, c.Path)
		changes = append(changes, identityChanges(now.ID, c.Path+" ", old.Identity, c.Identity)...)
	}
	for _, c := range before {
		changes = append(changes, Change{Asset: now.ID, Kind: Changed, Attribute: "component", Old: componentLine(c)})
	}
	return changes
}

// sets tells the lines that came and went.
func sets(asset, attribute string, was, now []string) []Change {
	var changes []Change
	for _, line := range was {
		if !slices.Contains(now, line) {
			changes = append(changes, Change{Asset: asset, Kind: Changed, Attribute: attribute, Old: line})
		}
	}
	for _, line := range now {
		if !slices.Contains(was, line) {
			changes = append(changes, Change{Asset: asset, Kind: Changed, Attribute: attribute, New: line})
		}
	}
	return changes
}

func addressText(a Address) string { return strings.TrimSpace(a.MAC + " " + a.IP) }

func macs(a Asset) []string {
	var out []string
	for _, address := range a.Addresses {
		if address.MAC != "" {
			out = append(out, address.MAC)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// ips are the IPs of an asset, without those whose move is told anyway.
func (d *Differ) ips(a Asset) []string {
	var out []string
	for _, address := range a.Addresses {
		if address.IP != "" && !d.moved(spotOf(a, address)) {
			out = append(out, address.IP)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// listeners tells ports that began or ceased to be listened at, and those that speak another protocol now. That the protocol of one was
// recognised is no change of the plant.
func listeners(was, now Asset) []Change {
	type port struct {
		transport string
		number    uint16
	}
	before := map[port]Service{}
	for _, s := range was.Services {
		before[port{s.Transport, s.Port}] = s
	}
	var changes []Change
	for _, s := range now.Services {
		at := port{s.Transport, s.Port}
		old, known := before[at]
		delete(before, at)
		c := Change{Asset: now.ID, Kind: Changed, Attribute: "service", New: serviceLine(s)}
		switch {
		case !known:
			changes = append(changes, c)
		case old.Protocol != s.Protocol && old.Protocol != "" && s.Protocol != "":
			c.Old = serviceLine(old)
			changes = append(changes, c)
		}
	}
	for _, s := range before {
		changes = append(changes, Change{Asset: now.ID, Kind: Changed, Attribute: "service", Old: serviceLine(s)})
	}
	return changes
}

func serviceLine(s Service) string {
	return strings.TrimSpace(s.Transport + "/" + strconv.Itoa(int(s.Port)) + " " + s.Protocol)
}

func componentLine(c Component) string {
	return strings.Join(slices.DeleteFunc([]string{c.Path, c.Vendor, c.Model, c.Serial}, func(s string) bool { return s == "" }), " ")
}

func firstAddress(a Asset) string {
	if len(a.Addresses) == 0 {
		return ""
	}
	return addressText(a.Addresses[0])
}
