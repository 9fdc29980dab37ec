package sqlite

import (
	"context"
	"os"
	"slices"
	"strings"
	"testing"
)

// docs/database.md names every table, view and column, in their order, and nothing else.
func TestTheDocumentAgreesWithTheSchema(t *testing.T) {
	text, err := os.ReadFile("../../docs/database.md")
	if err != nil {
		t.Fatal(err)
	}
	told := map[string][]string{}
	name := ""
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if heading, ok := strings.CutPrefix(line, "#"); ok {
			name = strings.TrimLeft(heading, "# ")
			if strings.HasPrefix(line, "### ") {
				told[name] = nil
			}
			continue
		}
		cells := strings.Split(line, "|")
		if len(cells) < 4 {
			continue
		}
		if column := strings.TrimSpace(cells[1]); column != "column" && column != "---" {
			told[name] = append(told[name], column)
		}
	}
	s := newStore(t)
	tables, err := texts(s.read.QueryContext(context.Background(), "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite_%' ORDER BY name"))
	if err != nil {
		t.Fatal(err)
	}
	for _, table := range tables {
		columns, err := texts(s.read.QueryContext(context.Background(), "SELECT name FROM pragma_table_info(?) ORDER BY cid", table))
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := told[table]; !ok {
			t.Errorf("docs/database.md does not tell of %s", table)
		} else if !slices.Equal(told[table], columns) {
			t.Errorf("docs/database.md: %s has %v, the schema %v", table, told[table], columns)
		}
		delete(told, table)
	}
	for table := range told {
		t.Errorf("docs/database.md tells of %s, which is in no schema", table)
	}
}
