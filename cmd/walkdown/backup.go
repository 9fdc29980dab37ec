package main

import (
	"errors"
	"io/fs"
)

type backupCmd struct {
	File string `arg:"" type:"path" help:"The new file; an existing one is not overwritten."`
}

// Help is shown below the flags.
func (backupCmd) Help() string {
	return "A survey may go on recording meanwhile. The copy is one compact file that can be mailed, opened with --db, and recorded into. Its SHA-256\n" +
		"is printed: noted down, it shows later that the copy is still the one that was made."
}

// Run copies the inventory as it stands.
func (c backupCmd) Run(a *app) error {
	store, err := a.openToRead()
	if err != nil {
		return err
	}
	defer store.Close() //nolint:errcheck // it was only read
	err = store.Backup(a.ctx, c.File)
	if errors.Is(err, fs.ErrExist) {
		return usage("name a file that does not exist yet", "%s exists", c.File)
	}
	if err != nil {
		return err
	}
	copied, err := hashFile(c.File)
	if err != nil {
		return err
	}
	a.say("wrote %s, %d bytes, SHA-256 %s", c.File, copied.Bytes, copied.SHA256)
	return nil
}
