package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/fingerprints"
	"github.com/walkdown-ot/walkdown/inventory"
	"github.com/walkdown-ot/walkdown/inventory/sheet"
	"github.com/walkdown-ot/walkdown/inventory/sqlite"
)

// intake is what a sheet says otherwise than the inventory.
type intake struct {
	differences []difference
	problems    []problem
	annotations []inventory.Annotation
	statements  []plateWord           // about assets that are known
	entered     []entry               // devices that only people know of
	taken       [][]discovery.Subject // of these, what those were entered under that were entered by mistake
}

// plateWord is what a person says of a nameplate.
type plateWord struct {
	about  discovery.Subject
	fields map[string]string
}

// entry is a device that only people know of.
type entry struct {
	plateWord
	bound []discovery.Subject // its IPs beside its MAC
	said  map[string]string
}

// problem is why a line, or a value of it, is left out.
type problem struct {
	line int
	text string
}

func (in *intake) problem(line int, format string, args ...any) {
	in.problems = append(in.problems, problem{line, fmt.Sprintf(format, args...)})
}

// prepare compares a sheet with the inventory.
func (c annotateCmd) prepare(a *app, table *sheet.Sheet) (*intake, error) {
	store, err := a.openToRead()
	if err != nil {
		return nil, err
	}
	defer store.Close() //nolint:errcheck // it was only read
	kind := sheetKind(table)
	passed, err := registerColumns(a, store, kind)
	if err != nil {
		return nil, err
	}
	l, err := inventory.NewList(table.Heads, inventory.FieldsOf(kind), passed, addressesOf)
	switch {
	case err != nil:
		return nil, failed(fmt.Errorf("read the heads of the sheet: %w", err), "")
	case !l.Identifies():
		return nil, failed(errors.New("no column of the sheet tells whom a line is about"), "columns that do: id, serial, mac, ip with segment")
	case c.TakeBack && kind != "a-":
		return nil, failed(errors.New("only devices are taken back, and the sheet is about something else"), "")
	case len(l.Names()) == 0 && !c.Add && !c.TakeBack:
		return nil, failed(errors.New("the sheet has no column that people fill in"), "`walkdown annotate --template` makes a sheet with all of them")
	}
	lines := make([]inventory.Line, len(table.Rows))
	for i, row := range table.Rows {
		lines[i] = l.Line(row.Line, row.Cells)
	}
	in := &intake{}
	if kind == "a-" {
		return in, c.assets(a, store, lines, in)
	}
	return in, register(a, store, kind, lines, in)
}

// sheetKind is the beginning of the ids in a sheet; without any, it is about assets.
func sheetKind(table *sheet.Sheet) string {
	for i, head := range table.Heads {
		switch inventory.ColumnName(head) {
		case "id", "asset_id", "conduit_id", "external_id", "zone_id":
		default:
			continue
		}
		for _, row := range table.Rows {
			if id := strings.TrimSpace(row.Cells[i]); len(id) > 2 && inventory.FieldsOf(id) != nil {
				return id[:2]
			}
		}
	}
	return "a-"
}

// newFinder finds the assets of an inventory that lines of sheets and lists are about.
func newFinder(ctx context.Context, store *sqlite.Store) (*inventory.Finder, error) {
	renamed, err := store.Renamed(ctx)
	if err != nil {
		return nil, err
	}
	finder := inventory.NewFinder(renamed)
	for v, err := range store.Assets(ctx) {
		if err != nil {
			return nil, err
		}
		finder.Add(v)
	}
	return finder, nil
}

// assets compares lines about assets.
func (c annotateCmd) assets(a *app, store *sqlite.Store, lines []inventory.Line, in *intake) error {
	engine, err := a.engine()
	if err != nil {
		return err
	}
	finder, err := newFinder(a.ctx, store)
	if err != nil {
		return err
	}
	about := map[string]inventory.Line{} // by asset
	entered := map[discovery.Subject]int{}
	for _, line := range lines {
		id, err := c.find(a, store, finder, line)
		switch {
		case err == nil && about[id].Number > 0:
			in.problem(line.Number, "it is about %s, like line %d", id, about[id].Number)
		case err == nil:
			about[id] = line
		case c.Add && (errors.Is(err, inventory.ErrUnknown) || errors.Is(err, inventory.ErrUnidentified)):
			c.enter(a, engine, line, entered, in)
		case errors.Is(err, inventory.ErrUnknown), errors.Is(err, inventory.ErrUnidentified):
			in.problem(line.Number, "%v: %s (--add enters it as a device that only people know of)", err, whoText(line.Who))
		default:
			in.problem(line.Number, "%v", err)
		}
	}
	if c.TakeBack {
		return takeBack(a, store, about, in)
	}
	stated, err := statedFacts(a, store)
	if err != nil {
		return err
	}
	var found []foundAsset
	for v, err := range store.Assets(a.ctx) {
		if err != nil {
			return err
		}
		if line, ok := about[v.ID]; ok {
			found = append(found, foundAsset{line, v, stated[v.ID]})
		}
	}
	slices.SortFunc(found, func(x, y foundAsset) int { return x.line.Number - y.line.Number })
	for _, f := range found {
		if err := compareAsset(a, store, engine, f, in); err != nil {
			return err
		}
	}
	slices.SortStableFunc(in.differences, func(x, y difference) int { return x.Line - y.Line })
	return nil
}

type foundAsset struct {
	line   inventory.Line
	asset  inventory.Asset
	stated map[string]string
}

// find finds the asset of a line; a device without an address by what it was entered under.
func (annotateCmd) find(a *app, store *sqlite.Store, finder *inventory.Finder, line inventory.Line) (string, error) {
	id, _, err := finder.Find(line.Who)
	if err == nil || errors.Is(err, inventory.ErrAmbiguous) {
		return id, err
	}
	subject, ok := enteredSubject(a, line)
	if !ok {
		return "", err
	}
	known, storeErr := store.AssetOf(a.ctx, subject)
	if storeErr != nil {
		return "", storeErr
	}
	if known != "" {
		return known, nil
	}
	return "", err
}

// place is the site and segment of a line.
func linePlace(a *app, line inventory.Line) discovery.Subject {
	return discovery.Subject{Site: first(line.Who.Site, a.common.Site), Segment: first(line.Who.Segment, a.common.Segment, "default")}
}

// enteredSubject is what a device without an address is entered under: vendor and serial number, else its name.
func enteredSubject(a *app, line inventory.Line) (discovery.Subject, bool) {
	value := inventory.ColumnName(line.Who.Serial)
	if value == "" {
		value = inventory.ColumnName(line.Who.Name)
	} else {
		value = strings.Trim(inventory.ColumnName(line.Who.Vendor)+"_"+value, "_")
	}
	return linePlace(a, line).At(inventory.PathEntered, value), value != "" && len(line.Who.MACs) == 0 && len(line.Who.IPs) == 0
}

// whoText says whom a line is about, as far as it says anything.
func whoText(w inventory.Who) string {
	var words []string
	for _, part := range []struct{ name, value string }{
		{"id", w.ID},
		{"serial", w.Serial},
		{"mac", strings.Join(w.MACs, " ")},
		{"ip", strings.Join(w.IPs, " ")},
		{"segment", w.Segment},
		{"name", w.Name},
	} {
		if part.value != "" {
			words = append(words, part.name+" "+part.value)
		}
	}
	if len(words) == 0 {
		return "the line names nobody"
	}
	return strings.Join(words, ", ")
}

// compareAsset tells what a line says otherwise of the asset that it is about.
func compareAsset(a *app, store *sqlite.Store, engine *fingerprints.Engine, f foundAsset, in *intake) error {
	name := first(f.asset.Name, firstAddress(f.asset), f.asset.ID)
	changed := annotations(f.asset.ID, name, f.line, inventory.Fields(), f.asset.Annotations, in)
	in.annotations = append(in.annotations, changed...)
	fields := map[string]string{}
	for _, field := range inventory.NameplateFields() {
		value, given := f.line.Stated[field]
		// Of a device that only people know of, the columns that find it are people's word too.
		if plate := f.line.Plate[field]; f.asset.Seen == "" && plate != "" && (value == "" || value == f.stated[field]) {
			value, given = plate, true
		}
		value, err := statedValue(engine, field, value)
		if err != nil {
			in.problem(f.line.Number, "%v", err)
			continue
		}
		if !given || value == f.stated[field] {
			continue
		}
		d := difference{Line: f.line.Number, Of: f.asset.ID, Name: name, Field: inventory.NameplatePrefix + field, Old: f.stated[field], New: value}
		only := inventory.Line{Plate: map[string]string{field: value}}
		for _, m := range inventory.Mismatches(only, f.asset) {
			if m.Observed != f.stated[field] { // what only a person said is no observation
				d.Observed = m.Observed
			}
		}
		in.differences = append(in.differences, d)
		fields[field] = value
	}
	if len(fields) == 0 {
		return nil
	}
	subject, err := subjectOf(a, store, f.asset)
	if err != nil {
		return err
	}
	in.statements = append(in.statements, plateWord{subject, fields})
	return nil
}

// annotations are the fields of a line that differ from what is in effect.
func annotations(of, name string, line inventory.Line, fields []inventory.Field, before map[string]string, in *intake) []inventory.Annotation {
	var out []inventory.Annotation
	for _, field := range inOrder(line.Said) {
		stored, value, err := inventory.CheckAnnotation(fields, field, line.Said[field])
		if err != nil {
			in.problem(line.Number, "%v", err)
			continue
		}
		if value == before[stored] {
			continue
		}
		in.differences = append(in.differences, difference{Line: line.Number, Of: of, Name: name, Field: stored, Old: before[stored], New: value})
		out = append(out, inventory.Annotation{Of: of, Attribute: stored, Value: value})
	}
	return out
}

// statedValue is a person's word for a nameplate field in its one spelling.
func statedValue(engine *fingerprints.Engine, field, value string) (string, error) {
	value = discovery.Text(value)
	switch {
	case value == "":
	case field == "vendor":
		value = engine.Vendor(value)
	case field == "type":
		value = strings.ReplaceAll(strings.ToLower(value), " ", "-")
		if !engine.IsType(value) {
			return "", fmt.Errorf("%stype: %q is no type of device: docs/json.md lists them", inventory.NameplatePrefix, value)
		}
	}
	return value, nil
}

// subjectOf is the address that a person's word about an asset is kept under: its first MAC, else its first IP, else what it was
// entered under.
func subjectOf(a *app, store *sqlite.Store, v inventory.Asset) (discovery.Subject, error) {
	for _, wanted := range []func(inventory.Address) string{mac, ip} {
		for _, address := range v.Addresses {
			if wanted(address) == "" {
				continue
			}
			s := discovery.Subject{Site: v.Site, Segment: first(address.Segment, v.Segment)}
			if m, err := discovery.ParseMAC(address.MAC); err == nil {
				s.MAC = m
				return s, nil
			}
			s.IP, _ = netip.ParseAddr(address.IP) // it comes from the inventory
			return s, nil
		}
	}
	subjects, err := store.Subjects(a.ctx, v.ID)
	if err != nil {
		return discovery.Subject{}, err
	}
	if len(subjects) == 0 {
		return discovery.Subject{}, fmt.Errorf("asset %s has no address", v.ID)
	}
	return subjects[0], nil
}

// enter makes a device that only people know of.
func (annotateCmd) enter(a *app, engine *fingerprints.Engine, line inventory.Line, entered map[discovery.Subject]int, in *intake) {
	e := entry{said: map[string]string{}}
	e.fields = map[string]string{}
	place := linePlace(a, line)
	for _, text := range line.Who.MACs {
		m, err := discovery.ParseMAC(text)
		if err != nil || m.IsGroup() || m.IsZero() {
			in.problem(line.Number, "%q is no MAC of a device", text)
			return
		}
		if e.about.MAC.IsZero() {
			e.about = place
			e.about.MAC = m
		}
	}
	for _, text := range line.Who.IPs {
		addr, err := netip.ParseAddr(text)
		if err != nil || addr.IsMulticast() || addr.IsUnspecified() {
			in.problem(line.Number, "%q is no IP of a device", text)
			return
		}
		at := place
		at.IP, at.MAC = addr.Unmap(), e.about.MAC
		switch {
		case !at.MAC.IsZero():
			e.bound = append(e.bound, at)
		case e.about.IsZero():
			e.about = at
		}
	}
	if e.about.IsZero() {
		var ok bool
		if e.about, ok = enteredSubject(a, line); !ok {
			in.problem(line.Number, "nothing to know the device by: a serial number, a name, a MAC or an IP")
			return
		}
	}
	if before := entered[e.about]; before > 0 {
		in.problem(line.Number, "it is the same device as that of line %d", before)
		return
	}
	entered[e.about] = line.Number
	name := first(line.Who.Name, e.about.String())
	for _, field := range inventory.NameplateFields() {
		value, err := statedValue(engine, field, first(line.Stated[field], line.Plate[field]))
		if err != nil {
			in.problem(line.Number, "%v", err)
		} else if value != "" {
			e.fields[field] = value
			in.differences = append(in.differences, difference{Line: line.Number, Name: name, Field: inventory.NameplatePrefix + field, New: value})
		}
	}
	for _, note := range annotations("", name, line, inventory.Fields(), nil, in) {
		e.said[note.Attribute] = note.Value
	}
	in.differences = append(in.differences, difference{Line: line.Number, Name: name, Field: "entered", New: e.about.String()})
	in.entered = append(in.entered, e)
}
