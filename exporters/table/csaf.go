package table

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/inventory"
)

// csaf has a row for each asset and each part, with what the product_identification_helper of an advisory is compared with (CSAF 2.0,
// section 3.1.3.3), in its own names. Values stand as the device spells them.
func csaf(ctx context.Context, from inventory.Source) (Table, error) {
	columns := []Column{
		{"asset", 20},
		{"path", 20},
		{"site", 14},
		{"segment", 14},
		{"name", 24},
		{"vendor", 20},
		{"product_name", 30},
		{"product_version", 14},
		{"cpe", 40},
		{"model_numbers", 30},
		{"purl", 10},
		{"serial_numbers", 20},
		{"skus", 22},
		{"x_generic_uris", 30},
		{"tlp", 9},
	}
	return Table{columns, func(yield func([]Cell, error) bool) {
		for a, err := range from.Assets(ctx) {
			var uris map[string][]string
			if err == nil {
				uris, err = urisOf(ctx, from, a)
			}
			if err != nil {
				yield(nil, fmt.Errorf("read assets: %w", err))
				return
			}
			row := func(path, name string, i inventory.Identity) []Cell {
				return []Cell{
					a.ID, path, a.Site, a.Segment, name, i.Vendor, cmp.Or(i.Model, i.OrderNumber, i.Family), cmp.Or(i.Firmware, i.FirmwareRaw),
					i.CPE,
					[]string{i.OrderNumber, i.Model},
					nil,
					[]string{i.Serial},
					[]string{i.OrderNumber},
					uris[path],
					TLP{},
				}
			}
			if !yield(row("", a.Name, a.Identity), nil) {
				return
			}
			for _, c := range a.Components {
				if !yield(row(c.Path, c.Name, c.Identity), nil) {
					return
				}
			}
		}
	}}, nil
}

// urisOf are the URIs by which a device says it is known, each behind its namespace, by path. Only OPC UA has such; no device tells a
// package URL.
func urisOf(ctx context.Context, from inventory.Source, a inventory.Asset) (map[string][]string, error) {
	if !slices.Contains(a.Protocols, "opcua") {
		return nil, nil
	}
	namespaces := map[discovery.Key]string{
		"opcua.di-product-instance-uri": "http://opcfoundation.org/UA/DI/",
		"opcua.application-uri":         "http://opcfoundation.org/UA/",
		"opcua.product-uri":             "http://opcfoundation.org/UA/",
	}
	uris := map[string][]string{}
	for e, err := range from.Evidence(ctx, a.ID) {
		if err != nil {
			return nil, err
		}
		if namespace := namespaces[e.Fact.Key]; namespace != "" && e.Mode != discovery.Deduced {
			uris[e.Subject.Path] = append(uris[e.Subject.Path], namespace+" "+e.Fact.Value)
		}
	}
	return uris, nil
}
