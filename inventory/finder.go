package inventory

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/walkdown-ot/walkdown/discovery"
)

// Who is what a line of a list says to tell whom it is about.
type Who struct {
	ID, Site, Segment    string
	Vendor, Serial, Name string
	MACs, IPs            []string
}

// Finder finds the assets that lines of lists are about. It keeps the addresses and serial numbers of all assets.
type Finder struct {
	ids     map[string]bool
	renamed map[string]string
	serials map[string][]found // by serial number in letters
	macs    map[string][]found
	ips     map[string][]found
}

type found struct{ id, site, segment, vendor string }

// NewFinder makes an empty one; renamed are the ids of assets that were merged into others.
func NewFinder(renamed map[string]string) *Finder {
	return &Finder{ids: map[string]bool{}, renamed: renamed, serials: map[string][]found{}, macs: map[string][]found{}, ips: map[string][]found{}}
}

// Add makes an asset known.
func (f *Finder) Add(a Asset) {
	f.ids[a.ID] = true
	if serial := letters(a.Serial); !isFiller(serial) {
		f.serials[serial] = append(f.serials[serial], found{a.ID, a.Site, a.Segment, letters(a.Vendor)})
	}
	for _, address := range a.Addresses {
		at := found{id: a.ID, site: a.Site, segment: a.Segment}
		if address.Segment != "" {
			at.segment = address.Segment
		}
		if address.MAC != "" {
			f.macs[address.MAC] = append(f.macs[address.MAC], at)
		}
		if address.IP != "" {
			f.ips[address.IP] = append(f.ips[address.IP], at)
		}
	}
}

// What Find decides by.
var (
	// ErrUnknown says that no asset is meant.
	ErrUnknown = errors.New("no asset of the inventory")
	// ErrAmbiguous says that several assets may be meant, or that the line contradicts itself.
	ErrAmbiguous = errors.New("ambiguous")
	// ErrUnidentified says that the line has nothing to find an asset by.
	ErrUnidentified = errors.New("nothing to find an asset by: id, serial number, MAC, or IP with segment")
)

// Find gives the id of the asset that a line is about, and by what it was found: "id", "serial", "mac" or "ip". An id that is
// known decides. Else the serial number and the MAC must mean the same asset; an IP, which may have moved, is looked at last.
// An IP without a segment must be one asset's alone.
func (f *Finder) Find(w Who) (id, by string, err error) {
	if into := f.renamed[w.ID]; into != "" {
		w.ID = into
	}
	if f.ids[w.ID] {
		return w.ID, "id", nil
	}
	site := func(at found) bool { return w.Site == "" || at.site == w.Site }
	place := func(at found) bool { return site(at) && (w.Segment == "" || at.segment == w.Segment) }
	serial := letters(w.Serial)
	if isFiller(serial) {
		serial = ""
	}
	bySerial := pick(f.serials[serial], site)
	if vendor := letters(w.Vendor); vendor != "" && len(bySerial) > 1 {
		bySerial = pick(f.serials[serial], func(at found) bool { return site(at) && at.vendor == vendor })
	}
	var byMAC, byIP []string
	for _, text := range w.MACs {
		if mac, err := discovery.ParseMAC(text); err == nil {
			byMAC = append(byMAC, pick(f.macs[mac.String()], place)...)
			if len(byMAC) == 0 {
				byMAC = pick(f.macs[mac.String()], site) // a device that went to another segment
			}
		}
	}
	for _, text := range w.IPs {
		if ip, err := netip.ParseAddr(text); err == nil {
			byIP = append(byIP, pick(f.ips[ip.Unmap().String()], place)...)
		}
	}
	byMAC, byIP = once(byMAC), once(byIP)
	switch {
	case len(bySerial) == 1 && len(byMAC) > 0 && !slices.Contains(byMAC, bySerial[0]):
		return "", "", fmt.Errorf("%w: the serial number is that of %s, the MAC that of %s", ErrAmbiguous, bySerial[0], byMAC[0])
	case len(bySerial) == 1:
		return bySerial[0], "serial", nil
	case len(byMAC) == 1:
		return byMAC[0], "mac", nil
	case len(bySerial) > 1 || len(byMAC) > 1:
		return "", "", meaning("the serial number or MAC", append(bySerial, byMAC...))
	case len(byIP) == 1:
		return byIP[0], "ip", nil
	case len(byIP) > 1:
		return "", "", meaning("the IP", byIP)
	case w.ID == "" && serial == "" && len(w.MACs) == 0 && len(w.IPs) == 0:
		return "", "", ErrUnidentified
	}
	return "", "", ErrUnknown
}

func meaning(what string, ids []string) error {
	ids = once(ids)
	const shown = 4
	if len(ids) > shown {
		ids = append(ids[:shown:shown], "others")
	}
	return fmt.Errorf("%w: %s is that of %s; name the segment or the id", ErrAmbiguous, what, strings.Join(ids, ", "))
}

func pick(list []found, ok func(found) bool) []string {
	var out []string
	for _, at := range list {
		if ok(at) {
			out = append(out, at.id)
		}
	}
	return once(out)
}

// once sorts and leaves out repetitions.
func once(ids []string) []string {
	slices.Sort(ids)
	return slices.Compact(ids)
}

// cleanAddress is a MAC or an IP in the spelling of the inventory, or nothing.
func cleanAddress(text string) string {
	if mac, err := discovery.ParseMAC(text); err == nil {
		return mac.String()
	}
	if ip, err := netip.ParseAddr(text); err == nil {
		return ip.Unmap().String()
	}
	return ""
}
