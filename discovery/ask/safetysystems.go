package ask

import (
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/walkdown-ot/walkdown/discovery"
)

// Dedicated safety systems are listened to and never asked, unless their address stands alone in the scope: what a question
// does to them is nobody's to try out. They are known before they are asked by the MAC of their maker, by a port or by a name that was overheard.
// Safety functions inside ordinary controllers (F-CPU, GuardLogix) are no reason: those are asked like the controllers they are.

// safetyMakers are makers whose Ethernet devices are, as far as they stand in a plant network, safety systems.
// Source: the IEEE registry of MAC prefixes. Triconex has no prefix of its own and is known by name only.
func safetyMakers() []safetyMaker {
	return []safetyMaker{
		{MACPrefix{discovery.MAC{0x00, 0xe0, 0xa1}, 24}, "HIMA"},
		{MACPrefix{discovery.MAC{0x00, 0x02, 0x48}, 24}, "Pilz"},
	}
}

type safetyMaker struct {
	prefix MACPrefix
	name   string
}

// safetyVendors are the names by which fingerprints call such makers, in lower case.
func safetyVendors() []string { return []string{"triconex", "hima", "pilz"} }

// safetyNames are how the products of such makers are called; a name that has a word which begins so is one's.
func safetyNames() []string {
	return []string{"triconex", "tricon", "hima", "himax", "himatrix", "hiquad", "pilz", "pss4000", "pnoz", "pnozmulti"}
}

// safetyPorts are where only such systems listen: TriStation and TSAA of Triconex, safeethernet of HIMA, SafetyNET p of Pilz
// (registered with IANA). Modbus on TCP port 1502 has nothing to do with the first.
func safetyPorts() map[discovery.Port]string {
	return map[discovery.Port]string{
		{Transport: discovery.UDP, Number: 1502}:  "TriStation",
		{Transport: discovery.UDP, Number: 1500}:  "TSAA",
		{Transport: discovery.UDP, Number: 6010}:  "safeethernet",
		{Transport: discovery.UDP, Number: 40000}: "SafetyNET p",
	}
}

func safetyName(name string) bool {
	for _, word := range strings.FieldsFunc(strings.ToLower(name), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
		if slices.ContainsFunc(safetyNames(), func(begin string) bool {
			rest, ok := strings.CutPrefix(word, begin)
			return ok && strings.IndexFunc(rest, unicode.IsLetter) < 0 // hima2, not Himalaya
		}) {
			return true
		}
	}
	return false
}

// safetyHost says why a host is taken for a dedicated safety system by what was heard of it, or gives "".
func safetyHost(h Host) string {
	if reason := identifiedAsSafety(h.Type, h.Vendor); reason != "" {
		return reason
	}
	for _, name := range h.Names {
		if safetyName(name) {
			return "its name is " + name
		}
	}
	for _, port := range h.Listens {
		if protocol, ok := safetyPorts()[port]; ok {
			return fmt.Sprintf("it was heard to serve %s on %s/%d", protocol, port.Transport, port.Number)
		}
	}
	return ""
}

// typeSafetyController is the word of the type vocabulary.
const typeSafetyController = "safety-controller"

// safetySystem says why the device is taken for a dedicated safety system, or gives "".
func (k *Keeper) safetySystem(subject discovery.Subject) string {
	for _, maker := range safetyMakers() {
		if maker.prefix.Contains(subject.MAC) {
			return "its MAC is one of " + maker.name
		}
	}
	device := k.identified(subject)
	return safetyHost(Host{Type: device.Type, Vendor: device.Vendor, Names: device.Names})
}

func identifiedAsSafety(kind, vendor string) string {
	if kind == typeSafetyController {
		return "it was identified as one"
	}
	for _, name := range safetyVendors() {
		if first, _, _ := strings.Cut(strings.ToLower(vendor), " "); first == name {
			return "its maker is " + vendor
		}
	}
	return ""
}
