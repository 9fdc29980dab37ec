package inventory_test

import (
	"testing"

	"github.com/walkdown-ot/walkdown/inventory"
)

func TestCheckAnnotation(t *testing.T) {
	for name, c := range map[string]struct {
		field, value string
		want         string // "" = refused
		stored       string // the name, where it is another
	}{
		"vector":            {"sl_t", "2 2 1 1 1 1 2", "2 2 1 1 1 1 2", ""},
		"vector_commas":     {"sl_t", "{2,2,1,1,1,1,2}", "2 2 1 1 1 1 2", ""},
		"vector_digits":     {"sl_t", "2211112", "2 2 1 1 1 1 2", ""},
		"vector_short":      {"sl_t", "2 2 1", "", ""},
		"vector_level_5":    {"sl_t", "2 2 1 1 1 1 5", "", ""},
		"vector_word":       {"sl_t", "high", "", ""},
		"vector_padded":     {"sl_t", "02 2 1 1 1 1 2", "", ""},
		"day":               {"support_end", "2030-12-31", "2030-12-31", ""},
		"day_german":        {"support_end", "31.12.2030", "2030-12-31", ""},
		"day_slashes":       {"support_end", "31/12/2030", "2030-12-31", ""},
		"day_american":      {"support_end", "12/31/2030", "2030-12-31", ""},
		"day_either":        {"support_end", "3/4/2030", "", ""},
		"day_either_same":   {"support_end", "4/4/2030", "2030-04-04", ""},
		"year":              {"manufactured", "2014", "2014", ""},
		"no_day":            {"support_end", "soon", "", ""},
		"yes":               {"expected", "TRUE", "yes", ""},
		"yes_word":          {"expected", "Yes", "yes", ""},
		"no":                {"expected", "0", "no", ""},
		"maybe":             {"expected", "maybe", "", ""},
		"virtual":           {"virtual", "Virtual", "virtual", ""},
		"zone":              {"zone", "  Press  line 3\u202e ", "Press line 3", ""},
		"custom":            {"Maintenance window", "Sat", "Sat", "custom_maintenance_window"},
		"custom_kept":       {"custom_cost_centre", "4711", "4711", "custom_cost_centre"},
		"custom_not_latin":  {"Ort (Straße)", "Hall 3", "Hall 3", "custom_ort_straße"},
		"empty_takes_back":  {"sl_t", "", "", "sl_t"},
		"latin_1_is_joined": {"owner", "Instandhaltung \xfcber alles", "Instandhaltung über alles", ""},
	} {
		t.Run(name, func(t *testing.T) {
			field, got, err := inventory.CheckAnnotation(inventory.Fields(), c.field, c.value)
			if (err != nil) != (c.want == "" && c.stored == "") {
				t.Fatalf("error %v", err)
			}
			stored := c.stored
			if stored == "" {
				stored = c.field
			}
			if err == nil && (got != c.want || field != stored) {
				t.Errorf("got %s = %q, want %s = %q", field, got, stored, c.want)
			}
		})
	}
}

func TestFieldsOf(t *testing.T) {
	for _, id := range []string{"a-1", "c-1", "x-1", "z-1"} {
		seen := map[string]bool{}
		for _, f := range inventory.FieldsOf(id) {
			if f.Title == "" || seen[f.Name] || inventory.ColumnName(f.Name) != f.Name {
				t.Errorf("%s: field %+v", id, f)
			}
			seen[f.Name] = true
		}
		if len(seen) == 0 {
			t.Errorf("%s has no fields", id)
		}
	}
	if inventory.FieldsOf("press-3") != nil {
		t.Error("a name is no id")
	}
}
