package cyclonedx

import (
	"cmp"
	"regexp"
	"slices"
	"strings"

	cdx "github.com/CycloneDX/cyclonedx-go"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/inventory"
)

// device is the component of an asset, with its firmware, its operating system and its parts inside.
func (e *exporter) device(a inventory.Asset, proofs proofs) cdx.Component {
	name := e.roll.lines[a.ID].name
	c := cdx.Component{
		BOMRef: a.ID, Type: cdx.ComponentTypeDevice, Manufacturer: organisation(a.Vendor), Name: name, Version: a.Hardware,
		Properties: deviceProperties(a),
		Evidence:   deviceEvidence(proofs, "", name, a.Name, a.Identity),
	}
	inside := software(c, "", a.Identity, proofs)
	for _, part := range a.Components {
		inside = append(inside, module(a.ID, name, part, proofs))
	}
	if e.Reproducible {
		slices.SortStableFunc(inside, func(a, b cdx.Component) int { return cmp.Compare(a.BOMRef, b.BOMRef) })
	}
	c.Components = orNil(inside)
	return c
}

// module is the component of a part with its own nameplate. Its path keeps its name and bom-ref unlike those of its siblings.
func module(asset, device string, part inventory.Component, proofs proofs) cdx.Component {
	path := text(part.Path)
	name := device + " / " + cmp.Or(part.Name, product(part.Identity), "part") + " (" + path + ")"
	c := cdx.Component{
		// A colon is what keeps the firmware's reference apart from a part's.
		BOMRef: asset + "/" + strings.ReplaceAll(path, ":", "%3A"),
		Type:   cdx.ComponentTypeDevice, Manufacturer: organisation(part.Vendor), Name: name, Version: part.Hardware,
		Properties: partProperties(part),
		Evidence:   deviceEvidence(proofs, part.Path, name, part.Name, part.Identity),
	}
	c.Components = orNil(software(c, part.Path, part.Identity, proofs))
	return c
}

// software gives the firmware and the operating system of a device, as far as they are known.
func software(device cdx.Component, path string, i inventory.Identity, proofs proofs) []cdx.Component {
	var all []cdx.Component
	if i.Firmware != "" {
		c := cdx.Component{
			BOMRef: device.BOMRef + ":firmware", Type: cdx.ComponentTypeFirmware, Manufacturer: device.Manufacturer,
			Name: cmp.Or(product(i), device.Name) + " firmware", Version: i.Firmware,
		}
		identities := []cdx.EvidenceIdentity{
			proofs.identity(cdx.EvidenceIdentityFieldTypeVersion, path, c.Version, i.Confidences["firmware"],
				claim{discovery.KeyFirmware, i.Firmware}, claim{discovery.KeyFirmwareRaw, i.FirmwareRaw}),
		}
		if isUsable(i.CPE, i.Firmware) {
			c.CPE = i.CPE
			identities = append(identities, proofs.identity(cdx.EvidenceIdentityFieldTypeCPE, path, c.CPE, i.Confidences["cpe"],
				claim{discovery.KeyCPE, i.CPE}))
		}
		c.Evidence = evidence(identities)
		all = append(all, unlike(c, device))
	}
	if i.OS != "" {
		c := cdx.Component{BOMRef: device.BOMRef + ":os", Type: cdx.ComponentTypeOS, Name: i.OS}
		c.Evidence = evidence([]cdx.EvidenceIdentity{
			proofs.identity(cdx.EvidenceIdentityFieldTypeName, path, c.Name, i.Confidences["os"], claim{discovery.KeyOS, i.OS}),
		})
		all = append(all, unlike(c, device))
	}
	return all
}

// unlike renames software that would have the name and version of its device: Dependency-Track would take both for one.
func unlike(c, device cdx.Component) cdx.Component {
	if c.Name == device.Name && c.Version == device.Version {
		c.Name += " (" + string(c.Type) + ")"
	}
	return c
}

// deviceEvidence is what the name and the hardware version of a device rest on.
func deviceEvidence(proofs proofs, path, name, label string, i inventory.Identity) *cdx.Evidence {
	var identities []cdx.EvidenceIdentity
	if i.Vendor+i.Family+i.Model+i.OrderNumber+label != "" {
		identities = append(identities, proofs.identity(cdx.EvidenceIdentityFieldTypeName, path, name, lowest(i, "vendor", "family", "model"),
			claim{discovery.KeyName, label}, claim{discovery.KeyVendor, i.Vendor}, claim{discovery.KeyFamily, i.Family},
			claim{discovery.KeyModel, i.Model}, claim{discovery.KeyOrderNumber, i.OrderNumber}))
	}
	if i.Hardware != "" {
		identities = append(identities, proofs.identity(cdx.EvidenceIdentityFieldTypeVersion, path, i.Hardware,
			i.Confidences["hardware"], claim{discovery.KeyHardware, i.Hardware}))
	}
	return evidence(identities)
}

// lowest is the least confidence among the fields that have one.
func lowest(i inventory.Identity, fields ...string) float32 {
	var least float32
	for _, f := range fields {
		if c := i.Confidences[f]; c > 0 && (least == 0 || c < least) {
			least = c
		}
	}
	return cmp.Or(least, i.Confidence)
}

// cpeName is a formatted string of CPE 2.3 (NISTIR 7695 section 6.2) and its version.
var cpeName = func() *regexp.Regexp {
	const value = `(?:\*|(?:[\w.\-]|\\[[:punct:]])+)`
	return regexp.MustCompile(`^cpe:2\.3:[ao]:` + value + `:` + value + `:(` + value + `)(?::` + value + `){7}$`)
}()

// isUsable reports whether a CPE may stand on the firmware: it names software, and a version. One without a version matches
// every vulnerability that was ever found in the product.
func isUsable(cpe, firmware string) bool {
	m := cpeName.FindStringSubmatch(cpe)
	return firmware != "" && m != nil && m[1] != "*" && m[1] != "-"
}

func organisation(name string) *cdx.OrganizationalEntity {
	if name == "" {
		return nil
	}
	return &cdx.OrganizationalEntity{Name: name}
}

func orNil[T any](all []T) *[]T {
	if len(all) == 0 {
		return nil
	}
	return &all
}
