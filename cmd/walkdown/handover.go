package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/walkdown-ot/walkdown/exporters"
	"github.com/walkdown-ot/walkdown/exporters/handover"
	"github.com/walkdown-ot/walkdown/exporters/redact"
	"github.com/walkdown-ot/walkdown/inventory"
	"github.com/walkdown-ot/walkdown/inventory/sqlite"
)

type handoverCmd struct {
	To         string `arg:"" type:"path" help:"A folder that is not there yet, or a file that ends in .zip."`
	Redact     string `enum:",addresses" default:"" placeholder:"WHAT" help:"addresses: IP and MAC addresses get stand-ins; the inventory file and captures are left out."`
	OwnTraffic string `placeholder:"FILE" type:"existingfile" help:"The capture that a survey kept with --own-traffic, to go with it."`
	TLP        string `name:"tlp" placeholder:"MARK" enum:"CLEAR,GREEN,AMBER,AMBER+STRICT,RED" default:"AMBER" help:"The mark of the Traffic Light Protocol: ${enum}."`
}

// Help is shown below the flags.
func (handoverCmd) Help() string {
	return "Everything that the next phase needs in one place: report, lists, bill of materials, ledger, coverage, the inventory itself, a README and checksums."
}

// Run writes the pack.
func (c handoverCmd) Run(a *app) error {
	if c.Redact != "" && c.OwnTraffic != "" {
		return usage("leave one of them out", "a capture holds addresses: --own-traffic and --redact do not go together")
	}
	store, err := a.openToRead()
	if err != nil {
		return err
	}
	defer store.Close() //nolint:errcheck // it was only read
	options := exporters.Options{Time: now(), Version: version(), Site: a.common.Site, TLP: c.TLP}
	if options.Revision, err = store.Revision(a.ctx); err != nil {
		return err
	}
	err = store.Snapshot(a.ctx, func(ctx context.Context, from inventory.Source) error {
		return writeFolder(c.To, options.Time, func(into exporters.Folder) error {
			if c.Redact == "" {
				return handover.Write(ctx, from, into, options, "", c.files(store)...)
			}
			without, err := redact.Addresses(ctx, from)
			if err != nil {
				return err
			}
			return handover.Write(ctx, without, into, options, without.String())
		})
	})
	if err != nil {
		return err
	}
	a.say("wrote %s", c.To)
	return nil
}

// files are those that are copied as they are.
func (c handoverCmd) files(store *sqlite.Store) []handover.File {
	files := []handover.File{{
		Name: "walkdown.db", About: "The inventory itself (SQLite), with all evidence: walkdown --db walkdown.db reads it.",
		Write: func(ctx context.Context, to io.Writer) error {
			folder, err := os.MkdirTemp("", "walkdown-*")
			if err != nil {
				return fmt.Errorf("make room for the copy: %w", err)
			}
			defer os.RemoveAll(folder) //nolint:errcheck // the system cleans up what is left
			path := filepath.Join(folder, "walkdown.db")
			if err := store.Backup(ctx, path); err != nil {
				return err
			}
			return copyFile(path, to)
		},
	}}
	if c.OwnTraffic != "" {
		files = append(files, handover.File{
			Name: "own-traffic" + filepath.Ext(c.OwnTraffic), About: "A capture of everything that walkdown sent, and of the answers.",
			Write: func(_ context.Context, to io.Writer) error { return copyFile(c.OwnTraffic, to) },
		})
	}
	return files
}

func copyFile(path string, to io.Writer) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close() //nolint:errcheck // it was only read
	_, err = io.Copy(to, file)
	return err
}
