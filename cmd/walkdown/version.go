package main

import (
	"encoding/json"
	"fmt"
	"runtime"
	"runtime/debug"
	"strconv"

	"github.com/walkdown-ot/walkdown/fingerprints"
)

// release is set by the linker in a release build: -X main.release=v1.2.3.
var release string

type versionCmd struct {
	Data bool `help:"Also the rules and tables that are built in: rows, source, date."`
}

// Run prints the version.
func (c versionCmd) Run(a *app) error {
	if a.common.Format == "json" {
		out := struct {
			Version string                `json:"version"`
			Go      string                `json:"go"`
			System  string                `json:"system"`
			Data    *fingerprints.Version `json:"data,omitempty"`
		}{Version: version(), Go: runtime.Version(), System: runtime.GOOS + "/" + runtime.GOARCH}
		if c.Data {
			engine, err := a.engine()
			if err != nil {
				return err
			}
			data := engine.Version()
			out.Data = &data
		}
		return json.NewEncoder(a.stdout).Encode(out)
	}
	fmt.Fprintf(a.stdout, "walkdown %s (%s, %s/%s)\n", version(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
	if !c.Data {
		return nil
	}
	engine, err := a.engine()
	if err != nil {
		return err
	}
	return printData(a, engine.Version())
}

// version is that of the release, else the commit that the binary was built from.
func version() string {
	if release != "" {
		return release
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "dev"
	}
	for _, setting := range info.Settings {
		if setting.Key == "vcs.revision" {
			return "dev-" + setting.Value[:min(12, len(setting.Value))]
		}
	}
	return "dev"
}

func printData(a *app, data fingerprints.Version) error {
	own := ""
	if data.Own > 0 {
		own = fmt.Sprintf(" (%d of them from --rules)", data.Own)
	}
	if data.Recog > 0 {
		own += fmt.Sprintf(" (%d out of files of Recog)", data.Recog)
	}
	fmt.Fprintf(a.stdout, "%d rules%s, %d vendors\n\n", data.Rules, own, data.Vendors)
	rows := make([][]string, len(data.Tables))
	for i, table := range data.Tables {
		rows[i] = []string{table.Name, strconv.Itoa(table.Rows), table.Date, table.Source, table.Licence}
	}
	return writeTable(a.stdout, []string{"Table", "Rows", "Date", "Source", "Licence"}, nil, rows)
}
