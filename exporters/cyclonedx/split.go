package cyclonedx

import (
	"context"
	"fmt"
	"io"
	"iter"
	"regexp"
	"slices"
	"strings"

	"github.com/walkdown-ot/walkdown/inventory"
)

// Splits are what documents can be split by, in a slice of its own.
func Splits() []string { return []string{"site", "zone", "segment"} }

// group is the assets of one document.
type group struct {
	name string
	ids  map[string]bool
}

// ExportSplit writes a document for each site, zone or segment. A client in another document is named by a BOM-Link to that one.
// The inventory is read once for each document.
func ExportSplit(ctx context.Context, from inventory.Source, into func(name string, write func(io.Writer) error) error, by string, o Options) error {
	if !slices.Contains(Splits(), by) {
		return fmt.Errorf("cannot split by %q: want %s", by, strings.Join(Splits(), ", "))
	}
	o, err := o.checked()
	if err != nil {
		return err
	}
	groups := map[string]*group{}
	var names []string
	serials := map[string]string{} // of the document that an asset is in
	for a, err := range from.Assets(ctx) {
		if err != nil {
			return fmt.Errorf("read assets: %w", err)
		}
		name := groupOf(a, by)
		if groups[name] == nil {
			groups[name] = &group{name: name, ids: map[string]bool{}}
			names = append(names, name)
		}
		groups[name].ids[a.ID] = true
		serials[a.ID] = serialNumber(o.of(name))
	}
	slices.Sort(names)
	extension := ".cdx.json"
	if o.XML {
		extension = ".cdx.xml"
	}
	taken := map[string]int{}
	for _, name := range names {
		file := fileName(name)
		if taken[file]++; taken[file] > 1 {
			file = fmt.Sprintf("%s-%d", file, taken[file])
		}
		one := o.of(name)
		one.elsewhere = serials
		if err := into(file+extension, func(to io.Writer) error {
			return Export(ctx, part{from, groups[name].ids}, to, one)
		}); err != nil {
			return err
		}
	}
	return nil
}

// of gives the options of the document of a group.
func (o Options) of(name string) Options {
	o.SiteID += "\n" + name
	o.Site = name
	return o
}

func groupOf(a inventory.Asset, by string) string {
	switch by {
	case "zone":
		if zone := text(a.Annotations["zone"]); zone != "" {
			return zone
		}
		return "no zone"
	case "segment":
		return text(a.Site + " " + a.Segment)
	}
	return text(a.Site)
}

var noFile = regexp.MustCompile(`[^a-z0-9]+`)

// fileName is a name that every file system takes.
func fileName(name string) string {
	const longest = 60
	name = strings.Trim(noFile.ReplaceAllString(strings.ToLower(name), "-"), "-")
	if name == "" {
		name = "unnamed"
	}
	return strings.Trim(name[:min(len(name), longest)], "-")
}

// part is the inventory of some assets, with the conversations that one of them has a part in.
type part struct {
	inventory.Source
	ids map[string]bool
}

func (p part) Assets(ctx context.Context) iter.Seq2[inventory.Asset, error] {
	return keep(p.Source.Assets(ctx), func(a inventory.Asset) bool { return p.ids[a.ID] })
}

// Conversations are told where the server is, and where the client is if the server is in no document.
func (p part) Conversations(ctx context.Context) iter.Seq2[inventory.Conversation, error] {
	return keep(p.Source.Conversations(ctx), func(c inventory.Conversation) bool {
		return p.ids[c.Server] || c.Server == "" && p.ids[c.Client]
	})
}

func keep[T any](list iter.Seq2[T, error], wanted func(T) bool) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for one, err := range list {
			if (err != nil || wanted(one)) && !yield(one, err) {
				return
			}
		}
	}
}
