package netbox

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/inventory"
)

func (c *catalogue) device(a inventory.Asset) [][]string {
	t := typeOf(a)
	firmware := ""
	if version := cmp.Or(a.Firmware, a.FirmwareRaw); version != "" {
		firmware = "firmware " + version
	}
	comments := []string{"walkdown " + a.ID, "TLP:" + c.mark}
	for _, note := range []struct{ name, value string }{
		{"order number", a.OrderNumber}, {"hardware", a.Hardware}, {"software", a.Software}, {"os", a.OS}, {"cpe", a.CPE}, {"zone", a.Annotations["zone"]},
	} {
		if note.value != "" {
			comments = append(comments, note.name+": "+discovery.Text(note.value))
		}
	}
	return [][]string{{
		c.names[a.ID], roleOf(a), t.maker, t.model, text(a.Serial, serialText), "active", siteOf(a), text(firmware, briefText), strings.Join(comments, ", "),
	}}
}

// port is an interface with the addresses that it has.
type port struct {
	name, description, mac string
	ips                    []inventory.Address
}

// portsOf are the interfaces that a device tells of, and one for each further MAC, and one for the IPs of which no MAC is known.
func portsOf(a inventory.Asset) []port {
	var ports []port
	names := map[string]bool{}
	add := func(name, description, mac string) *port {
		name = cmp.Or(text(name, deviceName-4), "if")
		unique := name
		for n := 2; names[strings.ToLower(unique)]; n++ {
			unique = fmt.Sprintf("%s %d", name, n)
		}
		names[strings.ToLower(unique)] = true
		ports = append(ports, port{name: unique, description: text(description, briefText), mac: mac})
		return &ports[len(ports)-1]
	}
	for _, p := range a.Ports {
		add(p.Name, p.Description, macOf(p.MAC))
	}
	for _, address := range a.Addresses {
		mac := macOf(address.MAC)
		if mac == "" && address.IP == "" {
			continue
		}
		at := slices.IndexFunc(ports, func(p port) bool { return p.mac == mac })
		var p *port
		switch {
		case at >= 0:
			p = &ports[at]
		default:
			p = add(fmt.Sprintf("if%d", len(ports)+1), "", mac)
		}
		if _, err := netip.ParseAddr(address.IP); err == nil {
			p.ips = append(p.ips, address)
		}
	}
	return ports
}

func macOf(value string) string {
	mac, err := discovery.ParseMAC(value)
	if err != nil {
		return ""
	}
	return strings.ToUpper(mac.String())
}

func (c *catalogue) interfaces(a inventory.Asset) [][]string {
	var rows [][]string
	for _, p := range portsOf(a) {
		rows = append(rows, []string{c.names[a.ID], p.name, "other", "true", p.description})
	}
	return rows
}

func (c *catalogue) macs(a inventory.Asset) [][]string {
	var rows [][]string
	for _, p := range portsOf(a) {
		if p.mac != "" {
			rows = append(rows, []string{p.mac, c.names[a.ID], p.name, "true"})
		}
	}
	return rows
}

// ips are the addresses, the first of each family as the device's primary one. Those stand last: NetBox takes a row that is not the
// primary one for the wish that the device has none.
func (c *catalogue) ips(a inventory.Asset) [][]string {
	var rows, last [][]string
	primary := map[bool]bool{}
	seen := map[string]bool{}
	for _, p := range portsOf(a) {
		for _, address := range p.ips {
			ip, err := netip.ParseAddr(address.IP)
			if err != nil {
				continue
			}
			ip = ip.Unmap().WithZone("")
			at := segmentOf(a, address).distinguisher()
			if seen[ip.String()+at] {
				continue
			}
			seen[ip.String()+at] = true
			first := !primary[ip.Is4()] && !ip.IsLinkLocalUnicast()
			primary[ip.Is4()] = primary[ip.Is4()] || first
			row := []string{netip.PrefixFrom(ip, ip.BitLen()).String(), at, "active", c.names[a.ID], p.name, fmt.Sprint(first)}
			if first {
				last = append(last, row)
			} else {
				rows = append(rows, row)
			}
		}
	}
	return append(rows, last...)
}

// items are the parts with a nameplate of their own.
func (c *catalogue) items(a inventory.Asset) [][]string {
	var rows [][]string
	taken := map[string]bool{}
	for i, part := range a.Components {
		name := uniqueName(taken, cmp.Or(part.Name, part.Model, part.OrderNumber, part.Path), fmt.Sprintf("%d", i+1))
		version := ""
		if part.Firmware != "" {
			version = ", firmware " + part.Firmware
		}
		rows = append(rows, []string{
			c.names[a.ID], name, text(part.Vendor, longName), text(cmp.Or(part.OrderNumber, part.Model), serialText), text(part.Serial, serialText), "true",
			text(part.Path+version, briefText),
		})
	}
	return rows
}
