// Package aas writes an inventory as Asset Administration Shells in JSON (IDTA 01001-3-0 and 01003, metamodel 3.0): a shell for each
// asset and each part with a nameplate of its own, with the submodel Digital Nameplate (IDTA 02006-3-0).
//
// What the template demands and nobody knows is there without a value; what it leaves open and nobody knows is not there.
package aas

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/exporters/tlp"
	"github.com/walkdown-ot/walkdown/inventory"
)

// Options are what an export can be given.
type Options struct {
	TLP string // the mark of the Traffic Light Protocol, an extension of each shell; empty means AMBER
}

// Export writes the environment. The assets are read twice: for the shells, and for their submodels.
func Export(ctx context.Context, from inventory.Source, to io.Writer, o Options) error {
	mark, err := tlp.Mark(o.TLP)
	if err != nil {
		return err
	}
	out := bufio.NewWriterSize(to, 1<<16)
	if err := list(ctx, from, out, "{\"assetAdministrationShells\":", func(t thing) any { return shellOf(t, mark) }); err != nil {
		return err
	}
	if err := list(ctx, from, out, ",\n\"submodels\":", func(t thing) any { return nameplateOf(t) }); err != nil {
		return err
	}
	if _, err := out.WriteString("}\n"); err != nil {
		return fmt.Errorf("write shells: %w", err)
	}
	if err := out.Flush(); err != nil {
		return fmt.Errorf("write shells: %w", err)
	}
	return nil
}

// list writes what is made of each asset and of each of its parts.
func list(ctx context.Context, from inventory.Source, out *bufio.Writer, head string, of func(thing) any) error {
	before := head + "[\n"
	for a, err := range from.Assets(ctx) {
		if err != nil {
			return fmt.Errorf("read assets: %w", err)
		}
		uri, err := uriOf(ctx, from, a)
		if err != nil {
			return err
		}
		things := []thing{{id: text(a.ID), asset: a, identity: a.Identity, name: a.Name, uri: uri}}
		for _, c := range a.Components {
			things = append(things, thing{id: text(a.ID + "/" + c.Path), asset: a, identity: c.Identity, name: c.Name, part: true})
		}
		for _, t := range things {
			encoded, err := json.Marshal(of(t))
			if err != nil {
				return fmt.Errorf("write shells: %w", err)
			}
			if _, err := out.WriteString(before + string(encoded)); err != nil {
				return fmt.Errorf("write shells: %w", err)
			}
			before = ",\n"
		}
	}
	end := "\n]"
	if before != ",\n" {
		end = head + "[]"
	}
	if _, err := out.WriteString(end); err != nil {
		return fmt.Errorf("write shells: %w", err)
	}
	return nil
}

// uriOf is the URI by which an OPC UA server says that the product is known all over the world, or empty.
func uriOf(ctx context.Context, from inventory.Source, a inventory.Asset) (string, error) {
	if !slices.Contains(a.Protocols, "opcua") {
		return "", nil
	}
	for e, err := range from.Evidence(ctx, a.ID) {
		if err != nil {
			return "", fmt.Errorf("read the evidence of %s: %w", a.ID, err)
		}
		if e.Fact.Key == "opcua.di-product-instance-uri" && e.Subject.Path == "" {
			return text(e.Fact.Value), nil
		}
	}
	return "", nil
}

// text is a clean text of at most as many bytes as the metamodel allows an identifier or a text of several languages.
func text(value string) string {
	const longest = 1023
	value = discovery.Text(value)
	if len(value) > longest {
		value = discovery.Text(value[:longest])
	}
	return value
}
