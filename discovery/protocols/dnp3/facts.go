package dnp3

import (
	"slices"
	"strconv"

	"github.com/walkdown-ot/walkdown/discovery"
)

// The keys: the addresses of the link layer, and the attributes (annex A.1).
const (
	// KeyAddress is the station's own link address, KeyRole "master" or "outstation", as its frames say.
	KeyAddress discovery.Key = "dnp3.address"
	KeyRole    discovery.Key = "dnp3.role"
	// KeyMasterAddress is the link address to which an outstation sends.
	KeyMasterAddress   discovery.Key = "dnp3.master-address"
	KeyManufacturer    discovery.Key = "dnp3.manufacturer-name"      // variation 252
	KeyProduct         discovery.Key = "dnp3.product-name"           // 250: product name and model
	KeySerialNumber    discovery.Key = "dnp3.serial-number"          // 248
	KeyHardwareVersion discovery.Key = "dnp3.hardware-version"       // 243
	KeySoftwareVersion discovery.Key = "dnp3.software-version"       // 242
	KeyDeviceName      discovery.Key = "dnp3.user-assigned-name"     // 247
	KeyIDCode          discovery.Key = "dnp3.user-assigned-id-code"  // 246
	KeyLocation        discovery.Key = "dnp3.user-assigned-location" // 245
)

// pathAddress is the path piece of a further outstation behind an address, by its link address.
const pathAddress = "dnp3"

// variation is an attribute that is kept.
type variation struct {
	number uint8
	key    discovery.Key
}

// variations are those that are kept, in the order in which they are asked: the least first.
func variations() []variation {
	return []variation{
		{252, KeyManufacturer},
		{250, KeyProduct},
		{248, KeySerialNumber},
		{243, KeyHardwareVersion},
		{242, KeySoftwareVersion},
		{247, KeyDeviceName},
		{246, KeyIDCode},
		{245, KeyLocation},
	}
}

// attributeKeys are the keys of the attributes.
func attributeKeys() []discovery.Key {
	var out []discovery.Key
	for _, v := range variations() {
		out = append(out, v.key)
	}
	return out
}

// Protocol is DNP3, both faces.
func Protocol() discovery.Protocol {
	return discovery.Protocol{
		Name:     name,
		Title:    "DNP3",
		Standard: "IEEE 1815-2012",
		Hears:    "who is master and who outstation, their link addresses, who reads, writes or controls; maker, product, versions, serial number and location in responses that hold attributes",
		Keys:     slices.Concat([]discovery.Key{KeyAddress, KeyRole, KeyMasterAddress}, attributeKeys()),
		Ports:    []discovery.Port{{Transport: discovery.TCP, Number: Port}, {Transport: discovery.UDP, Number: Port}},
		Claims:   claims,
		Decode:   func(f discovery.Flow) discovery.Decoder { return &conversation{flow: f} },
		Asker:    asker(),
	}
}

const name = "dnp3"

// fact is what an attribute of the standard set says; an empty one for what is not kept.
func (a attribute) fact() discovery.Fact {
	if a.Set != 0 {
		return discovery.Fact{}
	}
	for _, v := range variations() {
		switch {
		case v.number != a.Variation:
		case a.Kind == kindText:
			return discovery.NewFact(v.key, string(a.Value))
		case a.Kind == kindUnsigned && len(a.Value) <= 8:
			n := uint64(0)
			for i := len(a.Value) - 1; i >= 0; i-- {
				n = n<<8 | uint64(a.Value[i])
			}
			return discovery.NewFact(v.key, strconv.FormatUint(n, 10))
		}
	}
	return discovery.Fact{}
}
