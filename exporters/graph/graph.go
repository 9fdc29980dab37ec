// Package graph writes an inventory as a network of nodes and edges: in GraphML (graphml.graphdrawing.org), which yEd, Gephi and NetworkX
// read, and in the DOT language of Graphviz. A node is an asset, or somebody who is no asset and talks to one or is plugged into one; an
// edge is a cable or a conversation.
package graph

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/exporters/tlp"
	"github.com/walkdown-ot/walkdown/inventory"
)

// Options are what an export can be given.
type Options struct {
	Site string // its name
	TLP  string // the mark of the Traffic Light Protocol; empty means AMBER
}

// node is an asset or a stranger.
type node struct {
	id, label string
	asset     bool
	fields    []field // known ones only
}

type field struct{ name, value string }

// edge is a cable or a conversation.
type edge struct {
	from, to string
	cable    bool
	label    string
	fields   []field
}

// drawing is one of the two languages.
type drawing interface {
	begin(site, mark string)
	// group begins the nodes of a site and a segment.
	group(name string)
	node(n node)
	edge(e edge)
	end() error
}

// GraphML writes GraphML.
func GraphML(ctx context.Context, from inventory.Source, to io.Writer, o Options) error {
	return export(ctx, from, newGraphML(to), o)
}

// DOT writes the language of Graphviz.
func DOT(ctx context.Context, from inventory.Source, to io.Writer, o Options) error {
	return export(ctx, from, newDOT(to), o)
}

// export draws the assets and whoever else has an edge, and then the edges. What is kept in memory is the ids of the strangers.
func export(ctx context.Context, from inventory.Source, d drawing, o Options) error {
	mark, err := tlp.Mark(o.TLP)
	if err != nil {
		return err
	}
	d.begin(discovery.Text(o.Site), mark)
	strangers := map[string]string{} // label by id
	place := ""
	for a, err := range from.Assets(ctx) {
		if err != nil {
			return fmt.Errorf("read assets: %w", err)
		}
		if at := discovery.Text(a.Site + " " + a.Segment); at != place {
			place = at
			d.group(place)
		}
		d.node(nodeOf(a))
		for _, n := range a.Neighbours {
			if n.Asset == "" {
				stranger(strangers, n.Name)
			}
		}
	}
	for c, err := range from.Conversations(ctx) {
		if err != nil {
			return fmt.Errorf("read conversations: %w", err)
		}
		for _, end := range []struct{ asset, address string }{{c.Client, c.ClientAddress()}, {c.Server, c.ServerAddress()}} {
			if end.asset == "" {
				stranger(strangers, end.address)
			}
		}
	}
	ids := make([]string, 0, len(strangers))
	for id := range strangers {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	d.group("")
	for _, id := range ids {
		d.node(node{id: id, label: strangers[id]})
	}
	if err := edges(ctx, from, d); err != nil {
		return err
	}
	if err := d.end(); err != nil {
		return fmt.Errorf("write graph: %w", err)
	}
	return nil
}

func edges(ctx context.Context, from inventory.Source, d drawing) error {
	for a, err := range from.Assets(ctx) {
		if err != nil {
			return fmt.Errorf("read assets: %w", err)
		}
		for _, n := range a.Neighbours {
			// A cable between two assets is told at both, and drawn from the first.
			if n.Asset == "" || a.ID <= n.Asset {
				d.edge(cable(a.ID, n))
			}
		}
		if a.Via != "" {
			d.edge(edge{from: a.Via, to: discovery.Text(a.ID), label: "behind", fields: []field{{"kind", "behind"}}})
		}
	}
	for c, err := range from.Conversations(ctx) {
		if err != nil {
			return fmt.Errorf("read conversations: %w", err)
		}
		d.edge(conversation(c))
	}
	return nil
}

// stranger gives the id of somebody who is no asset.
func stranger(known map[string]string, name string) string {
	label := cmp.Or(discovery.Text(name), "unknown")
	id := "x:" + label
	if known != nil {
		known[id] = label
	}
	return id
}

func nodeOf(a inventory.Asset) node {
	n := node{id: discovery.Text(a.ID), asset: true}
	ip, mac := "", ""
	for _, address := range a.Addresses {
		ip, mac = cmp.Or(ip, address.IP), cmp.Or(mac, address.MAC)
	}
	n.label = discovery.Text(cmp.Or(a.Name, ip, mac, a.ID))
	for _, f := range []field{
		{"site", a.Site},
		{"segment", a.Segment},
		{"zone", a.Annotations["zone"]},
		{"level", a.Level},
		{"type", cmp.Or(a.Type, a.ProposedType, a.Role)},
		{"vendor", a.Vendor},
		{"model", cmp.Or(a.Model, a.OrderNumber, a.Family)},
		{"firmware", a.Firmware},
		{"serial", a.Serial},
		{"ip", ip},
		{"mac", mac},
	} {
		n.fields = add(n.fields, f.name, f.value)
	}
	return n
}

func cable(from string, n inventory.Neighbour) edge {
	e := edge{from: discovery.Text(from), to: discovery.Text(n.Asset), cable: true, fields: []field{{"kind", "cable"}}}
	if n.Asset == "" {
		e.to = stranger(nil, n.Name)
	}
	e.fields = add(e.fields, "local_port", n.LocalPort)
	e.fields = add(e.fields, "remote_port", n.RemotePort)
	e.fields = add(e.fields, "via", n.Via)
	e.label = strings.Trim(discovery.Text(n.LocalPort)+" - "+discovery.Text(n.RemotePort), " -")
	return e
}

func conversation(c inventory.Conversation) edge {
	e := edge{from: discovery.Text(c.Client), to: discovery.Text(c.Server), fields: []field{{"kind", "conversation"}}}
	if c.Client == "" {
		e.from = stranger(nil, c.ClientAddress())
	}
	if c.Server == "" {
		e.to = stranger(nil, c.ServerAddress())
	}
	where := discovery.Text(c.Where())
	e.label = strings.TrimSpace(discovery.Text(c.Protocol) + " " + where)
	e.fields = add(e.fields, "protocol", c.Protocol)
	e.fields = add(e.fields, "port", where)
	e.fields = add(e.fields, "operations", strings.Join(c.Operations, ", "))
	e.fields = add(e.fields, "frequency", c.Frequency)
	e.fields = append(e.fields, field{"packets", fmt.Sprint(c.Packets)}, field{"bytes", fmt.Sprint(c.Bytes)}, field{"external", fmt.Sprint(c.External)})
	return e
}

func add(to []field, name, value string) []field {
	if value = discovery.Text(value); value != "" {
		to = append(to, field{name, value})
	}
	return to
}
