package netbox

import (
	"cmp"
	"context"
	"crypto/sha256"
	"fmt"
	"regexp"
	"strings"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/inventory"
)

// How long NetBox's columns are, in characters.
const (
	longName   = 100 // sites, manufacturers, models, slugs
	deviceName = 64  // and interfaces, inventory items
	serialText = 50  // and part numbers
	briefText  = 200 // descriptions
)

// unknown stands where NetBox wants a name and nobody knows one.
const unknown = "Unknown"

func readCatalogue(ctx context.Context, from inventory.Source) (*catalogue, error) {
	c := &catalogue{
		names: map[string]string{}, sites: map[string]bool{}, makers: map[string]bool{}, roles: map[string]bool{},
		types: map[deviceType]string{}, segments: map[segment]bool{},
	}
	taken := map[string]bool{}
	for a, err := range from.Assets(ctx) {
		if err != nil {
			return nil, fmt.Errorf("read assets: %w", err)
		}
		c.names[a.ID] = uniqueName(taken, label(a), a.ID)
		c.sites[siteOf(a)] = true
		c.roles[roleOf(a)] = true
		t := typeOf(a)
		c.makers[t.maker] = true
		c.types[t] = cmp.Or(c.types[t], text(a.OrderNumber, serialText))
		for _, address := range a.Addresses {
			if address.IP != "" {
				c.segments[segmentOf(a, address)] = true
			}
		}
		for _, part := range a.Components {
			if part.Vendor != "" {
				c.makers[text(part.Vendor, longName)] = true
			}
		}
	}
	return c, nil
}

// uniqueName is the label, with the end of the id behind it where another device has that label.
func uniqueName(taken map[string]bool, label, id string) string {
	name := text(label, deviceName)
	if taken[strings.ToLower(name)] {
		suffix := " " + text(id, deviceName/2)
		name = text(label, deviceName-len(suffix)) + suffix
	}
	taken[strings.ToLower(name)] = true
	return name
}

func label(a inventory.Asset) string {
	for _, address := range a.Addresses {
		if a.Name == "" {
			a.Name = cmp.Or(address.IP, address.MAC)
		}
	}
	return cmp.Or(text(a.Name, deviceName), a.ID)
}

func siteOf(a inventory.Asset) string { return cmp.Or(text(a.Site, longName), "default") }

func roleOf(a inventory.Asset) string {
	return cmp.Or(text(a.Type, longName), text(a.ProposedType, longName), text(a.Role, longName), unknown)
}

// typeOf is the model under its maker.
func typeOf(a inventory.Asset) deviceType {
	return deviceType{
		cmp.Or(text(a.Vendor, longName), unknown),
		cmp.Or(text(a.Model, longName), text(a.OrderNumber, longName), text(a.Family, longName), unknown),
	}
}

func segmentOf(a inventory.Asset, address inventory.Address) segment {
	return segment{siteOf(a), cmp.Or(text(address.Segment, longName), text(a.Segment, longName), "default")}
}

// vrf is the name of the VRF of a segment.
func (s segment) vrf() string { return text(s.site+" "+s.name, longName) }

// distinguisher is by what an address names its VRF: NetBox has 21 characters for it, and wants it unique.
func (s segment) distinguisher() string {
	return fmt.Sprintf("walkdown:%x", sha256.Sum256([]byte(s.site+"\n"+s.name)))[:21]
}

func compareTypes(a, b deviceType) int {
	return cmp.Or(cmp.Compare(a.maker, b.maker), cmp.Compare(a.model, b.model))
}

func compareSegments(a, b segment) int {
	return cmp.Or(cmp.Compare(a.site, b.site), cmp.Compare(a.name, b.name))
}

// text is a clean text of at most so many bytes.
func text(value string, most int) string {
	value = discovery.Text(value)
	if len(value) > most {
		value = strings.TrimSpace(strings.ToValidUTF8(value[:most], ""))
	}
	return value
}

// slugs are unique in their kind.
type slugs map[string]bool

func newSlugs() slugs { return slugs{} }

var noSlug = regexp.MustCompile(`[^a-z0-9]+`)

func (s slugs) of(kind, name string) string {
	const room = 4 // for a number
	slug := strings.Trim(noSlug.ReplaceAllString(strings.ToLower(name), "-"), "-")
	slug = cmp.Or(strings.Trim(slug[:min(len(slug), longName-room)], "-"), "unnamed")
	unique := slug
	for n := 2; s[kind+"\n"+unique]; n++ {
		unique = fmt.Sprintf("%s-%d", slug, n)
	}
	s[kind+"\n"+unique] = true
	return unique
}
