// Package cyclonedx writes an inventory as a CycloneDX 1.6 bill of materials in JSON (ECMA-424, first edition): what was found in
// a network, how that is known, and who talks to whom.
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
	"context"
	"fmt"
	"io"
	"slices"
	"time"

	cdx "github.com/CycloneDX/cyclonedx-go"

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
}

// siteRef is the bom-ref of the site. Those of assets begin with "a-".
const siteRef = "site"

// Export writes the inventory. It reads the assets twice, and the evidence of each while the assets are being read. What was
// written before an error is not a document.
func Export(ctx context.Context, from inventory.Source, to io.Writer, o Options) error {
	if o.TLP == "" {
		o.TLP = "AMBER"
	}
	if !slices.Contains([]string{"CLEAR", "GREEN", "AMBER", "AMBER+STRICT", "RED"}, o.TLP) {
		return fmt.Errorf("unknown mark of the Traffic Light Protocol %q: want CLEAR, GREEN, AMBER, AMBER+STRICT or RED", o.TLP)
	}
	if o.Site == "" {
		o.Site = "default"
	}
	if o.SiteID == "" {
		o.SiteID = o.Site
	}
	o.Revision = max(o.Revision, 1)
	roll, err := callRoll(ctx, from)
	if err != nil {
		return err
	}
	e := exporter{Options: o, from: from, roll: roll, serial: serialNumber(o), out: newStream(to)}
	if err := e.write(ctx); err != nil {
		return fmt.Errorf("write CycloneDX: %w", err)
	}
	return nil
}

type exporter struct {
	Options
	from   inventory.Source
	roll   *roll
	serial string // a UUID
	out    *stream
}

func (e *exporter) write(ctx context.Context) error {
	e.out.member("$schema", "http://cyclonedx.org/schema/bom-1.6.schema.json")
	e.out.member("bomFormat", cdx.BOMFormat)
	e.out.member("specVersion", cdx.SpecVersion1_6)
	e.out.member("serialNumber", "urn:uuid:"+e.serial)
	e.out.member("version", e.Revision)
	e.out.member("metadata", e.metadata())
	if err := e.components(ctx); err != nil {
		return err
	}
	if err := e.services(ctx); err != nil {
		return err
	}
	e.dependencies()
	// What was found is not all there is: nobody can know that of a network.
	e.out.member("compositions", []cdx.Composition{
		{Aggregate: cdx.CompositionAggregateUnknown, Assemblies: &[]cdx.BOMReference{siteRef}},
	})
	return e.out.close()
}

func (e *exporter) metadata() cdx.Metadata {
	m := cdx.Metadata{
		Lifecycles: &[]cdx.Lifecycle{{Phase: cdx.LifecyclePhaseDiscovery}},
		Tools: &cdx.ToolsChoice{Components: &[]cdx.Component{{
			BOMRef: "walkdown", Type: cdx.ComponentTypeApplication, Name: "walkdown", Version: e.Version,
			ExternalReferences: &[]cdx.ExternalReference{{URL: "https://github.com/walkdown-ot/walkdown", Type: cdx.ERTypeVCS}},
		}}},
		Component: &cdx.Component{BOMRef: siteRef, Type: cdx.ComponentTypePlatform, Name: text(e.Site)},
	}
	var p properties
	p.add("walkdown:tlp", e.TLP)
	if e.Reproducible {
		p.add("cdx:reproducible", "true")
	} else {
		m.Timestamp = e.Time.UTC().Format(time.RFC3339)
	}
	m.Properties = p.sorted()
	return m
}

// components writes each asset with its parts.
func (e *exporter) components(ctx context.Context) error {
	list := e.list("components")
	defer list.discard()
	for asset, err := range e.from.Assets(ctx) {
		if err != nil {
			return fmt.Errorf("read assets: %w", err)
		}
		proofs, err := readProofs(ctx, e.from, asset.ID)
		if err != nil {
			return err
		}
		if err := list.add(asset.ID, e.device(tidy(asset), proofs)); err != nil {
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
	if len(all) > 0 {
		e.out.member("dependencies", all)
	}
}
