package sqlite

import (
	"path/filepath"
	"testing"

	"github.com/walkdown-ot/walkdown/inventory"
)

func TestARevisionGrowsWithWhatIsNew(t *testing.T) {
	s := openStore(t, filepath.Join(t.TempDir(), "walkdown.db"), options())
	revision := func() int {
		t.Helper()
		n, err := s.Revision(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	survey(t, s, inventory.Survey{}, bound(0, plc, "10.0.0.1"))
	first := revision()
	if again := revision(); first < 1 || again != first {
		t.Errorf("revision %d, then %d without anything new", first, again)
	}
	survey(t, s, inventory.Survey{}, bound(1, plc2, "10.0.0.2"))
	second := revision()
	if second <= first {
		t.Errorf("a survey left the revision at %d (%d before)", second, first)
	}
	if _, err := s.Annotate(t.Context(), []inventory.Annotation{{Of: "a-1", Attribute: "owner", Value: "maintenance"}}); err != nil {
		t.Fatal(err)
	}
	if third := revision(); third <= second {
		t.Errorf("a person's word left the revision at %d", third)
	}
}
