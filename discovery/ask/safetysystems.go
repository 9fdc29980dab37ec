package ask

import (
	"strings"

	"github.com/walkdown-ot/walkdown/discovery"
)

// Dedicated safety systems are listened to and never asked, unless their address stands alone in the scope: what a question
// does to them is nobody's to try out. They are known before they are asked by the MAC of their maker or by what was overheard.
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

// typeSafetyController is the word of the type vocabulary.
const typeSafetyController = "safety-controller"

// safetySystem says why the device is taken for a dedicated safety system, or gives "".
func safetySystem(subject discovery.Subject, known func(discovery.Subject, discovery.Key) (string, bool)) string {
	for _, maker := range safetyMakers() {
		if maker.prefix.Contains(subject.MAC) {
			return "its MAC is one of " + maker.name
		}
	}
	if known == nil {
		return ""
	}
	if kind, _ := known(subject, discovery.KeyType); kind == typeSafetyController {
		return "it was identified as one"
	}
	vendor, _ := known(subject, discovery.KeyVendor)
	for _, name := range safetyVendors() {
		if first, _, _ := strings.Cut(strings.ToLower(vendor), " "); first == name {
			return "its maker is " + vendor
		}
	}
	return ""
}
