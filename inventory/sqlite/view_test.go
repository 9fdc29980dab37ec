package sqlite

import (
	"context"
	"testing"

	"github.com/walkdown-ot/walkdown/inventory"
)

// A reader that takes its time, and reads again and again, sees one inventory.
func TestASnapshotDoesNotSeeWhatIsWrittenMeanwhile(t *testing.T) {
	s := newStore(t)
	survey(t, s, inventory.Survey{}, bound(0, "28:63:36:00:00:01", "10.0.0.1"))
	err := s.Snapshot(t.Context(), func(ctx context.Context, from inventory.Source) error {
		for a, err := range from.Assets(ctx) {
			if err != nil {
				return err
			}
			if len(all(t, from.Evidence(ctx, a.ID))) == 0 {
				t.Errorf("%s has no evidence", a.ID)
			}
		}
		survey(t, s, inventory.Survey{}, bound(1, "28:63:36:00:00:02", "10.0.0.2"))
		expect(t, "assets while it is read", 1, len(all(t, from.Assets(ctx))))
		expect(t, "surveys", 1, len(all(t, from.Surveys(ctx))))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	expect(t, "assets afterwards", 2, len(all(t, s.Assets(t.Context()))))
}
