package table

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/walkdown-ot/walkdown/inventory"
)

// assets has the fields of the JSON contract, and a column annotation_KEY for each key that any asset is annotated with, in
// alphabetical order. It reads the assets once beforehand, for those keys.
func assets(ctx context.Context, from inventory.Source) (Table, error) {
	keys := map[string]bool{}
	for a, err := range from.Assets(ctx) {
		if err != nil {
			return Table{}, fmt.Errorf("read assets: %w", err)
		}
		for key := range a.Annotations {
			keys[key] = true
		}
	}
	annotations := slices.Sorted(maps.Keys(keys))
	columns := []Column{
		{"id", 20},
		{"site", 14},
		{"segment", 14},
		{"name", 24},
		{"names", 24},
		{"vendor", 20},
		{"family", 18},
		{"model", 24},
		{"order_number", 22},
		{"serial", 20},
		{"hardware", 10},
		{"firmware", 12},
		{"firmware_raw", 14},
		{"software", 12},
		{"os", 16},
		{"type", 16},
		{"cpe", 30},
		{"confidence", 10},
		{"macs", 19},
		{"ips", 17},
		{"vlans", 8},
		{"protocols", 20},
		{"services", 24},
		{"components", 10},
		{"via", 20},
		{"mac_vendor", 20},
		{"role", 10},
		{"neighbours", 30},
		{"seen", 9},
		{"first_seen", 20},
		{"last_seen", 20},
		{"notes", 30},
		{"tlp", 9},
		{"cpe_candidate", 30},
		{"level", 6},
		{"level_reason", 24},
		{"proposed_type", 16},
		{"matchable_by", 22},
		{"missing", 22},
	}
	for _, key := range annotations {
		columns = append(columns, Column{"annotation_" + Text(key), 18})
	}
	return Table{columns, rows(from.Assets(ctx), "read assets", func(a inventory.Asset) [][]Cell {
		var match inventory.Matchability
		if a.Matchability != nil {
			match = *a.Matchability
		}
		row := []Cell{
			a.ID, a.Site, a.Segment, a.Name, a.Names,
			a.Vendor, a.Family, a.Model, a.OrderNumber, a.Serial, a.Hardware, a.Firmware,
			a.FirmwareRaw, a.Software, a.OS, a.Type, a.CPE, Confidence(a.Confidence),
			each(a.Addresses, func(x inventory.Address) string { return x.MAC }),
			each(a.Addresses, func(x inventory.Address) string { return x.IP }),
			each(a.Addresses, vlan),
			a.Protocols, each(a.Services, service), len(a.Components), a.Via, a.MACVendor,
			a.Role, each(a.Neighbours, neighbour), string(a.Seen), a.FirstSeen, a.LastSeen, a.Notes,
			TLP{},
			a.CPECandidate, a.Level, a.LevelReason, a.ProposedType, match.By, match.Missing,
		}
		for _, key := range annotations {
			row = append(row, a.Annotations[key])
		}
		return [][]Cell{row}
	})}, nil
}

// TLP is a cell that the writer of the table fills with the mark of the file: rows are copied out of their file.
type TLP struct{}

func vlan(a inventory.Address) string {
	if a.VLAN == 0 {
		return ""
	}
	return strconv.Itoa(int(a.VLAN))
}

func service(s inventory.Service) string {
	return strings.TrimSpace(fmt.Sprintf("%s/%d %s", s.Transport, s.Port, s.Protocol))
}

func neighbour(n inventory.Neighbour) string {
	other := cmp.Or(n.Name, n.Asset)
	if n.RemotePort != "" {
		other += ", " + n.RemotePort
	}
	text := other + " (" + n.Via + ")"
	if n.LocalPort != "" {
		text = n.LocalPort + " > " + text
	}
	return text
}

func addresses(ctx context.Context, from inventory.Source) (Table, error) {
	return Table{
		[]Column{{"asset", 20}, {"site", 14}, {"segment", 14}, {"name", 24}, {"mac", 19}, {"ip", 17}, {"vlan", 6}, {"tlp", 9}},
		rows(from.Assets(ctx), "read assets", func(a inventory.Asset) [][]Cell {
			var out [][]Cell
			for _, x := range a.Addresses {
				out = append(out, []Cell{a.ID, a.Site, cmp.Or(x.Segment, a.Segment), a.Name, x.MAC, x.IP, number(x.VLAN), TLP{}})
			}
			return out
		}),
	}, nil
}

func components(ctx context.Context, from inventory.Source) (Table, error) {
	return Table{
		[]Column{
			{"asset", 20},
			{"site", 14},
			{"segment", 14},
			{"path", 24},
			{"name", 24},
			{"vendor", 20},
			{"family", 18},
			{"model", 24},
			{"order_number", 22},
			{"serial", 20},
			{"hardware", 10},
			{"firmware", 12},
			{"firmware_raw", 14},
			{"software", 12},
			{"os", 16},
			{"type", 16},
			{"cpe", 30},
			{"cpe_candidate", 30},
			{"confidence", 10},
			{"tlp", 9},
		},
		rows(from.Assets(ctx), "read assets", func(a inventory.Asset) [][]Cell {
			var out [][]Cell
			for _, c := range a.Components {
				out = append(out, []Cell{
					a.ID, a.Site, a.Segment, c.Path, c.Name, c.Vendor, c.Family, c.Model, c.OrderNumber,
					c.Serial, c.Hardware, c.Firmware, c.FirmwareRaw, c.Software, c.OS, c.Type, c.CPE,
					c.CPECandidate, Confidence(c.Confidence),
					TLP{},
				})
			}
			return out
		}),
	}, nil
}

func services(ctx context.Context, from inventory.Source) (Table, error) {
	return Table{
		[]Column{{"asset", 20}, {"site", 14}, {"segment", 14}, {"name", 24}, {"ips", 17}, {"transport", 10}, {"port", 7}, {"protocol", 14}, {"tlp", 9}},
		rows(from.Assets(ctx), "read assets", func(a inventory.Asset) [][]Cell {
			ips := each(a.Addresses, func(x inventory.Address) string { return x.IP })
			var out [][]Cell
			for _, s := range a.Services {
				out = append(out, []Cell{a.ID, a.Site, a.Segment, a.Name, ips, s.Transport, int(s.Port), s.Protocol, TLP{}})
			}
			return out
		}),
	}, nil
}

func ports(ctx context.Context, from inventory.Source) (Table, error) {
	return Table{
		[]Column{{"asset", 20}, {"site", 14}, {"segment", 14}, {"name", 24}, {"port", 20}, {"description", 24}, {"mac", 19}, {"vlan", 6}, {"tlp", 9}},
		rows(from.Assets(ctx), "read assets", func(a inventory.Asset) [][]Cell {
			var out [][]Cell
			for _, p := range a.Ports {
				out = append(out, []Cell{a.ID, a.Site, a.Segment, a.Name, p.Name, p.Description, p.MAC, number(p.VLAN), TLP{}})
			}
			return out
		}),
	}, nil
}

func neighbours(ctx context.Context, from inventory.Source) (Table, error) {
	return Table{
		[]Column{
			{"asset", 20},
			{"site", 14},
			{"segment", 14},
			{"name", 24},
			{"local_port", 20},
			{"neighbour", 20},
			{"neighbour_name", 24},
			{"remote_port", 20},
			{"via", 10},
			{"tlp", 9},
		},
		rows(from.Assets(ctx), "read assets", func(a inventory.Asset) [][]Cell {
			var out [][]Cell
			for _, n := range a.Neighbours {
				out = append(out, []Cell{a.ID, a.Site, a.Segment, a.Name, n.LocalPort, n.Asset, n.Name, n.RemotePort, n.Via, TLP{}})
			}
			return out
		}),
	}, nil
}
