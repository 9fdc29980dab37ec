package redact_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/walkdown-ot/walkdown/exporters"
	"github.com/walkdown-ot/walkdown/exporters/exporterstest"
	"github.com/walkdown-ot/walkdown/exporters/redact"
	"github.com/walkdown-ot/walkdown/inventory"
)

// No address of the inventory is left in any format that is text.
func TestNoAddressIsLeft(t *testing.T) {
	full := exporterstest.Full()
	full.Things[0].Notes = append(full.Things[0].Notes, "10.20.30.13 took the address from 00-80-F4-00-00-03; also 10.20.30.99, 2001:db8::13")
	from, err := redact.Addresses(t.Context(), full)
	if err != nil {
		t.Fatal(err)
	}
	var secrets []string
	for _, a := range full.Things {
		for _, x := range a.Addresses {
			if x.IP != "" {
				secrets = append(secrets, x.IP)
			}
			if x.MAC != "" {
				secrets = append(secrets, x.MAC[9:])
			}
		}
	}
	secrets = append(secrets, "10.20.30.99", "00-80-F4", "10.77.9.20")
	for _, f := range exporters.All() {
		if f.Export == nil || f.Name == "xlsx" {
			continue
		}
		var out bytes.Buffer
		if err := f.Export(t.Context(), from, &out, exporters.Options{Time: time.Unix(0, 0), What: "assets", Site: "press-shop"}); err != nil {
			t.Fatalf("%s: %v", f.Name, err)
		}
		for _, secret := range secrets {
			if strings.Contains(out.String(), secret) {
				t.Errorf("%s still holds %s", f.Name, secret)
			}
		}
	}
}

func TestStandInsAreConsistent(t *testing.T) {
	full := exporterstest.Full()
	from, err := redact.Addresses(t.Context(), full)
	if err != nil {
		t.Fatal(err)
	}
	assets, err := inventory.Collect(from.Assets(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	talks, err := inventory.Collect(from.Conversations(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	if got := assets[0].Addresses[0]; got.IP != "10.0.1.11" || !strings.HasPrefix(got.MAC, "28:63:36:e0:00:") {
		t.Errorf("first address %+v", got)
	}
	if assets[0].Firmware != full.Things[0].Firmware || assets[0].Name != full.Things[0].Name {
		t.Errorf("the identity was changed: %+v", assets[0].Identity)
	}
	for _, c := range talks {
		if c.Client == assets[0].ID && c.ClientIP != "" && c.ClientIP != assets[0].Addresses[0].IP {
			t.Errorf("the asset is %s, and talks as %s", assets[0].Addresses[0].IP, c.ClientIP)
		}
	}
}
