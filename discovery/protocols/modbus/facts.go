package modbus

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/walkdown-ot/walkdown/discovery"
)

// The keys, named by the objects of the device identification (Application Protocol V1.1b3 table in section 6.21).
const (
	KeyVendorName          discovery.Key = "modbus.vendor-name"
	KeyProductCode         discovery.Key = "modbus.product-code"
	KeyMajorMinorRevision  discovery.Key = "modbus.major-minor-revision"
	KeyVendorURL           discovery.Key = "modbus.vendor-url"
	KeyProductName         discovery.Key = "modbus.product-name"
	KeyModelName           discovery.Key = "modbus.model-name"
	KeyUserApplicationName discovery.Key = "modbus.user-application-name"
	// KeyPrivateObject is an object beyond those, reserved or the maker's own: "0x80: text".
	KeyPrivateObject discovery.Key = "modbus.private-object"
	// KeyConformityLevel is how much the device can tell, and how: "0x83".
	KeyConformityLevel discovery.Key = "modbus.conformity-level"
	// KeyServerID is the text in the answer to function 17; Raw is the whole answer.
	KeyServerID discovery.Key = "modbus.server-id"
	// KeyNoIdentification says that the device does not know function 43.
	KeyNoIdentification discovery.Key = "modbus.no-identification"
	// KeyGatewayException says that the device answered for a unit which it could not reach: it is a gateway.
	KeyGatewayException discovery.Key = "modbus.gateway-exception"
)

// objectKeys are the keys of the objects 00 to 06.
var objectKeys = [...]discovery.Key{
	KeyVendorName, KeyProductCode, KeyMajorMinorRevision, KeyVendorURL, KeyProductName, KeyModelName, KeyUserApplicationName,
}

// Protocol is both faces of Modbus/TCP.
func Protocol() discovery.Protocol {
	return discovery.Protocol{
		Name:     "modbus",
		Title:    "Modbus/TCP",
		Standard: "MODBUS Application Protocol V1.1b3, MODBUS Messaging on TCP/IP V1.0b",
		Hears:    "device identification and server ids of devices and units, gateways by their exceptions, who reads and who writes",
		Keys:     append(slices.Clone(objectKeys[:]), KeyPrivateObject, KeyConformityLevel, KeyServerID, KeyNoIdentification, KeyGatewayException),
		Ports:    []discovery.Port{{Transport: discovery.TCP, Number: Port}},
		Claims:   claims,
		Decode:   func(f discovery.Flow) discovery.Decoder { return &decoder{flow: f} },
		Asker:    asker(),
	}
}

// subject is the unit of the side that answered. 255, and 0 with some makers, mean the device itself (Messaging V1.0b
// section 4.4.2.2).
func subject(device discovery.Subject, unit uint8) discovery.Subject {
	if isItself(unit) {
		return device
	}
	return device.At(discovery.PathModbusUnit, strconv.Itoa(int(unit)))
}

func isItself(unit uint8) bool { return unit == unitDevice || unit == unitBroadcast }

const (
	unitDevice    = 255
	unitBroadcast = 0 // on a serial line; never asked
	unitFirst     = 1 // the one that servers have which have a single one
)

func (id Identification) facts() []discovery.Fact {
	var facts []discovery.Fact
	for _, o := range id.Objects {
		key, prefix := KeyPrivateObject, fmt.Sprintf("0x%02x: ", o.ID)
		if int(o.ID) < len(objectKeys) {
			key, prefix = objectKeys[o.ID], ""
		}
		if fact, ok := said(key, prefix, o.Value); ok {
			facts = append(facts, fact)
		}
	}
	if id.Conformity != 0 {
		facts = append(facts, discovery.NewFact(KeyConformityLevel, fmt.Sprintf("0x%02x", id.Conformity)))
	}
	return facts
}

// said is a fact of bytes that are meant to be text. They are kept as they are where the text loses some of them, apart from
// blanks and zero bytes at the ends. Without any text there is none.
func said(key discovery.Key, prefix string, value []byte) (discovery.Fact, bool) {
	trimmed := strings.Trim(string(value), " \x00")
	text := discovery.Text(trimmed)
	if text == "" {
		return discovery.Fact{}, false
	}
	fact := discovery.NewFact(key, prefix+text)
	if text != trimmed {
		fact.Raw = append([]byte(nil), value...)
	}
	return fact, true
}

// serverID is the fact of an answer to function 17 (section 6.13): a count, an id whose length is the device's own affair, a run
// indicator of 00 or FF, and free data. The common form is one byte of id; some put the indicator last. Neither is text.
func serverID(data []byte) (discovery.Fact, bool) {
	if len(data) < 2 {
		return discovery.Fact{}, false
	}
	data = data[1:]
	free := data
	isIndicator := func(b byte) bool { return b == 0 || b == 0xff }
	switch {
	case len(data) > 2 && isIndicator(data[1]):
		free = data[2:]
	case isIndicator(data[len(data)-1]):
		free = data[:len(data)-1]
	}
	fact, ok := said(KeyServerID, "", free)
	if !ok {
		fact = discovery.NewFact(KeyServerID, fmt.Sprintf("%x", data))
	}
	fact.Raw = append([]byte(nil), data...)
	return fact, true
}

// illegalFunction is the exception of a device that does not know a function (section 7).
const illegalFunction = 1

// gatewayException is the fact of an exception that only a gateway gives (section 7).
func gatewayException(unit, code uint8) (discovery.Fact, bool) {
	words := map[uint8]string{0x0a: "gateway path unavailable", 0x0b: "gateway target device failed to respond"}[code]
	if words == "" {
		return discovery.Fact{}, false
	}
	return discovery.NewFact(KeyGatewayException, fmt.Sprintf("unit %d: %s", unit, words)), true
}
