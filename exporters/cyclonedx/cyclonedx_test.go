package cyclonedx_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	cdx "github.com/CycloneDX/cyclonedx-go"
	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/walkdown-ot/walkdown/discovery/protocols"
	"github.com/walkdown-ot/walkdown/exporters/cyclonedx"
	"github.com/walkdown-ot/walkdown/exporters/exporterstest"
	"github.com/walkdown-ot/walkdown/inventory"
)

func options() cyclonedx.Options {
	return cyclonedx.Options{
		Time: time.Date(2026, time.March, 10, 12, 0, 0, 0, time.UTC), Version: "0.1.0", Site: "Press shop", SiteID: "site-1", Revision: 3,
	}
}

func export(t *testing.T, from inventory.Source, o cyclonedx.Options) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := cyclonedx.Export(t.Context(), from, &out, o); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// validate holds the document against the official schema, formats included.
func validate(t *testing.T, document []byte) {
	t.Helper()
	var head struct {
		SpecVersion string `json:"specVersion"`
	}
	if err := json.Unmarshal(document, &head); err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	for _, name := range []string{"bom-1.6", "bom-1.7", "spdx", "jsf-0.82", "cryptography-defs"} {
		text, err := os.ReadFile(filepath.Join("testdata", "schema", name+".schema.json"))
		if err != nil {
			t.Fatal(err)
		}
		schema, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		if err := compiler.AddResource("http://cyclonedx.org/schema/"+name+".schema.json", schema); err != nil {
			t.Fatal(err)
		}
	}
	schema, err := compiler.Compile("http://cyclonedx.org/schema/bom-" + head.SpecVersion + ".schema.json")
	if err != nil {
		t.Fatal(err)
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(document))
	if err != nil {
		t.Fatal(err)
	}
	if err := schema.Validate(value); err != nil {
		t.Error(err)
	}
}

func decode(t *testing.T, document []byte) *cdx.BOM {
	t.Helper()
	bom := new(cdx.BOM)
	if err := cdx.NewBOMDecoder(bytes.NewReader(document), cdx.BOMFileFormatJSON).Decode(bom); err != nil {
		t.Fatal(err)
	}
	return bom
}

// variants are the documents of the goldens.
func variants() map[string]func(*cyclonedx.Options) {
	return map[string]func(*cyclonedx.Options){
		"full.cdx.json":         func(*cyclonedx.Options) {},
		"full-1.7.cdx.json":     func(o *cyclonedx.Options) { o.Spec, o.TLP = "1.7", "AMBER+STRICT" },
		"reproducible.cdx.json": func(o *cyclonedx.Options) { o.Reproducible, o.TLP = true, "RED" },
		"track.cdx.json":        func(o *cyclonedx.Options) { o.Profile = cyclonedx.DependencyTrack },
		"full.cdx.xml":          func(o *cyclonedx.Options) { o.XML = true },
		"full-1.7.cdx.xml":      func(o *cyclonedx.Options) { o.XML, o.Spec = true, "1.7" },
	}
}

func TestGoldens(t *testing.T) {
	for name, change := range variants() {
		t.Run(name, func(t *testing.T) {
			o := options()
			change(&o)
			got := export(t, exporterstest.Full(), o)
			if !o.XML {
				validate(t, got)
			}
			exporterstest.Golden(t, name, got)
		})
	}
}

// sources are the inventories that each variant must bear.
func sources() map[string]inventory.Source {
	return map[string]inventory.Source{"full": exporterstest.Full(), "hostile": exporterstest.Hostile(), "empty": &exporterstest.Inventory{}}
}

// The stream must be what the library would write of the whole: the same members, omissions, escapes and order.
func TestStreamIsTheLibrarysOwnEncoding(t *testing.T) {
	for name, change := range variants() {
		for kind, from := range sources() {
			t.Run(name+"/"+kind, func(t *testing.T) {
				o := options()
				change(&o)
				o.XML = false
				got := export(t, from, o)
				validate(t, got)
				var whole bytes.Buffer
				if err := cdx.NewBOMEncoder(&whole, cdx.BOMFileFormatJSON).SetPretty(true).Encode(decode(t, got)); err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(whole.String(), string(got)); diff != "" {
					t.Errorf("differs from the library (-library +stream):\n%.3000s", diff)
				}
			})
		}
	}
}

// JSON and XML tell the same.
func TestXMLHoldsWhatJSONHolds(t *testing.T) {
	for kind, from := range sources() {
		for _, spec := range cyclonedx.Specs() {
			t.Run(kind+"/"+spec, func(t *testing.T) {
				o := options()
				o.Spec = spec
				inJSON := decode(t, export(t, from, o))
				o.XML = true
				inXML := new(cdx.BOM)
				if err := cdx.NewBOMDecoder(bytes.NewReader(export(t, from, o)), cdx.BOMFileFormatXML).Decode(inXML); err != nil {
					t.Fatal(err)
				}
				inXML.XMLNS, inXML.XMLName, inXML.JSONSchema, inXML.BOMFormat = "", inJSON.XMLName, inJSON.JSONSchema, inJSON.BOMFormat
				if diff := cmp.Diff(inJSON, inXML); diff != "" {
					t.Errorf("(-JSON +XML):\n%.3000s", diff)
				}
			})
		}
	}
}

// What Dependency-Track would take for one, or cut off, or refuse, is told apart in its profile.
func TestTrackProfile(t *testing.T) {
	for kind, from := range sources() {
		t.Run(kind, func(t *testing.T) {
			o := options()
			o.Profile = cyclonedx.DependencyTrack
			bom := decode(t, export(t, from, o))
			known := map[string]string{}
			var walk func(*[]cdx.Component)
			walk = func(all *[]cdx.Component) {
				if all == nil {
					return
				}
				for _, c := range *all {
					same := strings.Join([]string{c.PackageURL, c.CPE, c.Group, c.Name, c.Version}, "\n")
					if other, twice := known[same]; twice {
						t.Errorf("%s and %s become one", other, c.BOMRef)
					}
					known[same] = c.BOMRef
					if max(len(c.Name), len(c.Version), len(c.CPE)) > 255 {
						t.Errorf("%s: too long for its columns", c.BOMRef)
					}
					names := map[string]bool{}
					if c.Properties != nil {
						for _, p := range *c.Properties {
							if names[p.Name] || len(p.Name) > 255 || len(p.Value) > 1024 {
								t.Errorf("%s: property %s is there twice, or too long", c.BOMRef, p.Name)
							}
							names[p.Name] = true
						}
					}
					walk(c.Components)
				}
			}
			walk(bom.Components)
		})
	}
	o := options()
	o.Profile, o.Spec = cyclonedx.DependencyTrack, "1.7"
	if err := cyclonedx.Export(t.Context(), exporterstest.Full(), io.Discard, o); err == nil {
		t.Error("1.7 is taken")
	}
}

func TestSplit(t *testing.T) {
	full := exporterstest.Full()
	for by, want := range map[string][]string{
		"site":    {"press-shop.cdx.json"},
		"segment": {"press-shop-cell-1.cdx.json", "press-shop-cell-2.cdx.json"},
		"zone":    {"no-zone.cdx.json", "presses.cdx.json"},
	} {
		t.Run(by, func(t *testing.T) {
			var files []string
			serials := map[string]string{}
			boms := map[string]*cdx.BOM{}
			assets, flows := 0, 0
			err := cyclonedx.ExportSplit(t.Context(), full, func(name string, write func(io.Writer) error) error {
				var out bytes.Buffer
				if err := write(&out); err != nil {
					return err
				}
				validate(t, out.Bytes())
				bom := decode(t, out.Bytes())
				if other := serials[bom.SerialNumber]; other != "" {
					t.Errorf("%s and %s have one serial number", other, name)
				}
				files, serials[bom.SerialNumber], boms[name] = append(files, name), name, bom
				assets += len(*bom.Components)
				if bom.Services != nil {
					for _, s := range *bom.Services {
						if s.Data != nil {
							flows += len(*s.Data)
						}
					}
				}
				return nil
			}, by, options())
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, files); diff != "" {
				t.Error(diff)
			}
			if assets != len(full.Things) || flows != len(full.Talks) {
				t.Errorf("%d assets and %d flows, want %d and %d", assets, flows, len(full.Things), len(full.Talks))
			}
			if by != "zone" {
				return
			}
			// The panel, in no zone, is a client of the PLC in another document, and that one is linked to.
			link := strings.Replace(boms["no-zone.cdx.json"].SerialNumber, "urn:uuid:", "urn:cdx:", 1) + "/3#a-0000000000000006"
			found := false
			for _, s := range *boms["presses.cdx.json"].Services {
				if s.Data != nil {
					for _, d := range *s.Data {
						found = found || d.Source != nil && slices.Contains(*d.Source, link)
					}
				}
			}
			if !found {
				t.Errorf("nothing links to %s", link)
			}
		})
	}
	if err := cyclonedx.ExportSplit(t.Context(), full, nil, "colour", options()); err == nil {
		t.Error("splits by colour")
	}
}

// What the ledger names as a walk is what the protocols ask by.
func TestWalksAreRequestsOfTheProtocols(t *testing.T) {
	names := map[string]bool{}
	for _, p := range protocols.All() {
		if p.Asker != nil {
			for _, r := range p.Asker.Requests {
				names[p.Name+" "+r.Name] = true
			}
		}
	}
	for _, name := range cyclonedx.Walks() {
		if !names[name] {
			t.Errorf("no protocol asks %q", name)
		}
	}
}

func TestWholenessIsToldByWalks(t *testing.T) {
	aggregates := func(outcome string, notes ...string) map[cdx.CompositionAggregate][]cdx.BOMReference {
		from := exporterstest.Full()
		from.Things = from.Things[:1]
		from.Things[0].Notes = notes
		from.Sent = from.Sent[:1]
		from.Sent[0].Outcome = outcome
		all := map[cdx.CompositionAggregate][]cdx.BOMReference{}
		for _, c := range *decode(t, export(t, from, options())).Compositions {
			all[c.Aggregate] = *c.Assemblies
		}
		return all
	}
	plc := []cdx.BOMReference{"a-0000000000000001"}
	network := []cdx.BOMReference{"site"}
	for _, c := range []struct {
		outcome, note string
		want          map[cdx.CompositionAggregate][]cdx.BOMReference
	}{
		{"answered", "", map[cdx.CompositionAggregate][]cdx.BOMReference{"unknown": network, "complete": plc}},
		{"refused", "", map[cdx.CompositionAggregate][]cdx.BOMReference{"unknown": network, "complete": plc}},
		{"silent", "", map[cdx.CompositionAggregate][]cdx.BOMReference{"unknown": network, "incomplete": plc}},
		{"answered", "showed distress while it was asked: slow", map[cdx.CompositionAggregate][]cdx.BOMReference{"unknown": network, "incomplete": plc}},
	} {
		if diff := cmp.Diff(c.want, aggregates(c.outcome, c.note)); diff != "" {
			t.Errorf("%s %s:\n%s", c.outcome, c.note, diff)
		}
	}
}

func TestDecodesToTheSameCounts(t *testing.T) {
	full := exporterstest.Full()
	bom := decode(t, export(t, full, options()))
	if got, want := len(*bom.Components), len(full.Things); got != want {
		t.Errorf("%d components, want %d", got, want)
	}
	parts, flows := 0, 0
	refs := map[string]bool{}
	names := map[string]string{}
	var walk func([]cdx.Component)
	walk = func(all []cdx.Component) {
		for _, c := range all {
			if refs[c.BOMRef] {
				t.Errorf("bom-ref %s twice", c.BOMRef)
			}
			refs[c.BOMRef] = true
			if c.Type == cdx.ComponentTypeDevice || c.Type == cdx.ComponentTypeOS {
				if other, twice := names[c.Name+"\n"+c.Version]; twice {
					t.Errorf("%s and %s have the same name and version", other, c.BOMRef)
				}
				names[c.Name+"\n"+c.Version] = c.BOMRef
			}
			if strings.Contains(c.BOMRef, "/") && c.Type == cdx.ComponentTypeDevice {
				parts++
			}
			if c.CPE != "" && c.Type != cdx.ComponentTypeFirmware {
				t.Errorf("%s is %s and has a CPE", c.BOMRef, c.Type)
			}
			if c.Components != nil {
				walk(*c.Components)
			}
		}
	}
	walk(*bom.Components)
	if want := 2; parts != want {
		t.Errorf("%d parts, want %d", parts, want)
	}
	for _, s := range *bom.Services {
		if s.Data != nil {
			flows += len(*s.Data)
		}
	}
	if want := len(full.Talks); flows != want {
		t.Errorf("%d data flows, want %d", flows, want)
	}
	if want := 6; len(*bom.Services) != want { // three of the PLC, one of the gateway, one of the panel, one outside
		t.Errorf("%d services, want %d", len(*bom.Services), want)
	}
}

// A server with two addresses has its conversations in two places of the list, and still each service once.
func TestServicesAreWrittenOnce(t *testing.T) {
	talk := func(server, ip string, port uint16) inventory.Conversation {
		return inventory.Conversation{ClientIP: "10.0.0.1", Server: server, ServerIP: ip, Transport: "tcp", Port: port}
	}
	services := []inventory.Service{{Transport: "tcp", Port: 102}, {Transport: "tcp", Port: 502}}
	from := &exporterstest.Inventory{
		Things: []inventory.Asset{{ID: "a-1", Services: services}, {ID: "a-2", Services: services}},
		Talks: []inventory.Conversation{
			talk("a-1", "10.0.0.2", 102), talk("a-2", "10.0.0.3", 102), talk("", "198.51.100.1", 443), talk("a-1", "10.0.0.4", 502), talk("", "198.51.100.1", 443),
		},
	}
	document := export(t, from, options())
	validate(t, document)
	var refs []string
	flows := 0
	for _, s := range *decode(t, document).Services {
		refs = append(refs, s.BOMRef)
		if s.Data != nil {
			flows += len(*s.Data)
		}
	}
	want := []string{"a-1:tcp/102", "a-1:tcp/502", "a-2:tcp/102", "a-2:tcp/502", "host-198.51.100.1:tcp/443"}
	if diff := cmp.Diff(want, refs); diff != "" || flows != len(from.Talks) {
		t.Errorf("%d flows, services (-want +got):\n%s", flows, diff)
	}
}

func TestHostileNamesComeOutHarmless(t *testing.T) {
	got := export(t, exporterstest.Hostile(), options())
	validate(t, got)
	if bytes.Contains(got, []byte("<script>")) {
		t.Error("holds markup")
	}
	var check func(any)
	check = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			for _, one := range v {
				check(one)
			}
		case []any:
			for _, one := range v {
				check(one)
			}
		case string:
			if len(v) > 32<<10 {
				t.Errorf("a string of %d bytes", len(v))
			}
			for _, r := range v {
				if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) {
					t.Errorf("%q holds %U", v, r)
				}
			}
		}
	}
	var whole any
	if err := json.Unmarshal(got, &whole); err != nil {
		t.Fatal(err)
	}
	check(whole)
	var refs []string
	for _, c := range *decode(t, got).Components {
		refs = append(refs, c.BOMRef)
	}
	if len(slices.Compact(refs)) != len(exporterstest.HostileNames()) {
		t.Errorf("%d components", len(refs))
	}
}

func TestReproducibleDependsOnContentOnly(t *testing.T) {
	o := options()
	o.Reproducible = true
	one := export(t, exporterstest.Full(), o)
	turned := exporterstest.Full()
	slices.Reverse(turned.Things)
	o.Time = o.Time.AddDate(1, 0, 0)
	if diff := cmp.Diff(string(one), string(export(t, turned, o))); diff != "" {
		t.Errorf("another order and time make another document:\n%s", diff)
	}
	bom := decode(t, one)
	if bom.Metadata.Timestamp != "" {
		t.Error("has a time")
	}
	if bom.SerialNumber != decode(t, export(t, exporterstest.Full(), o)).SerialNumber {
		t.Error("the serial number changes")
	}
	for name, sorted := range map[string]bool{
		"components": slices.IsSortedFunc(*bom.Components, func(a, b cdx.Component) int { return strings.Compare(a.BOMRef, b.BOMRef) }),
		"services":   slices.IsSortedFunc(*bom.Services, func(a, b cdx.Service) int { return strings.Compare(a.BOMRef, b.BOMRef) }),
	} {
		if !sorted {
			t.Errorf("%s are not sorted", name)
		}
	}
	o.SiteID = "site-2"
	if other := decode(t, export(t, exporterstest.Full(), o)).SerialNumber; other == bom.SerialNumber {
		t.Error("two sites share a serial number")
	}
}

func TestSerialNumberOfAnOrdinaryExportIsItsOwn(t *testing.T) {
	o := options()
	one := decode(t, export(t, &exporterstest.Inventory{}, o)).SerialNumber
	o.Time = o.Time.Add(time.Second)
	if two := decode(t, export(t, &exporterstest.Inventory{}, o)).SerialNumber; one == two {
		t.Errorf("both are %s", one)
	}
}

func TestErrors(t *testing.T) {
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	broken := exporterstest.Full()
	broken.Broken = true
	for _, c := range []struct {
		name string
		ctx  context.Context
		from inventory.Source
		to   io.Writer
		tlp  string
		want error
	}{
		{"broken_inventory", t.Context(), broken, io.Discard, "", exporterstest.ErrBroken},
		{"cancelled", cancelled, exporterstest.Full(), io.Discard, "", context.Canceled},
		{"full_disk", t.Context(), exporterstest.Full(), exporterstest.FullDisk{}, "", exporterstest.ErrFull},
		{"unknown_mark", t.Context(), exporterstest.Full(), io.Discard, "PURPLE", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := cyclonedx.Export(c.ctx, c.from, c.to, cyclonedx.Options{TLP: c.tlp})
			if err == nil || c.want != nil && !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
}

// A large inventory streams: what is kept is a line of each asset.
func TestLargeInventoryStreams(t *testing.T) {
	n := 20_000
	if testing.Short() || raceEnabled {
		n = 5_000
	}
	for name, reproducible := range map[string]bool{"in_order": false, "sorted": true} {
		t.Run(name, func(t *testing.T) {
			temporary := t.TempDir()
			t.Setenv("TMPDIR", temporary)
			o := options()
			o.Reproducible = reproducible
			out := &meter{}
			began := time.Now()
			if err := cyclonedx.Export(t.Context(), exporterstest.Large(n), out, o); err != nil {
				t.Fatal(err)
			}
			t.Logf("%d assets, %d MB in %v, peak heap %d MB", n, out.written>>20, time.Since(began).Round(time.Millisecond), out.peak>>20)
			if limit := uint64(64<<20 + 1000*n); out.peak > limit {
				t.Errorf("peak heap %d MB, want at most %d", out.peak>>20, limit>>20)
			}
			if left, err := os.ReadDir(temporary); err != nil || len(left) > 0 {
				t.Errorf("left behind: %v %v", left, err)
			}
		})
	}
}

// meter looks at the heap now and then while it is written to.
type meter struct {
	written int
	next    int
	peak    uint64
}

func (m *meter) Write(b []byte) (int, error) {
	m.written += len(b)
	if m.written >= m.next {
		m.next = m.written + 16<<20
		runtime.GC()
		var stats runtime.MemStats
		runtime.ReadMemStats(&stats)
		m.peak = max(m.peak, stats.HeapAlloc)
	}
	return len(b), nil
}
