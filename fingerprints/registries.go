package fingerprints

import (
	"strconv"
	"strings"

	"github.com/walkdown-ot/walkdown/discovery"
)

// What a registry alone is worth. The prefix of a MAC names the maker of the network chip and nobody else; an enterprise
// number names the author of the agent, who usually made the device; that of an SNMPv3 engine more often the agent's kit, and
// that of a DHCP client the author of its system. The vendor ids of the field buses are part of a device's identity: a device
// that is certified must show its maker's. Those of BACnet are now and then the kit's.
const (
	ouiConfidence        = 0.95
	enterpriseConfidence = 0.8
	engineConfidence     = 0.7
	clientConfidence     = 0.5
	cipConfidence        = 0.96
	profinetConfidence   = 0.95
	bacnetConfidence     = 0.93
	productConfidence    = 0.85 // the product behind a PROFINET device id, which may be one of several; that behind a sysObjectID
	ownWordConfidence    = 0.75 // from here on a device's own word goes before what a list of products calls it
)

// registries adds what the tables say of the facts.
func (e *Engine) registries(said values, out *candidates) {
	for _, v := range said[discovery.KeyMAC] {
		mac, err := discovery.ParseMAC(v.text)
		if err != nil {
			continue
		}
		if maker, ok := e.MACVendor(mac); ok {
			out.add(candidate{key: discovery.KeyMACVendor, value: maker, confidence: ouiConfidence, from: v.from, rule: "table-oui", evidence: v.text})
		}
	}
	for _, said := range enterpriseNumbers(said) {
		if isAgentKit(said.number) {
			continue
		}
		if maker, ok := e.Enterprise(said.number); ok {
			out.add(candidate{
				key: discovery.KeyVendor, value: maker, confidence: said.confidence, from: said.by.from,
				rule: "table-enterprise", evidence: said.by.text,
			})
		}
	}
	e.vendorIDs(said, out)
	e.profinetProducts(said, out)
	e.listedProducts(said, out)
	e.cipTypes(said, out)
}

// listedProducts adds what the maker's list of products calls devices with this sysObjectID, unless the device tells its model itself:
// the same switch may stand there under the name of a stack, and an agent may give the identifier of what it imitates.
func (e *Engine) listedProducts(said values, out *candidates) {
	for _, key := range []discovery.Key{"snmp.sysObjectID", "cdp.system-object-id"} {
		for _, v := range said[key] {
			product, ok := e.tables.Products.Lookup(v.text)
			if !ok {
				continue
			}
			for _, field := range []struct {
				key   discovery.Key
				value string
			}{{discovery.KeyFamily, product.Family}, {discovery.KeyModel, product.Model}, {discovery.KeyOrderNumber, product.OrderNumber}} {
				c := candidate{
					key: field.key, value: field.value, confidence: productConfidence, from: v.from, rule: "table-products", evidence: v.text,
					folded: fold(field.value),
				}
				known := out.surest(field.key, func(candidate) bool { return true })
				if known.confidence < ownWordConfidence || out.compatible(c, known) || known.folded == c.folded {
					out.add(c)
				}
			}
		}
	}
}

// vendorIDs adds the makers behind the vendor ids of the field buses. S7 numbers makers as PROFINET does.
func (e *Engine) vendorIDs(said values, out *candidates) {
	profinet := func(id uint32) (string, bool) { return e.tables.Profinet.Vendor(uint16(id)) }
	for _, registry := range []struct {
		rule       string
		keys       []discovery.Key
		lookup     func(uint32) (string, bool)
		confidence float32
	}{
		{"table-cip", []discovery.Key{"enip.vendor-id"}, e.tables.CIPVendors.Lookup, cipConfidence},
		{"table-bacnet", []discovery.Key{"bacnet.vendor-id"}, e.tables.BACnetVendors.Lookup, bacnetConfidence},
		{"table-profinet", []discovery.Key{"profinet.vendor-id", "profinet.im-vendor-id", "s7.manufacturer"}, profinet, profinetConfidence},
	} {
		for _, key := range registry.keys {
			for _, v := range said[key] {
				id, err := strconv.ParseUint(v.text, 0, 16)
				if err != nil || id == 0 {
					continue // 0 is what a device says that was given none; ASHRAE and nobody else
				}
				maker, ok := registry.lookup(uint32(id))
				if !ok {
					continue
				}
				c := candidate{
					key: discovery.KeyVendor, value: maker, confidence: registry.confidence, from: v.from, rule: registry.rule,
					evidence: v.text, registered: true,
				}
				if key == "bacnet.vendor-id" && isBACnetKit(id) {
					c.confidence, c.registered = unknownVendor, false
				}
				out.add(c)
			}
		}
	}
}

// cipTypes adds what the device profile says that an EtherNet/IP device is.
func (e *Engine) cipTypes(said values, out *candidates) {
	for _, v := range said["enip.device-type"] {
		number, err := strconv.ParseUint(v.text, 0, 16)
		if err != nil {
			continue
		}
		if kind, ok := e.tables.CIPTypes.Number(uint32(number)); ok && kind.Type != "" {
			confidence := kind.Sure
			if confidence == 0 {
				confidence = productConfidence
			}
			out.add(candidate{key: discovery.KeyType, value: kind.Type, confidence: confidence, from: v.from, rule: "table-cip-types", evidence: v.text + " " + kind.Name})
		}
	}
}

// isBACnetKit reports whether a vendor id belongs to a protocol stack that many build devices with and never change: the BACnet
// Stack at SourceForge, SCADA Engine.
func isBACnetKit(id uint64) bool { return id == 260 || id == 123 }

// profinetProducts adds what the maker calls the devices with a device id.
func (e *Engine) profinetProducts(said values, out *candidates) {
	vendors, devices := said["profinet.vendor-id"], said["profinet.device-id"]
	if len(vendors) != 1 || len(devices) != 1 { // who has several is several
		return
	}
	vendor, err := strconv.ParseUint(vendors[0].text, 0, 16)
	if err != nil {
		return
	}
	device, err := strconv.ParseUint(devices[0].text, 0, 16)
	if err != nil {
		return
	}
	if product, ok := e.tables.Profinet.Product(uint16(vendor), uint16(device)); ok {
		out.add(candidate{
			key: discovery.KeyFamily, value: product, confidence: productConfidence, from: []discovery.Key{"profinet.vendor-id", "profinet.device-id"},
			rule: "table-profinet", evidence: vendors[0].text + " " + devices[0].text,
		})
	}
}

// enterpriseNumbers are those that a device shows: in its object identifier, in the id of its SNMPv3 engine, and to a DHCP
// server.
func enterpriseNumbers(said values) []enterpriseSaid {
	var out []enterpriseSaid
	for _, v := range said["snmp.sysObjectID"] {
		if number, ok := enterpriseOf(v.text); ok {
			out = append(out, enterpriseSaid{number, v, enterpriseConfidence})
		}
	}
	for _, v := range said["cdp.system-object-id"] {
		if number, ok := enterpriseOf(v.text); ok {
			out = append(out, enterpriseSaid{number, v, enterpriseConfidence})
		}
	}
	for _, bare := range []struct {
		key        discovery.Key
		confidence float32
	}{{"snmp.engineEnterprise", engineConfidence}, {"dhcp.enterprise", clientConfidence}} {
		for _, v := range said[bare.key] {
			if number, err := strconv.ParseUint(v.text, 10, 32); err == nil {
				out = append(out, enterpriseSaid{uint32(number), v, bare.confidence})
			}
		}
	}
	return out
}

type enterpriseSaid struct {
	number     uint32
	by         value
	confidence float32
}

// enterpriseOf is the enterprise number of an object identifier under 1.3.6.1.4.1.
func enterpriseOf(oid string) (uint32, bool) {
	rest, ok := strings.CutPrefix(strings.TrimPrefix(oid, "."), "1.3.6.1.4.1.")
	if !ok {
		return 0, false
	}
	digits, _, _ := strings.Cut(rest, ".")
	number, err := strconv.ParseUint(digits, 10, 32)
	return uint32(number), err == nil
}

// isAgentKit reports whether a number belongs to those who make agents, chips or cards for others, so that it says nothing of
// the device: the University of California at Davis, Net-SNMP, Microsoft, Broadcom (FASTPATH), Wind River, SNMP Research,
// Realtek, and Phoenixtec, whose cards sit in the supplies of many brands.
func isAgentKit(number uint32) bool {
	switch number {
	case 0, 2021, 8072, 311, 4413, 731, 99, 27282, 935:
		return true
	}
	return false
}
