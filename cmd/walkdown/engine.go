package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/walkdown-ot/walkdown/fingerprints"
)

// engine loads what identifies devices: the built-in rules and tables, and those of --rules and --tables.
func (a *app) engine() (*fingerprints.Engine, error) {
	var options fingerprints.Options
	var err error
	if options.Rules, err = folder("rules", a.common.Rules); err != nil {
		return nil, err
	}
	if options.Tables, err = folder("tables", a.common.Tables); err != nil {
		return nil, err
	}
	engine, err := fingerprints.New(options)
	var table *fingerprints.TablesError
	if errors.As(err, &table) {
		return nil, failed(fmt.Errorf("read the tables of %s: %w", a.common.Tables, err), "`walkdown version --data` lists the built-in ones")
	}
	var mistake *fingerprints.MistakeError
	if errors.As(err, &mistake) {
		mistake.File = filepath.Join(a.common.Rules, mistake.File)
		return nil, failed(mistake, "fingerprints/rules/README.md, beside the source, explains the format")
	}
	if err == nil && engine.Skipped() > 0 {
		a.say("%d patterns of Recog in %s are left out: they are no regular expressions of RE2", engine.Skipped(), a.common.Rules)
	}
	return engine, err
}

// folder opens a folder of data; "" is none.
func folder(flag, path string) (fs.FS, error) {
	if path == "" {
		return nil, nil
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, failed(fmt.Errorf("open the folder of --%s: %w", flag, err), "")
	}
	if !info.IsDir() {
		return nil, usage("name the folder that the file lies in", "--%s %s is no folder", flag, path)
	}
	return os.DirFS(path), nil
}
