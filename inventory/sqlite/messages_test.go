package sqlite

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/inventory"
)

// sound checks that facts and messages belong together.
func sound(t testing.TB, s *Store) {
	t.Helper()
	lost, err := texts(s.read.QueryContext(t.Context(), `SELECT 'fact ' || id || ' has no message' FROM facts AS f
			WHERE NOT EXISTS (SELECT 1 FROM messages AS m WHERE m.subject = f.subject AND m.number = f.message)
		UNION ALL SELECT 'message ' || m.subject || '/' || m.number || ' counts ' || m.facts || ' facts, there are ' || count(f.id)
			FROM messages AS m LEFT JOIN facts AS f ON f.subject = m.subject AND f.message = m.number
			GROUP BY m.subject, m.number HAVING m.facts <> count(f.id)`))
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range lost {
		t.Error(line)
	}
	soundTalks(t, s)
}

// messageRows are how many messages are stored.
func messageRows(t *testing.T, s *Store) int {
	t.Helper()
	var n int
	if err := s.read.QueryRowContext(t.Context(), "SELECT count(*) FROM messages").Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestFactsThatAreToldTogetherAreCountedTogether(t *testing.T) {
	s := newStore(t)
	plc := host("28:63:36:00:00:01", "10.0.0.1")
	told := func(minute int, facts ...string) {
		t.Helper()
		survey(t, s, inventory.Survey{Kind: "listen"}, tells(minute, plc, facts...))
	}
	told(0, "dev.vendor=Siemens", "dev.model=S7-1500", "dev.firmware=V2.8")
	told(1, "dev.vendor=Siemens", "dev.model=S7-1500", "dev.firmware=V2.8")
	expect(t, "messages of the same facts", 1, messageRows(t, s))
	told(2, "dev.vendor=Siemens", "dev.model=S7-1500", "dev.firmware=V2.9")
	told(3, "dev.vendor=Siemens", "dev.model=S7-1500", "dev.firmware=V2.9")
	expect(t, "messages, one of them with the old firmware", 2, messageRows(t, s))
	told(4, "dev.firmware=V2.8")
	expect(t, "messages, after the old firmware came back", 2, messageRows(t, s))

	type line struct {
		Value       string
		First, Last time.Duration
		Count       int
		Survey      string
	}
	var got []line
	list := all(t, s.Assets(t.Context()))
	for _, e := range all(t, s.Evidence(t.Context(), list[0].ID)) {
		if e.Mode != discovery.Deduced {
			got = append(got, line{e.Fact.Value, e.First.Sub(noon), e.Last.Sub(noon), e.Count, e.Survey})
		}
	}
	expect(t, "evidence", []line{
		{"V2.8", 0, 4 * time.Minute, 3, "s-5"},
		{"V2.9", 2 * time.Minute, 3 * time.Minute, 2, "s-4"},
		{"S7-1500", 0, 3 * time.Minute, 4, "s-4"},
		{"Siemens", 0, 3 * time.Minute, 4, "s-4"},
	}, got)
}

// However facts are told together and apart, in whatever order of time, each is counted as if it had been told alone.
func TestEachFactIsCountedAsIfToldAlone(t *testing.T) {
	for seed := range uint64(10) {
		t.Run(fmt.Sprintf("seed_%d", seed), func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 1))
			s := newStore(t)
			plc := host("28:63:36:00:00:01", "10.0.0.1")
			type counted struct {
				First, Last time.Time
				Count       int
				Survey      string
			}
			want := map[string]counted{}
			for number := range 6 {
				r, err := s.Begin(t.Context(), inventory.Survey{Kind: "listen"})
				if err != nil {
					t.Fatal(err)
				}
				for range 1 + random.IntN(8) {
					minute := 60*number + random.IntN(90) // a survey may begin before the one before it has ended
					var facts []string
					for i := range 5 {
						if random.IntN(3) > 0 {
							facts = append(facts, fmt.Sprintf("dev.k%d=%d", i, random.IntN(5)/4))
						}
					}
					o := tells(minute, plc, facts...)
					r.Observe(o)
					if random.IntN(3) == 0 {
						if err := r.Flush(t.Context()); err != nil {
							t.Fatal(err)
						}
					}
					for _, f := range facts {
						c, ok := want[f]
						if !ok || o.Time.Before(c.First) {
							c.First = o.Time
						}
						if !ok || !o.Time.Before(c.Last) {
							c.Last, c.Survey = o.Time, r.ID()
						}
						c.Count++
						want[f] = c
					}
				}
				if err := r.End(t.Context(), inventory.Survey{}); err != nil {
					t.Fatal(err)
				}
				sound(t, s)
			}
			got := map[string]counted{}
			for _, e := range all(t, s.Evidence(t.Context(), all(t, s.Assets(t.Context()))[0].ID)) {
				if e.Mode != discovery.Deduced {
					got[string(e.Fact.Key)+"="+e.Fact.Value] = counted{e.First, e.Last, e.Count, e.Survey}
				}
			}
			expect(t, "evidence", want, got)
		})
	}
}

// A device that tells another thing each time leaves no more messages than facts.
func TestAFloodOfValuesLeavesNoMessagesBehind(t *testing.T) {
	s := newStore(t)
	plc := host("28:63:36:00:00:01", "10.0.0.1")
	for part := range 4 {
		var list []discovery.Observation
		for i := range maxValues {
			list = append(list, tells(part*maxValues+i, plc, fmt.Sprintf("dev.uptime=%d", part*maxValues+i), "dev.vendor=Siemens"))
		}
		survey(t, s, inventory.Survey{Kind: "listen"}, list...)
	}
	if n := messageRows(t, s); n > maxValues+1 {
		t.Errorf("%d messages, want at most %d", n, maxValues+1)
	}
}

// Of a device that goes back and forth between two values, the one that it told last holds.
func TestAFirmwareThatComesBackHolds(t *testing.T) {
	plc := host("28:63:36:00:00:01", "10.0.0.1")
	for name, apart := range map[string]int{"in surveys of their own": 1, "in one survey": 0} {
		t.Run(name, func(t *testing.T) {
			s := newStore(t)
			r, err := s.Begin(t.Context(), inventory.Survey{Kind: "listen"})
			if err != nil {
				t.Fatal(err)
			}
			for i, firmware := range []string{"1.0", "2.0", "1.0", "2.0", "1.0"} {
				if i > 0 && apart > 0 {
					if err := r.End(t.Context(), inventory.Survey{}); err != nil {
						t.Fatal(err)
					}
					if r, err = s.Begin(t.Context(), inventory.Survey{Kind: "listen"}); err != nil {
						t.Fatal(err)
					}
				}
				r.Observe(tells(120*i, plc, "dev.vendor=Siemens", "dev.firmware="+firmware))
				if err := r.Flush(t.Context()); err != nil {
					t.Fatal(err)
				}
				expect(t, "firmware", firmware, all(t, s.Assets(t.Context()))[0].Firmware)
			}
			if err := r.End(t.Context(), inventory.Survey{}); err != nil {
				t.Fatal(err)
			}
		})
	}
}
