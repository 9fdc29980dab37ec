package cyclonedx

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"time"

	cdx "github.com/CycloneDX/cyclonedx-go"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/inventory"
)

// roll is what must be known of all assets before the first is written: their names, because equal ones would be merged by
// Dependency-Track, and what services and conversations refer to.
type roll struct {
	lines map[string]line // by id
	said  bool            // a person said something of an asset
}

// line is what is kept of an asset.
type line struct {
	name     string // of its component
	version  string // of its hardware
	vendor   string
	zone     string
	via      string
	ips      []netip.Addr
	services []inventory.Service
	seen     time.Time
	remarks  []remark
	whole    cdx.CompositionAggregate
}

func callRoll(ctx context.Context, from inventory.Source) (*roll, error) {
	walks, err := readWalks(ctx, from)
	if err != nil {
		return nil, err
	}
	r := &roll{lines: map[string]line{}}
	taken := map[string]int{} // name and version
	for a, err := range from.Assets(ctx) {
		if err != nil {
			return nil, fmt.Errorf("read assets: %w", err)
		}
		a = tidy(a)
		l := line{
			name: deviceName(a), version: a.Hardware, vendor: a.Vendor, zone: text(a.Annotations["zone"]), via: a.Via, services: a.Services,
			seen: a.LastSeen, whole: walks.wholeness(a),
		}
		for _, note := range a.Notes {
			if note = discovery.Text(note); note != "" {
				l.remarks = append(l.remarks, remark{text: note})
			}
		}
		if note := discovery.Text(a.Annotations["remarks"]); note != "" {
			l.remarks = append(l.remarks, remark{note, true})
		}
		r.said = r.said || len(a.Annotations) > 0
		for _, address := range a.Addresses {
			if ip, err := netip.ParseAddr(address.IP); err == nil {
				l.ips = append(l.ips, ip)
			}
		}
		r.lines[a.ID] = l
		taken[l.name+"\n"+l.version]++
	}
	for id, l := range r.lines {
		if taken[l.name+"\n"+l.version] > 1 {
			l.name += " [" + id + "]"
			r.lines[id] = l
		}
	}
	return r, nil
}

func (r *roll) ids() []string { return slices.Sorted(maps.Keys(r.lines)) }

// deviceName is the label of an asset and its product, "conveyor-plc (750-8212)".
func deviceName(a inventory.Asset) string {
	label := a.Name
	for _, address := range a.Addresses {
		if label == "" {
			label = cmp.Or(address.IP, address.MAC)
		}
	}
	label = cmp.Or(label, a.ID)
	product := product(a.Identity)
	if product == "" || strings.Contains(label, product) {
		return label
	}
	return label + " (" + product + ")"
}

// product is the narrowest name that is known of what the thing is.
func product(i inventory.Identity) string {
	return cmp.Or(i.Model, i.Family, i.OrderNumber)
}
