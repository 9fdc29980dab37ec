package fingerprints

import (
	"regexp"
	"strings"
	"unicode"
)

// maxNameplate is the longest text that can be a value of a nameplate, in bytes.
const maxNameplate = 96

// isNameplate reports whether text could stand on a nameplate: short, printable, with a letter or a digit, and not mostly signs.
func isNameplate(text string) bool {
	if len(text) > maxNameplate {
		return false
	}
	letters, others := 0, 0
	for _, r := range text {
		switch {
		case unicode.IsLetter(r) || unicode.IsDigit(r):
			letters++
		case !unicode.IsPrint(r):
			return false
		case r != ' ':
			others++
		}
	}
	return letters > 0 && letters >= others
}

// isPlaceholder reports whether text is what makers leave in a field that nobody filled.
func isPlaceholder(text string) bool {
	switch fold(text) {
	case "", "none", "unknown", "na", "nil", "null", "notavailable", "notapplicable", "notset", "notspecified", "unspecified", "undefined",
		"default", "defaultstring", "tobefilledbyoem", "tobefilledbyo", "oem", "systemmanufacturer", "systemproductname", "systemserialnumber",
		"systemversion", "empty", "blank", "private", "removed", "redacted", "test", "invalid", "error", "noinformation", "notprogrammed",
		"productname", "vendorname", "modelname", "serialnumber", "string", "todo", "xxx", "xxxx", "invaliddata", "nosuchobject", "nosuchinstance":
		return true
	}
	return false
}

// countedUp and countedDown hold the serial numbers of those who had to type one.
const (
	countedUp   = "01234567890123456789abcdefghijklmnopqrstuvwxyz"
	countedDown = "98765432109876543210"
)

var masked = regexp.MustCompile(`(?i)x{4,}|\*{3,}|<[^>]*>`)

// isPlaceholderSerial reports whether a serial number cannot be one: too short, one character over and over (0000, FFFF,
// 0A0A), counted up (123456), blanked out, or a constant of a simulator.
func isPlaceholderSerial(text string) bool {
	bare := strings.TrimPrefix(fold(text), "0x")
	if len(bare) < 3 || masked.MatchString(text) || !strings.ContainsFunc(bare, unicode.IsDigit) && len(bare) < 8 {
		return true
	}
	if strings.Contains(countedUp, bare) || strings.Contains(countedDown, bare) {
		return true
	}
	switch bare {
	case "0123456789abcdef", "1234567890abcdef", "abcd1234", "deadbeef", "88111222": // the last is Conpot's
		return true
	}
	for _, step := range []int{1, 2} {
		same := true
		for i := step; i < len(bare); i++ {
			same = same && bare[i] == bare[i-step]
		}
		if same {
			return true
		}
	}
	return false
}

// isNoName reports whether a text in the place of a name is what stands there as long as nobody named the device.
func isNoName(text string) bool {
	switch strings.ToLower(strings.TrimSpace(text)) {
	case "localhost", "localhost.localdomain", "localhost.local", "(none)", "none", "noname", "no name", "unknown", "name", "sysname", "system name",
		"hostname", "not set", "not defined", "undefined", "empty", "-":
		return true
	}
	return false
}

// isDefaultName reports whether a name is one that every new device of its kind has, so that it says little.
func isDefaultName(text string) bool {
	switch strings.ToLower(strings.TrimSpace(text)) {
	case "switch", "router", "gateway", "default", "host", "device", "system", "snmp", "snmpd", "agent", "linux", "ubuntu", "debian", "raspberrypi",
		"openwrt", "mikrotik", "apc", "ups", "printer", "new device", "my device", "test":
		return true
	}
	return false
}

// isChipMaker reports whether a vendor sells chips with an agent for others' devices: its name in a field for the maker is
// often one that the device's maker forgot to change.
func isChipMaker(vendor string) bool { return vendor == "Realtek" || vendor == "Intel" }
