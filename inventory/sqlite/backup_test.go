package sqlite

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/walkdown-ot/walkdown/inventory"
)

func TestABackupIsTheInventoryAtThatMoment(t *testing.T) {
	dir := t.TempDir()
	s := openStore(t, filepath.Join(dir, "walkdown.db"), options())
	survey(t, s, inventory.Survey{}, bound(0, plc, "10.0.0.1"))
	r, err := s.Begin(t.Context(), inventory.Survey{})
	if err != nil {
		t.Fatal(err)
	}
	r.Observe(bound(1, plc2, "10.0.0.2"))
	if err := r.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	reader := openStore(t, filepath.Join(dir, "walkdown.db"), Options{ReadOnly: true})
	copied := filepath.Join(dir, "copy's.db")
	if err := reader.Backup(t.Context(), copied); err != nil {
		t.Fatal(err)
	}
	r.Observe(bound(2, hmi, "10.0.0.3"))
	if err := r.End(t.Context(), inventory.Survey{}); err != nil {
		t.Fatal(err)
	}
	b := openStore(t, copied, Options{ReadOnly: true})
	expect(t, "assets of the backup", []string{"01 " + plc + "/10.0.0.1", "02 " + plc2 + "/10.0.0.2"}, briefs(t, b))
	info, err := os.Stat(copied)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 {
		t.Errorf("mode %o: others can read it", info.Mode().Perm())
	}
	if err := s.Backup(t.Context(), copied); !errors.Is(err, fs.ErrExist) {
		t.Errorf("an existing file: got %v", err)
	}
	left, err := filepath.Glob(filepath.Join(dir, ".walkdown-*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
	// It can be recorded into like the original: the survey that was running in it was cut off.
	again := openStore(t, copied, options())
	runs, err := inventory.Collect(again.Surveys(t.Context()))
	if err != nil || len(runs) != 2 || runs[1].Outcome != "interrupted" {
		t.Errorf("surveys of the backup: %v %v", runs, err)
	}
}
