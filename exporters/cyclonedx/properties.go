package cyclonedx

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	cdx "github.com/CycloneDX/cyclonedx-go"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/inventory"
)

// properties gathers names and values; docs/cyclonedx-properties.md lists the names.
type properties []cdx.Property

// add takes a value unless it is empty.
func (p *properties) add(name, value string) {
	if value = discovery.Text(value); value != "" {
		*p = append(*p, cdx.Property{Name: name, Value: value})
	}
}

func (p *properties) addConfidence(name string, confidence float32) {
	if c := certainty(confidence); c != nil {
		p.add(name, strconv.FormatFloat(float64(*c), 'f', -1, 32))
	}
}

func (p *properties) addTime(name string, t time.Time) {
	if !t.IsZero() {
		p.add(name, t.UTC().Format(time.RFC3339))
	}
}

// sorted gives them by name and value, each pair once; nil when there are none.
func (p properties) sorted() *[]cdx.Property {
	if len(p) == 0 {
		return nil
	}
	slices.SortFunc(p, func(a, b cdx.Property) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Value, b.Value))
	})
	all := []cdx.Property(slices.Compact(p))
	return &all
}

// deviceProperties are those of an asset.
func deviceProperties(a inventory.Asset) *[]cdx.Property {
	var p properties
	p.identity(a.Identity)
	p.add("cdx:device:function", a.Type)
	p.add("walkdown:site", a.Site)
	p.add("walkdown:segment", a.Segment)
	p.add("walkdown:name", a.Name)
	for _, name := range a.Names {
		p.add("walkdown:name", name)
	}
	for _, address := range a.Addresses {
		p.add("cdx:device:macAddress", address.MAC)
		p.add("walkdown:ip", address.IP)
		if address.VLAN != 0 {
			p.add("walkdown:vlan", strconv.Itoa(int(address.VLAN)))
		}
		p.add("walkdown:segment", address.Segment)
		if address.MAC != "" && address.IP != "" {
			p.add("walkdown:address", address.MAC+" "+address.IP)
		}
	}
	p.add("walkdown:macVendor", a.MACVendor)
	p.add("walkdown:role", a.Role)
	for _, protocol := range a.Protocols {
		p.add("walkdown:protocol", protocol)
	}
	p.add("walkdown:via", a.Via)
	for _, n := range a.Neighbours {
		p.add("walkdown:neighbour", neighbour(n))
	}
	for _, port := range a.Ports {
		p.add("walkdown:port", strings.TrimSpace(port.Name+" "+port.MAC))
	}
	p.add("walkdown:level", a.Level)
	p.add("walkdown:levelReason", a.LevelReason)
	p.add("walkdown:proposedType", a.ProposedType)
	if a.Matchability != nil {
		for _, by := range a.Matchability.By {
			p.add("walkdown:matchableBy", by)
		}
		for _, missing := range a.Matchability.Missing {
			p.add("walkdown:missing", missing)
		}
	}
	for key, value := range a.Annotations {
		p.add("walkdown:annotation:"+discovery.Text(key), value)
	}
	p.add("cdx:device:sku", a.Annotations["asset_number"])
	p.add("cdx:lifecycle:milestone:endOfSupport", a.Annotations["support_end"])
	for _, key := range []string{"zone", "criticality", "location"} {
		p.add("walkdown:"+key, a.Annotations[key])
	}
	for _, note := range a.Notes {
		p.add("walkdown:note", note)
	}
	p.add("walkdown:seen", string(a.Seen))
	p.addTime("walkdown:firstSeen", a.FirstSeen)
	p.addTime("walkdown:lastSeen", a.LastSeen)
	return p.sorted()
}

// partProperties are those of a component of an asset.
func partProperties(c inventory.Component) *[]cdx.Property {
	var p properties
	p.identity(c.Identity)
	p.add("cdx:device:function", c.Type)
	p.add("walkdown:path", c.Path)
	if slot, ok := discovery.PathValue(c.Path, "slot"); ok {
		p.add("walkdown:slot", slot)
	}
	p.add("walkdown:name", c.Name)
	return p.sorted()
}

// identity adds what has no place of its own in a component.
func (p *properties) identity(i inventory.Identity) {
	p.add("cdx:device:serialNumber", i.Serial)
	p.add("walkdown:family", i.Family)
	p.add("walkdown:model", i.Model)
	p.add("walkdown:orderNumber", i.OrderNumber)
	p.add("walkdown:softwareVersion", i.Software)
	p.add("walkdown:firmwareRaw", i.FirmwareRaw)
	p.add("walkdown:cpe:candidate", i.CPECandidate)
	if !isUsable(i.CPE, i.Firmware) {
		p.add("walkdown:cpe:candidate", i.CPE)
	}
	p.addConfidence("walkdown:confidence", i.Confidence)
	for field, confidence := range i.Confidences {
		p.addConfidence("walkdown:confidence:"+discovery.Text(field), confidence)
	}
}

// neighbour writes the other end of a cable: "X1 > cell-7-switch, 1/4 (lldp)".
func neighbour(n inventory.Neighbour) string {
	ends := []string{cmp.Or(n.Name, n.Asset)}
	if n.RemotePort != "" {
		ends = append(ends, n.RemotePort)
	}
	text := strings.Join(ends, ", ") + " (" + n.Via + ")"
	if n.LocalPort != "" {
		text = n.LocalPort + " > " + text
	}
	return text
}
