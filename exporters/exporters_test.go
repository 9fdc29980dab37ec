package exporters_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/walkdown-ot/walkdown/exporters"
	"github.com/walkdown-ot/walkdown/exporters/exporterstest"
)

func TestAllFormatsWrite(t *testing.T) {
	names := map[string]bool{}
	last := ""
	for _, f := range exporters.All() {
		t.Run(f.Name, func(t *testing.T) {
			if names[f.Name] || f.Name < last || f.Description == "" || !strings.HasPrefix(f.Extension, ".") {
				t.Errorf("%q: %q, %q", f.Name, f.Description, f.Extension)
			}
			names[f.Name], last = true, f.Name
			var one, two bytes.Buffer
			o := exporters.Options{
				Time: time.Date(2026, time.March, 10, 12, 0, 0, 0, time.UTC), Version: "0.1.0",
				Site: "Press shop", SiteID: "site-1", Revision: 3, Reproducible: true, TLP: "GREEN",
			}
			if err := f.Export(t.Context(), exporterstest.Full(), &one, o); err != nil {
				t.Fatal(err)
			}
			o.Time = o.Time.AddDate(1, 0, 0)
			if err := f.Export(t.Context(), exporterstest.Full(), &two, o); err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(one.Bytes(), two.Bytes()) {
				t.Error("is not reproducible")
			}
			for _, want := range []string{"GREEN", "press-3-cpu", "S C-X4UX12345678"} {
				if !strings.Contains(one.String(), want) {
					t.Errorf("has no %q", want)
				}
			}
		})
	}
}

func TestAllIsAFreshSlice(t *testing.T) {
	exporters.All()[0].Name = "mine"
	if exporters.All()[0].Name == "mine" {
		t.Error("callers share the slice")
	}
}
