package sqlite

import (
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pressly/goose/v3"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/inventory"
)

// inventoryOf is a file as a walkdown of this schema left it: what each schema brought is filled as testdata/schema says.
func inventoryOf(t *testing.T, schema int) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "walkdown.db")
	db, err := sql.Open("sqlite", dsn(path, pragma(fmt.Sprintf("application_id(%d)", applicationID)), pragma("foreign_keys(1)")))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close() //nolint:errcheck // what was committed is on the disk
	db.SetMaxOpenConns(1)
	steps, err := fs.Sub(migrations, "migrations")
	if err != nil {
		t.Fatal(err)
	}
	provider, err := goose.NewProvider(goose.DialectSQLite3, db, steps)
	if err != nil {
		t.Fatal(err)
	}
	for step := 1; step <= schema; step++ {
		if _, err := provider.UpTo(t.Context(), int64(step)); err != nil {
			t.Fatal(err)
		}
		rows, err := os.ReadFile(filepath.Join("testdata", "schema", fmt.Sprintf("%d.sql", step)))
		if os.IsNotExist(err) {
			continue
		}
		if err == nil {
			_, err = db.ExecContext(t.Context(), string(rows))
		}
		if err != nil {
			t.Fatalf("schema %d: %v", step, err)
		}
	}
	return path
}

// Every schema that was ever released is brought up to date with nothing lost, read, and recorded into.
func TestOldInventoriesAreBroughtUpToDate(t *testing.T) {
	for schema := 1; schema <= newest; schema++ {
		t.Run(fmt.Sprintf("schema_%d", schema), func(t *testing.T) {
			path := inventoryOf(t, schema)
			if _, err := Open(t.Context(), path, Options{ReadOnly: true}); schema < newest && err == nil {
				t.Error("an old inventory was read as if it were new")
			}
			o := options()
			o.NewID = nil
			s := openStore(t, path, o)
			list := all(t, s.Assets(t.Context()))
			if len(list) != 2 || list[0].Vendor != "Siemens" || list[0].Annotations["owner"] != "maintenance" || list[0].FirstSeen.Year() != 2026 {
				t.Errorf("assets: %+v", list)
			}
			told := map[discovery.Key]string{}
			for _, e := range all(t, s.Evidence(t.Context(), "a-0000000000000001")) {
				told[e.Fact.Key] = fmt.Sprintf("%s %s %.1f %s %d times from %s to %s in %s", e.Mode, e.Fact.Value, e.Fact.Confidence, e.Fact.From, e.Count,
					e.First.Format("15:04:05"), e.Last.Format("15:04:05"), e.Survey)
			}
			expect(t, "evidence", map[discovery.Key]string{
				"address.binding": "heard arp 1.0 [] 7 times from 06:00:01 to 06:10:00 in s-1",
				"dev.vendor":      "asked Siemens 1.0 [] 1 times from 06:00:02 to 06:00:02 in s-1",
				"id.vendor":       "deduced Siemens 0.9 [dev.vendor] 1 times from 06:00:01 to 06:10:00 in s-1",
			}, told)
			if talks := all(t, s.Conversations(t.Context())); len(talks) != 1 || talks[0].Client != "a-0000000000000002" {
				t.Errorf("conversations: %v", talks)
			}
			if lines := all(t, s.Ledger(t.Context(), "")); len(lines) != 1 {
				t.Errorf("ledger: %v", lines)
			}
			v, err := s.Survey(t.Context(), "s-1")
			if err != nil || v.Permission != "WO-4711" || v.Plug.Port != "1/4" || len(v.Troubles) != 1 {
				t.Errorf("survey: %+v %v", v, err)
			}
			if schema >= 2 {
				if plans, err := s.Plans(t.Context(), "s-1"); err != nil || len(plans) != 1 || len(v.Rhythms) != 1 {
					t.Errorf("plans: %d, rhythms: %d, %v", len(plans), len(v.Rhythms), err)
				}
			}
			if changes := all(t, s.Changes(t.Context(), time.Time{}, "")); len(changes) != 2 {
				t.Errorf("changes: %v", changes)
			}
			// The same devices, and another one: they keep their ids.
			r, err := s.Begin(t.Context(), inventory.Survey{Site: "works", Segment: "cell-1", Started: noon})
			if err != nil {
				t.Fatal(err)
			}
			for i := 1; i <= 3; i++ {
				r.Observe(discovery.Observation{
					Time: noon, Protocol: "arp", Mode: discovery.Heard,
					Subject: host(fmt.Sprintf("28:63:36:00:00:%02x", i), fmt.Sprintf("10.0.0.%d", i)), Facts: []discovery.Fact{discovery.NewFact(discovery.KeyBinding, "arp")},
				})
			}
			if err := r.End(t.Context(), inventory.Survey{}); err != nil {
				t.Fatal(err)
			}
			list = all(t, s.Assets(t.Context()))
			if len(list) != 3 || list[0].ID != "a-0000000000000001" || list[1].ID != "a-0000000000000002" {
				t.Errorf("after a survey: %+v", list)
			}
		})
	}
}

// What each survey told of a conversation is kept when the conversations come to stand once: schema 9.
func TestOldConversationsAreKept(t *testing.T) {
	path := inventoryOf(t, 8)
	db, err := sql.Open("sqlite", dsn(path, pragma("foreign_keys(1)")))
	if err != nil {
		t.Fatal(err)
	}
	for _, statement := range []string{
		`INSERT INTO surveys (id, kind, segment, operator, permission, sensor, scope, own, started, ended, outcome, reasons, counts, version, uid)
			SELECT n.value, kind, segment, operator, permission, sensor, scope, own, started, ended, outcome, reasons, counts, version, n.value
			FROM surveys, json_each('[2, 3, 4]') AS n WHERE surveys.id = 1`,
		`INSERT INTO conversations (survey, client, server, transport, port, protocol, mode, packets, bytes, operations, answered, frequency, median_ns, first, last) VALUES
			(2, 2, 1, 'tcp', 502, 'modbus', 'heard', 7, 700, 2, 0, '', 0, '2026-03-03T06:00:04.000000001Z', '2026-03-03T06:10:00.999999999Z'),
			(3, 2, 1, 'tcp', 502, 'modbus', 'asked', 1, 100, 4, 1, 'one-off', 0, '2026-03-04T06:00:04.000000000Z', '2026-03-04T06:00:04.000000000Z'),
			(4, 2, 1, 'tcp', 502, 'modbus', 'heard', 9, 900, 0, 1, 'sporadic', 250000000, '2026-03-01T06:00:04.500000000Z', '2026-03-01T06:10:00.000000000Z'),
			(1, 1, 2, 'udp', 161, '', 'heard', 1, 64, 0, 0, 'one-off', 0, '1969-12-31T23:59:59.999999999Z', '1970-01-01T00:00:00.000000000Z'),
			(4, 2, 1, 'ethertype', 34962, 'profinet', 'heard', 1, 64, 0, 0, '', 0, '1500-01-01T00:00:00.000000000Z', '2600-01-01T00:00:00.000000000Z')`,
	} {
		if _, err := db.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	const rows = `SELECT concat_ws(' ', survey, client, server, transport, port, protocol, mode, packets, bytes, operations, answered, frequency, median_ns, first, last)
		FROM conversations ORDER BY 1`
	want, err := texts(db.QueryContext(t.Context(), rows))
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	for i, row := range want { // times that nobody has: see nanos
		want[i] = strings.NewReplacer("1500-01-01T00:00:00", "1677-09-21T00:12:44", "2600-01-01T00:00:00", "2262-04-11T23:47:15").Replace(row)
	}
	s := openStore(t, path, options())
	got, err := texts(s.read.QueryContext(t.Context(), rows))
	if err != nil {
		t.Fatal(err)
	}
	expect(t, "what each survey told", want, got)
	soundTalks(t, s)
}
