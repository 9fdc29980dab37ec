package sqlite

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/walkdown-ot/walkdown/inventory"
)

// run does something to the inventory in a run of its own, and gives its id.
func run(t *testing.T, s *Store, do func(*Recorder) error) string {
	t.Helper()
	r, err := s.Begin(t.Context(), inventory.Survey{Kind: "test"})
	if err != nil {
		t.Fatal(err)
	}
	if err := do(r); err != nil {
		t.Fatal(err)
	}
	if err := r.End(t.Context(), inventory.Survey{}); err != nil {
		t.Fatal(err)
	}
	return r.ID()
}

func marksOf(t *testing.T, s *Store, ref string) []inventory.Mark {
	t.Helper()
	a, err := s.Asset(t.Context(), ref)
	if err != nil {
		t.Fatal(err)
	}
	marks, err := s.AddressMarks(t.Context(), a.ID)
	if err != nil || len(marks) == 0 {
		t.Fatalf("addresses of %s: %v, %v", ref, marks, err)
	}
	return marks
}

// A person joins what the rules keep apart. It holds through a refold, a re-survey and a new opening, and is taken back without a trace
// but in the history.
func TestADecisionHoldsUntilItIsTakenBack(t *testing.T) {
	path := filepath.Join(t.TempDir(), "w.db")
	o := options()
	s := openStore(t, path, o)
	observe := func(minute int) {
		survey(t, s, inventory.Survey{}, bound(minute, plc, "10.0.0.1"), tells(minute, host("", "10.0.0.1"), "dev.name=cpu", "dev.serial=S-1111", "dev.vendor=Siemens"),
			tells(minute, host("", "10.9.0.1"), "dev.name=panel", "dev.serial=S-2222", "dev.vendor=Siemens"), bound(minute, hmi, "10.0.0.3"))
	}
	observe(0)
	apart := []string{"01 " + plc + "/10.0.0.1 cpu Siemens S-1111", "02 " + hmi + "/10.0.0.3", "03 10.9.0.1 panel Siemens S-2222"}
	expect(t, "apart", apart, briefs(t, s))

	said := []inventory.Annotation{{Of: "a-0000000000000003", Attribute: "zone", Value: "panel room"}}
	if _, err := s.Annotate(t.Context(), said); err != nil {
		t.Fatal(err)
	}
	var d inventory.Decision
	merge := run(t, s, func(r *Recorder) (err error) {
		d, err = r.Decide(t.Context(), inventory.Decision{
			Kind: inventory.Merged, Operator: "ann", Reason: "one cabinet", Time: noon, Addresses: marksOf(t, s, plc), Others: marksOf(t, s, "10.9.0.1"),
		})
		return err
	})
	joined := []string{"01 " + plc + "/10.0.0.1 10.9.0.1 cpu Siemens S-1111", "02 " + hmi + "/10.0.0.3"}
	expect(t, "joined", joined, briefs(t, s))
	expect(t, "told", []string{
		"1 changed ip: > 10.9.0.1", "1 merged : a-0000000000000003 > (decision d-1 by ann: one cabinet at " + plc + " and 10.9.0.1)",
	}, history(t, s, merge))
	run(t, s, func(r *Recorder) error { return r.Refold(t.Context()) })
	observe(600)
	expect(t, "joined still", joined, briefs(t, s))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = openStore(t, path, o)
	run(t, s, func(r *Recorder) error { return r.Refold(t.Context()) })
	expect(t, "joined after a new opening", joined, briefs(t, s))
	a, err := s.Asset(t.Context(), "a-0000000000000003")
	if err != nil || a.ID != "a-0000000000000001" {
		t.Errorf("the id that was merged leads to %q, %v", a.ID, err)
	}
	expect(t, "what people said", map[string]string{"zone": "panel room"}, a.Annotations)
	expect(t, "why", []inventory.Join{{By: "decision", Value: "d-1 by ann: one cabinet", Addresses: []string{plc, "10.9.0.1"}}}, a.Joined)

	back := run(t, s, func(r *Recorder) error {
		return r.Undo(t.Context(), d, inventory.Decision{Operator: "bob", Time: noon.Add(1)})
	})
	expect(t, "apart again, under the ids of before", apart, briefs(t, s))
	if a, err = s.Asset(t.Context(), "10.9.0.1"); err != nil || a.Annotations["zone"] != "panel room" {
		t.Errorf("what people said of it is %v, %v", a.Annotations, err)
	}
	expect(t, "told", []string{
		"1 changed ip: 10.9.0.1 >", "3 split : a-0000000000000001 > 10.9.0.1 (no longer joined by decision d-1 by ann: one cabinet at " + plc + " and 10.9.0.1)",
	}, history(t, s, back))
	list, err := s.Decisions(t.Context())
	if err != nil || len(list) != 1 || list[0].UndoneBy != "bob" || list[0].Undone.IsZero() {
		t.Errorf("decisions %+v, %v", list, err)
	}
	if _, err := s.write.ExecContext(context.WithoutCancel(t.Context()), "DELETE FROM decisions"); err == nil {
		t.Error("decisions can be deleted")
	}
}

// A person cuts what the rules join: the part gets a new id, and what comes later does not join them again.
func TestASplitHolds(t *testing.T) {
	s := newStore(t)
	observe := func(minute int) {
		survey(t, s, inventory.Survey{}, bound(minute, plc, "10.0.0.1"), bound(minute, plc2, "10.0.0.2"),
			tells(minute, host("", "10.0.0.1"), "dev.vendor=Siemens", "dev.model=CPU 315", "dev.serial=S-4711"),
			tells(minute, host("", "10.0.0.2"), "dev.vendor=Siemens", "dev.model=CPU 315", "dev.serial=S-4711"))
	}
	observe(0)
	expect(t, "one", []string{"01 " + plc + "/10.0.0.1 " + plc2 + "/10.0.0.2 Siemens CPU 315 S-4711"}, briefs(t, s))
	run(t, s, func(r *Recorder) error {
		_, err := r.Decide(t.Context(), inventory.Decision{
			Kind: inventory.Split, Time: noon, Addresses: []inventory.Mark{{Kind: inventory.MarkMAC, Site: "default", Value: plc}},
			Others: []inventory.Mark{{Kind: inventory.MarkMAC, Site: "default", Value: plc2}},
		})
		return err
	})
	two := []string{"01 " + plc + "/10.0.0.1 Siemens CPU 315 S-4711", "02 " + plc2 + "/10.0.0.2 Siemens CPU 315 S-4711"}
	expect(t, "two", two, briefs(t, s))
	observe(600)
	run(t, s, func(r *Recorder) error { return r.Refold(t.Context()) })
	expect(t, "two still", two, briefs(t, s))
}

// A device that another one replaces at its address stays in the inventory, under its own id; the other one is told as new.
func TestWhoIsReplacedStays(t *testing.T) {
	s := newStore(t)
	says := func(minute int, serial string) {
		survey(t, s, inventory.Survey{}, bound(minute, plc, "10.0.0.1"), tells(minute, host("", "10.0.0.1"), "dev.vendor=Siemens", "dev.model=CPU 315", "dev.serial="+serial))
	}
	says(0, "S-1111")
	says(1500, "S-2222")
	both := []string{"02 " + plc + "/10.0.0.1 Siemens CPU 315 S-2222", "01 Siemens CPU 315 S-1111"}
	expect(t, "both", both, briefs(t, s))
	expect(t, "told", []string{"1 changed ip: 10.0.0.1 >", "1 changed mac: " + plc + " >", "2 appeared : > " + plc + " 10.0.0.1"}, history(t, s, "s-2"))
	a, err := s.Asset(t.Context(), "S-1111")
	if err != nil || !a.LastSeen.Equal(noon) {
		t.Errorf("%v %v, %v", a.ID, a.LastSeen, err)
	}
	run(t, s, func(r *Recorder) error { return r.Refold(t.Context()) })
	says(3000, "S-2222")
	expect(t, "both still", both, briefs(t, s))
}
