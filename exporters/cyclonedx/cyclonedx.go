// Package cyclonedx writes an inventory as a CycloneDX bill of materials, 1.6 or 1.7 (ECMA-424), in JSON or XML: what was found in a
// network, how that is known, and who talks to whom.
//
// An asset is a component of type device; its firmware and operating system are components of their own inside it, because
// they are what vulnerabilities are matched against, and so are its parts. What CycloneDX has a property for stands under
// "cdx:device:", the rest under "walkdown:" (docs/cyclonedx-properties.md). Each identity carries the evidence it rests on.
// A service is what listens on an asset; its data flows are the conversations with it.
//
// The document is written as it is read, one component at a time, so that its size does not matter. What is kept of each asset
// is a line: its name, its services, and what it lives behind.
package cyclonedx

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	cdx "github.com/CycloneDX/cyclonedx-go"

	"github.com/walkdown-ot/walkdown/exporters/tlp"
	"github.com/walkdown-ot/walkdown/inventory"
)

// Options are what an export can be given.
type Options struct {
	Time         time.Time // when the export was made
	Version      string    // of walkdown
	Site         string    // name of the site, or of the system under consideration
	SiteID       string    // identifies the site for good; empty means Site
	Revision     int       // counts the contents that were exported of this site; 0 means 1
	Reproducible bool      // equal inventories give equal bytes: no time, arrays sorted by bom-ref
	TLP          string    // the mark of the Traffic Light Protocol; empty means AMBER
	Spec         string    // version of the specification: 1.6 or 1.7; empty means 1.6
	XML          bool      // XML in place of JSON
	Profile      string    // DependencyTrack; empty means none

	spec      cdx.SpecVersion
	elsewhere map[string]string // serial numbers of other documents, by the assets in them
}

// Specs are the versions of the specification, in a slice of its own.
func Specs() []string { return []string{"1.6", "1.7"} }

// siteRef is the bom-ref of the site. Those of assets begin with "a-".
const siteRef = "site"

// Export writes the inventory. It reads the assets twice, and the evidence of each while the assets are being read. What was
// written before an error is not a document.
func Export(ctx context.Context, from inventory.Source, to io.Writer, o Options) error {
	o, err := o.checked()
	if err != nil {
		return err
	}
	roll, err := callRoll(ctx, from)
	if err != nil {
		return err
	}
	e := exporter{Options: o, from: from, roll: roll, serial: serialNumber(o)}
	e.out = newDocument(to, o, e.serial)
	if err := e.write(ctx); err != nil {
		return fmt.Errorf("write CycloneDX: %w", err)
	}
	return nil
}

// checked gives the options with what was left out, or says what is wrong with them.
func (o Options) checked() (Options, error) {
	var err error
	if o.TLP, err = tlp.Mark(o.TLP); err != nil {
		return o, err
	}
	switch o.Spec {
	case "", "1.6":
		o.spec = cdx.SpecVersion1_6
	case "1.7":
		o.spec = cdx.SpecVersion1_7
	default:
		return o, fmt.Errorf("CycloneDX %q is not written: want %s", o.Spec, strings.Join(Specs(), " or "))
	}
	switch {
	case o.Profile != "" && o.Profile != DependencyTrack:
		return o, fmt.Errorf("there is no profile %q: want %s", o.Profile, DependencyTrack)
	case o.Profile == DependencyTrack && o.spec != cdx.SpecVersion1_6:
		return o, fmt.Errorf("the profile %s is CycloneDX 1.6: older versions of it refuse %s", DependencyTrack, o.spec)
	}
	o.Site = cmp.Or(o.Site, "default")
	o.SiteID = cmp.Or(o.SiteID, o.Site)
	o.Revision = max(o.Revision, 1)
	return o, nil
}

type exporter struct {
	Options
	from   inventory.Source
	roll   *roll
	serial string // a UUID
	out    *document
}

func (e *exporter) write(ctx context.Context) error {
	e.out.member(e.out, "metadata", e.metadata())
	if err := e.components(ctx); err != nil {
		return err
	}
	if err := e.services(ctx); err != nil {
		return err
	}
	e.dependencies()
	e.compositions()
	e.annotations()
	return e.out.close()
}

func (e *exporter) metadata() cdx.Metadata {
	lifecycles := []cdx.Lifecycle{{Phase: cdx.LifecyclePhaseDiscovery}}
	if e.roll.said { // people have looked at it
		lifecycles = append(lifecycles, cdx.Lifecycle{Phase: cdx.LifecyclePhaseOperations})
	}
	m := cdx.Metadata{
		Lifecycles: &lifecycles,
		Tools: &cdx.ToolsChoice{Components: &[]cdx.Component{{
			BOMRef: "walkdown", Type: cdx.ComponentTypeApplication, Name: "walkdown", Version: e.Version,
			ExternalReferences: &[]cdx.ExternalReference{{URL: "https://github.com/walkdown-ot/walkdown", Type: cdx.ERTypeVCS}},
		}}},
		Component: &cdx.Component{BOMRef: siteRef, Type: cdx.ComponentTypePlatform, Name: text(e.Site)},
	}
	var p properties
	p.add("walkdown:tlp", e.TLP)
	if e.spec >= cdx.SpecVersion1_7 {
		m.DistributionConstraints = &cdx.DistributionConstraints{TLP: mark(e.TLP)}
	}
	if e.Reproducible {
		p.add("cdx:reproducible", "true")
	} else {
		m.Timestamp = e.Time.UTC().Format(time.RFC3339)
	}
	m.Properties = p.sorted()
	return m
}

// mark is the mark of the Traffic Light Protocol as CycloneDX spells it.
func mark(tlp string) cdx.TLPClassification {
	return cdx.TLPClassification(strings.ReplaceAll(tlp, "+", "_AND_"))
}

// components writes each asset with its parts.
func (e *exporter) components(ctx context.Context) error {
	list := e.list("components", "component")
	defer list.discard()
	for asset, err := range e.from.Assets(ctx) {
		if err != nil {
			return fmt.Errorf("read assets: %w", err)
		}
		proofs, err := readProofs(ctx, e.from, asset.ID)
		if err != nil {
			return err
		}
		device := e.device(tidy(asset), proofs)
		e.fit(&device)
		if err := list.add(asset.ID, device); err != nil {
			return err
		}
	}
	return list.close()
}

// dependencies tells what lives behind a gateway: a real dependency, unlike talking to each other.
func (e *exporter) dependencies() {
	var all []cdx.Dependency
	for _, id := range e.roll.ids() {
		via := e.roll.lines[id].via
		if _, known := e.roll.lines[via]; known {
			all = append(all, cdx.Dependency{Ref: id, Dependencies: &[]string{via}})
		}
	}
	writeList(e.out, "dependencies", "dependency", all)
}
