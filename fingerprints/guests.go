package fingerprints

import (
	"github.com/walkdown-ot/walkdown/discovery"
)

// Some of what is said under the address of a device is not about the device: a server program names its own maker, and a
// communication processor its own nameplate, though the controller that it serves is asked at the same address. Where both speak,
// what is said of the guest is kept as a hint.

// hint is the most that is left of it.
const hint = 0.5

// sureEnough is how sure two answers must be for the one to be taken for a guest's.
const sureEnough = 0.8

// demoteGuests finds guests by what they say and lowers what they say of themselves.
func (s *candidates) demoteGuests() {
	s.demoteSoftware()
	s.demoteModules()
}

// demoteSoftware: OPC UA's BuildInfo is about the server program. If another protocol names another maker, that is the device's.
func (s *candidates) demoteSoftware() {
	device := s.surest(discovery.KeyVendor, func(c candidate) bool { return c.spelt && protocolOf(c) != "opcua" })
	server := s.surest(discovery.KeyVendor, func(c candidate) bool { return protocolOf(c) == "opcua" })
	if device.confidence < sureEnough || server.value == "" || s.compatible(device, server) {
		return
	}
	s.demote("opcua", "it is about the server program, not about the device of "+device.value)
}

// demoteModules: a station is its controller. What one protocol says of a communication module is the module's, where another one
// tells of the controller.
func (s *candidates) demoteModules() {
	controller := s.surest(discovery.KeyType, func(c candidate) bool { return isController(c.value) && protocolOf(c) != "" })
	if controller.confidence < sureEnough {
		return
	}
	module := s.surest(discovery.KeyType, func(c candidate) bool { return c.value == "comm-module" && protocolOf(c) != "" })
	if module.confidence < sureEnough || protocolOf(module) == protocolOf(controller) {
		return
	}
	s.demote(protocolOf(module), "it is about a communication module of the station")
}

// surest is the surest answer for a key that fits, of the rules that nobody speaks instead of.
func (s *candidates) surest(key discovery.Key, fits func(candidate) bool) candidate {
	var best candidate
	for _, c := range s.all {
		if c.key == key && s.silenced[c.rule] == "" && c.confidence > best.confidence && fits(c) {
			best = c
		}
	}
	return best
}

// demote lowers what rests on one protocol alone. A user's rules know better.
func (s *candidates) demote(protocol, why string) {
	for i := range s.all {
		c := &s.all[i]
		if c.own || protocolOf(*c) != protocol || c.confidence <= hint {
			continue
		}
		switch c.key {
		case discovery.KeyName, discovery.KeyOS, discovery.KeyMACVendor, discovery.KeyDoubt, discovery.KeySoftware:
			continue
		case discovery.KeyVendor:
			if protocol != "opcua" {
				continue // a module is mostly its controller's maker's
			}
		}
		c.confidence, c.demoted = hint, why
	}
}

// protocolOf is the protocol that an answer rests on, empty when there are several.
func protocolOf(c candidate) string {
	protocol := ""
	for _, key := range c.from {
		if p := key.Protocol(); protocol == "" {
			protocol = p
		} else if p != protocol {
			return ""
		}
	}
	return protocol
}

// isController reports whether a type is that of what a communication module serves.
func isController(kind string) bool {
	switch kind {
	case "plc", "rtu", "safety-controller", "drive", "robot", "cnc", "power-meter", "ied":
		return true
	}
	return false
}
