package sqlite

import (
	"cmp"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/inventory"
)

// laptop is an inventory of its own: its ids begin with its name, and its clock goes on from a start.
type laptop struct {
	*Store
	path string
	hour int // of its clock
}

func newLaptop(t *testing.T, name string, hour int) *laptop {
	t.Helper()
	l := &laptop{path: filepath.Join(t.TempDir(), name+".db"), hour: hour}
	n := 0
	l.Store = openStore(t, l.path, Options{
		Identify: identify,
		Now:      func() time.Time { return noon.Add(time.Duration(l.hour) * time.Hour) },
		NewID:    func() string { n++; return fmt.Sprintf("a-%s%015x", name, n) },
	})
	return l
}

// conduct is a survey that listens for an hour, and asks what the ledger says.
func (l *laptop) conduct(t *testing.T, v inventory.Survey, ledger []discovery.Exchange, list ...discovery.Observation) {
	t.Helper()
	v.Started = noon.Add(time.Duration(l.hour) * time.Hour)
	l.hour++
	v.Ended = noon.Add(time.Duration(l.hour) * time.Hour)
	conduct(t, l.Store, v, ledger, list...)
}

// merge takes the inventories of files in, one after another.
func (l *laptop) merge(t *testing.T, names map[Place]Place, paths ...string) Imported {
	t.Helper()
	var sum Imported
	for _, path := range paths {
		from, err := Borrow(t.Context(), path, Options{Identify: identify})
		if err != nil {
			t.Fatal(err)
		}
		news, err := l.News(t.Context(), from)
		if err != nil {
			t.Fatal(err)
		}
		if !news.Nothing() {
			l.hour++
			run(t, l.Store, func(r *Recorder) error {
				n, err := r.Import(t.Context(), from, names)
				sum.Surveys += n.Surveys
				sum.Facts += n.Facts
				sum.Ledger += n.Ledger
				sum.Decisions += n.Decisions
				sum.Annotations += n.Annotations
				sum.Changes += n.Changes
				return err
			})
		}
		if err := from.Close(); err != nil {
			t.Fatal(err)
		}
	}
	sound(t, l.Store)
	return sum
}

// state is all that an inventory holds, without the numbers and the runs of merging, which depend on who merged what.
func (l *laptop) state(t *testing.T) string {
	t.Helper()
	ctx := t.Context()
	uids := map[string]string{"": ""}
	var out []string
	merging := map[string]bool{}
	if err := each(ctx, l.read, "SELECT id, uid, kind FROM surveys", func(scan func(...any) error) error {
		var id int64
		var uid, kind string
		err := scan(&id, &uid, &kind)
		uids[surveyID(id)] = uid
		merging[surveyID(id)] = kind == "test"
		return err
	}); err != nil {
		t.Fatal(err)
	}
	for _, v := range all(t, l.Surveys(ctx)) {
		if !merging[v.ID] {
			v.ID = uids[v.ID]
			out = append(out, "survey "+jsonText(v))
		}
	}
	for _, a := range all(t, l.Assets(ctx)) {
		out = append(out, "asset "+jsonText(a))
		for _, e := range all(t, l.Evidence(ctx, a.ID)) {
			if e.Mode == discovery.Deduced { // as old as what it was made of when it was made last
				e.First, e.Last, e.Survey = time.Time{}, time.Time{}, ""
			}
			out = append(out, fmt.Sprintf("evidence %s %v %v %s %s %s=%s %v %v %d %s %s", a.ID, e.Subject, e.Teller, e.Mode, e.Sensor, e.Fact.Key, e.Fact.Value,
				e.First, e.Last, e.Count, uids[e.Survey], e.Protocol))
		}
	}
	for _, c := range all(t, l.Conversations(ctx)) {
		out = append(out, "conversation "+jsonText(c))
	}
	for _, e := range all(t, l.Ledger(ctx, "")) {
		e.Survey = uids[e.Survey]
		out = append(out, "ledger "+jsonText(e))
	}
	var changes []string
	for _, c := range all(t, l.Changes(ctx, time.Time{}, "")) {
		if !merging[c.Survey] {
			c.Survey = uids[c.Survey]
			changes = append(changes, "change "+jsonText(c))
		}
	}
	slices.Sort(changes)
	out = append(out, changes...)
	decided, err := l.Decisions(ctx)
	if err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(decided, func(a, b inventory.Decision) int { return cmp.Compare(a.UID, b.UID) })
	for _, d := range decided {
		d.ID = ""
		out = append(out, "decision "+jsonText(d))
	}
	if err := each(ctx, l.read, "SELECT asset, attribute, value, author, time FROM annotations ORDER BY 1, 2, 5", func(scan func(...any) error) error {
		var row [5]string
		err := scan(&row[0], &row[1], &row[2], &row[3], &row[4])
		out = append(out, "annotation "+strings.Join(row[:], " "))
		return err
	}); err != nil {
		t.Fatal(err)
	}
	for _, table := range []string{"plans", "rhythms", "troubles", "plug_in_points", "links"} {
		var n int
		if err := l.read.QueryRowContext(ctx, "SELECT count(*) FROM "+table).Scan(&n); err != nil {
			t.Fatal(err)
		}
		out = append(out, fmt.Sprintf("%s %d", table, n))
	}
	return strings.Join(out, "\n")
}

// ann and bob walk through one plant: both hear the PLC, each hears devices of his own, ann asks.
func ann(t *testing.T) *laptop {
	l := newLaptop(t, "1", 0)
	const s4711 = "dev.serial=S-4711"
	l.conduct(t, inventory.Survey{Kind: "survey", Site: "works", Segment: "cell-1", Operator: "ann", Own: []string{"8c:ec:4b:00:00:0a"}, Plug: inventory.PlugInPoint{Address: "10.0.0.9/24"}},
		[]discovery.Exchange{sent(0, "10.0.0.1", discovery.Answered)},
		bound(1, plc, "10.0.0.1"), tells(2, host("", "10.0.0.1"), "dev.vendor=Siemens", "dev.model=CPU 315", s4711, "dev.firmware=2.8"),
		talks(3, host(hmi, "10.0.0.3"), host(plc, "10.0.0.1"), 102, "s7", 9, true), bound(4, "8c:ec:4b:00:00:0b", "10.0.0.77"))
	if _, err := l.Annotate(t.Context(), []inventory.Annotation{{Of: "a-1000000000000001", Attribute: "zone", Value: "presses", Author: "ann", Time: noon.Add(time.Hour)}}); err != nil {
		t.Fatal(err)
	}
	r, err := l.Begin(t.Context(), inventory.Survey{Kind: "ask", Site: "works", Segment: "cell-1", Started: noon.Add(2 * time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(r.Plan(t.Context(), []byte(`{"excluded":["10.0.0.9"]}`)), r.End(t.Context(), inventory.Survey{
		Ended: noon.Add(3 * time.Hour), Troubles: []inventory.Trouble{{Protocol: "s7", Reason: "cut", Count: 1}}, Rhythms: []inventory.Rhythm{{}},
	})); err != nil {
		t.Fatal(err)
	}
	return l
}

func bob(t *testing.T) *laptop {
	l := newLaptop(t, "2", 30)
	l.conduct(t, inventory.Survey{Kind: "listen", Site: "works", Segment: "cell-1", Operator: "bob", Own: []string{"8c:ec:4b:00:00:0b"}}, nil,
		bound(1801, plc, "10.0.0.1"), tells(1802, host("", "10.0.0.1"), "dev.vendor=Siemens", "dev.firmware=2.9"), bound(1803, plc2, "10.0.0.2"),
		tells(1803, host("", "10.0.0.2"), "dev.vendor=Siemens", "dev.model=CP 343-1", "dev.serial=C-1"), bound(1804, "8c:ec:4b:00:00:0a", "10.0.0.66"))
	l.conduct(t, inventory.Survey{Kind: "listen", Site: "works", Segment: "cell-2", Operator: "bob"}, nil,
		tells(1861, host("", "10.5.0.1"), "dev.vendor=Siemens", "dev.model=CPU 315", "dev.serial=S-4711"), tells(1862, host("", "10.5.0.9"), "dev.name=panel"))
	panel, err := l.Asset(t.Context(), "10.5.0.9")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.Annotate(t.Context(), []inventory.Annotation{{Of: panel.ID, Attribute: "owner", Value: "maintenance", Author: "bob", Time: noon.Add(33 * time.Hour)}}); err != nil {
		t.Fatal(err)
	}
	run(t, l.Store, func(r *Recorder) error {
		_, err := r.Decide(t.Context(), inventory.Decision{
			Kind: inventory.Merged, Operator: "bob", Time: noon.Add(34 * time.Hour), Addresses: marksOf(t, l.Store, plc2), Others: marksOf(t, l.Store, "10.5.0.9"),
		})
		return err
	})
	return l
}

// Two inventories of one plant: merged either way they give the same, and merging once more changes nothing.
func TestInventoriesMergeEitherWay(t *testing.T) {
	a, b := ann(t), bob(t)
	other := newLaptop(t, "3", 60)
	theirs := backupOf(t, b)
	untouched := fileBytes(t, theirs)
	sum := a.merge(t, nil, theirs)
	if sum.Surveys != 3 || sum.Decisions != 1 || sum.Annotations != 1 || sum.Changes == 0 || sum.Facts == 0 {
		t.Errorf("came: %+v", sum)
	}
	if string(untouched) != string(fileBytes(t, theirs)) {
		t.Error("the other file was written to")
	}
	once := a.state(t)
	if again := a.merge(t, nil, theirs, theirs); !again.Nothing() {
		t.Errorf("the second time %+v came", again)
	}
	expect(t, "twice", once, a.state(t))
	expect(t, "assets", []string{
		"01 " + plc + "/10.0.0.1 10.5.0.1 Siemens CPU 315 S-4711 2.9",
		"02 " + plc2 + "/10.0.0.2 10.5.0.9 panel Siemens CP 343-1 C-1", // as bob decided; each other's laptop is no asset
		"02 10.0.0.3",
	}, briefs(t, a.Store))

	// Into an empty one, in both orders, and each into the other.
	fresh := ann(t)
	b2 := b
	b2.merge(t, nil, backupOf(t, fresh))
	expect(t, "the other way round", cutUIDs(once), cutUIDs(b2.state(t)))
	other.merge(t, nil, backupOf(t, a))
	expect(t, "into an empty one", once, other.state(t))
}

var uidPattern = regexp.MustCompile(`\b[0-9a-f]{32}\b`)

// cutUIDs leaves out what differs between two runs of the same test laptop: the random identity of its surveys.
func cutUIDs(state string) string {
	var out []string
	for line := range strings.SplitSeq(state, "\n") {
		out = append(out, uidPattern.ReplaceAllString(line, "uid"))
	}
	slices.Sort(out)
	return strings.Join(out, "\n")
}

// backupOf is a copy of an inventory as it is now.
func backupOf(t *testing.T, l *laptop) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "backup.db")
	if err := l.Backup(t.Context(), path); err != nil {
		t.Fatal(err)
	}
	return path
}

func fileBytes(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// A copy that went on without the other one brings only what is new, and the ids of both stay.
func TestACopyThatWentOnBringsOnlyWhatIsNew(t *testing.T) {
	a := ann(t)
	copied := backupOf(t, a)
	before := a.state(t)
	if n := a.merge(t, nil, copied); !n.Nothing() {
		t.Errorf("a copy brought %+v", n)
	}
	expect(t, "a copy changes nothing", before, a.state(t))
	n := 0
	c := &laptop{path: copied, hour: 50}
	c.Store = openStore(t, copied, Options{
		Identify: identify, Now: func() time.Time { return noon.Add(time.Duration(c.hour) * time.Hour) }, NewID: func() string { n++; return fmt.Sprintf("a-9%015x", n) },
	})
	c.conduct(t, inventory.Survey{Kind: "listen", Site: "works", Segment: "cell-1"}, nil, bound(3001, plc, "10.0.0.1"), bound(3002, plc2, "10.0.0.2"))
	sum := a.merge(t, nil, backupOf(t, c))
	if sum.Surveys != 1 || sum.Ledger != 0 {
		t.Errorf("came: %+v", sum)
	}
	expect(t, "the same as the copy", c.state(t), a.state(t))
}

// The same segment name means another cell there: under another name nothing is joined by IP, and the name is remembered.
func TestSegmentsComeUnderOtherNames(t *testing.T) {
	a := newLaptop(t, "1", 0)
	a.conduct(t, inventory.Survey{Kind: "listen"}, nil, tells(1, host("", "192.168.0.1"), "dev.name=cpu-a"))
	b := newLaptop(t, "2", 5)
	listen := func(minute int, facts ...string) {
		b.conduct(t, inventory.Survey{Kind: "listen"}, nil, tells(minute, host("", "192.168.0.1"), facts...), bound(minute, plc, "192.168.0.2"))
	}
	listen(301, "dev.name=cpu-b")
	names, err := b.Renames(t.Context(), []string{"works/cell-2"})
	if err != nil {
		t.Fatal(err)
	}
	a.merge(t, names, backupOf(t, b))
	places := func() []string {
		var out []string
		for _, v := range all(t, a.Assets(t.Context())) {
			out = append(out, v.Site+"/"+v.Segment+" "+brief(v))
		}
		return out
	}
	want := []string{"default/default 01 192.168.0.1 cpu-a", "works/cell-2 01 192.168.0.1 cpu-b", "works/cell-2 02 " + plc + "/192.168.0.2"}
	expect(t, "assets", want, places())
	listen(400, "dev.firmware=2")
	a.merge(t, nil, backupOf(t, b))
	want[1] += " 2"
	expect(t, "assets after the second time", want, places())
	for _, wrong := range []string{"cell-2", "default/cell-9=works/cell-2", "default/default=works", "=", ""} {
		if _, err := b.Renames(t.Context(), []string{wrong}); err == nil {
			t.Errorf("--as %q was taken", wrong)
		}
	}
}

func TestWhatIsNoInventoryToMergeIsRefused(t *testing.T) {
	a := ann(t)
	newer := backupOf(t, a)
	db, err := sql.Open("sqlite", dsn(newer, "mode=rw"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.ExecContext(t.Context(), "PRAGMA user_version = 99"); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	damaged := backupOf(t, a)
	bytes := fileBytes(t, damaged)
	for i := len(bytes) / 2; i < len(bytes)/2+4096; i++ {
		bytes[i] = 0xa5
	}
	text := filepath.Join(t.TempDir(), "text.db")
	if err := errors.Join(os.WriteFile(damaged, bytes, 0o600), os.WriteFile(text, []byte("a letter"), 0o600)); err != nil {
		t.Fatal(err)
	}
	running := bob(t)
	if _, err := running.Begin(t.Context(), inventory.Survey{Kind: "listen"}); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]error{
		newer: ErrNewer, damaged: ErrDamaged, text: ErrForeign, filepath.Join(t.TempDir(), "none.db"): ErrMissing, running.path: ErrLocked,
	} {
		if s, err := Borrow(t.Context(), path, Options{Identify: identify}); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", filepath.Base(path), err, want)
			if s != nil {
				_ = s.Close()
			}
		}
	}
}

// An inventory of every older schema is brought up to date in the copy; the file stays as it is.
func TestAnOlderInventoryIsMerged(t *testing.T) {
	for schema := 1; schema < newest; schema++ {
		path := inventoryOf(t, schema)
		before := fileBytes(t, path)
		a := newLaptop(t, "1", 0)
		if n := a.merge(t, nil, path); n.Surveys != 1 || n.Facts != 3 || n.Ledger != 1 || n.Annotations != 1 || n.Changes != 2 {
			t.Errorf("of schema %d came %+v", schema, n)
		}
		if n := a.merge(t, nil, path); !n.Nothing() {
			t.Errorf("the second time came %+v of schema %d", n, schema)
		}
		list := all(t, a.Assets(t.Context()))
		if len(list) != 2 || list[0].ID != "a-0000000000000001" || list[0].Annotations["owner"] != "maintenance" {
			t.Errorf("schema %d: %+v", schema, list)
		}
		if string(before) != string(fileBytes(t, path)) {
			t.Errorf("the file of schema %d was written to", schema)
		}
	}
}
