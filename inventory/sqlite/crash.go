package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"os"
)

// wasCutOff reports whether the last writer did not close the file: then its log is still there. It must be asked before the file is
// opened, under the lock.
func wasCutOff(path string) bool {
	wal, err := os.Stat(path + "-wal")
	return err == nil && wal.Size() > 0
}

// checkWhole reads every page of a file that was not closed, and refuses it if one is damaged: a crash of the program leaves it whole,
// but the power that failed may have taken a sector of the disk with it. Nothing is written to a damaged file.
func checkWhole(ctx context.Context, db *sql.DB) error {
	var found string
	if err := db.QueryRowContext(ctx, "PRAGMA quick_check(1)").Scan(&found); err != nil {
		return err
	}
	if found != "ok" {
		return fmt.Errorf("%w: %s", ErrDamaged, found)
	}
	return nil
}
