package discovery

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Key names an attribute: the protocol, a dot, the standard's field in kebab-case ("modbus.product-code"). SNMP keeps the
// object names of its MIBs ("snmp.sysDescr"). What fingerprints deduce stands under "id.".
type Key string

// Protocol is the part before the dot.
func (k Key) Protocol() string {
	before, _, _ := strings.Cut(string(k), ".")
	return before
}

// The keys that more than one protocol tells, or that every room must know.
const (
	// KeyBinding says that the MAC and the IP of the subject belong together; the value names who says so: "arp", "nd",
	// "dhcp", "dcp", "table" (a row of another host's ARP or neighbour table, which may be out of date), or "on-link" (the
	// packet had not passed a router).
	KeyBinding Key = "address.binding"
	// KeyMAC is a MAC of the asset, made when its facts are gathered for identification.
	KeyMAC Key = "address.mac"
	// KeyIP is an IP that was heard sending and takes part in no conversation.
	KeyIP Key = "address.ip"
	// KeyRole is what an address does in the network: "router" (it forwards others' packets).
	KeyRole Key = "address.role"
	// KeyService is something that listens: "tcp/502 modbus" (transport, port, protocol).
	KeyService Key = "address.service"
	// KeyNotUnderstood says that the device answered, but not in the protocol's words; the value is "protocol: reason".
	KeyNotUnderstood Key = "answer.not-understood"
	// KeyDistress says that the device showed distress while it was asked and was left alone; the value is the reason.
	KeyDistress Key = "answer.distress"
)

// The identity of a device, as fingerprints deduce it.
const (
	KeyVendor       Key = "id.vendor"
	KeyFamily       Key = "id.family"
	KeyModel        Key = "id.model"
	KeyOrderNumber  Key = "id.order-number"
	KeySerial       Key = "id.serial"
	KeyHardware     Key = "id.hardware"
	KeyFirmware     Key = "id.firmware"     // normalised, comparable
	KeyFirmwareRaw  Key = "id.firmware-raw" // as the device spells it
	KeySoftware     Key = "id.software"     // version of the application that runs on the firmware, as the device spells it
	KeyOS           Key = "id.os"
	KeyType         Key = "id.type" // one word of the type vocabulary
	KeyCPE          Key = "id.cpe"
	KeyCPECandidate Key = "id.cpe-candidate" // a CPE that is no claim: a guess, without a version, or not sure enough
	KeyName         Key = "id.name"          // what the device calls itself
	KeyMACVendor    Key = "id.mac-vendor"    // the maker of the network chip, which need not be the maker of the device
	KeyDoubt        Key = "id.doubt"         // why what it says may not be true: "suspected honeypot: ..."
)

// SharedKeys are the keys of the ground floor, each once.
func SharedKeys() []Key {
	return []Key{
		KeyBinding, KeyMAC, KeyIP, KeyRole, KeyService, KeyNotUnderstood, KeyDistress,
		KeyVendor, KeyFamily, KeyModel, KeyOrderNumber, KeySerial, KeyHardware, KeyFirmware, KeyFirmwareRaw, KeySoftware, KeyOS, KeyType,
		KeyCPE, KeyCPECandidate, KeyName, KeyMACVendor, KeyDoubt,
	}
}

// Fact is one attribute and its value. A fact that a device said has no Rule and Confidence 1; a deduced one names its rule
// and the keys that it rests on.
type Fact struct {
	Key        Key
	Value      string  // clean text, see NewFact
	Raw        []byte  // the bytes as said, where the text does not hold them; nil otherwise
	Confidence float32 // 0..1
	From       []Key   // deduced: what it rests on
	Rule       string  // deduced: the rule's id; "" = said by the teller
}

// MaxValue is the longest text of a fact, in bytes; what is longer is cut at a rune's end.
const MaxValue = 4096

// NewFact is a fact as said, its text made clean by Text.
func NewFact(key Key, value string) Fact { return Fact{Key: key, Value: Text(value), Confidence: 1} }

// Text makes text from the network harmless: valid UTF-8 (bytes that are not are read as Latin-1, which is what old devices
// mean), control and format characters (bidi marks among them) become blanks, blanks are folded into one and trimmed, at most
// MaxValue bytes.
func Text(value string) string {
	if isClean(value) {
		return value
	}
	var out strings.Builder
	latin := !utf8.ValidString(value)
	blank := false
	put := func(r rune) {
		if unicode.IsSpace(r) || unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == utf8.RuneError || r == '\u2028' || r == '\u2029' {
			blank = out.Len() > 0
			return
		}
		if blank {
			out.WriteByte(' ')
			blank = false
		}
		out.WriteRune(r)
	}
	if latin {
		for i := 0; i < len(value) && out.Len() < MaxValue; i++ {
			put(rune(value[i]))
		}
	} else {
		for _, r := range value {
			if out.Len() >= MaxValue {
				break
			}
			put(r)
		}
	}
	text := out.String()
	if len(text) > MaxValue {
		end := MaxValue
		for end > 0 && !utf8.RuneStart(text[end]) {
			end--
		}
		text = strings.TrimRight(text[:end], " ")
	}
	return text
}

// isClean is the cheap path: printable ASCII without leading, trailing or doubled blanks.
func isClean(value string) bool {
	if len(value) > MaxValue {
		return false
	}
	before := byte(' ')
	for i := range len(value) {
		c := value[i]
		if c < ' ' || c > '~' || c == ' ' && before == ' ' {
			return false
		}
		before = c
	}
	return len(value) == 0 || before != ' '
}
