package netbox

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/walkdown-ot/walkdown/exporters/exporterstest"
	"github.com/walkdown-ot/walkdown/inventory"
)

// export gives the files, each as its rows.
func export(t *testing.T, from inventory.Source) (names []string, files map[string][]map[string]string, all []byte) {
	t.Helper()
	files = map[string][]map[string]string{}
	err := Export(t.Context(), from, func(name string, write func(io.Writer) error) error {
		var out bytes.Buffer
		if err := write(&out); err != nil {
			return err
		}
		all = append(all, "== "+name+"\n"+out.String()...)
		names = append(names, name)
		rows, err := csv.NewReader(&out).ReadAll()
		if err != nil {
			return err
		}
		for _, cells := range rows[1:] {
			row := map[string]string{}
			for i, column := range rows[0] {
				row[column] = cells[i]
			}
			files[name] = append(files[name], row)
		}
		return nil
	}, Options{TLP: "GREEN"})
	if err != nil {
		t.Fatal(err)
	}
	return names, files, all
}

func TestGolden(t *testing.T) {
	names, _, all := export(t, exporterstest.Full())
	exporterstest.Golden(t, "full.txt", all)
	if !slices.IsSorted(names) {
		t.Errorf("not in the order of import: %v", names)
	}
}

// What NetBox checks when it imports: names are unique, what is referred to is there, nothing is too long.
func TestNetBoxTakesIt(t *testing.T) {
	for kind, from := range map[string]inventory.Source{"full": exporterstest.Full(), "hostile": exporterstest.Hostile()} {
		t.Run(kind, func(t *testing.T) {
			_, files, _ := export(t, from)
			unique := func(file string, columns ...string) map[string]bool {
				known := map[string]bool{}
				for _, row := range files[file] {
					var parts []string
					for _, c := range columns {
						parts = append(parts, row[c])
					}
					key := strings.ToLower(strings.Join(parts, "\n"))
					if known[key] {
						t.Errorf("%s: %q twice", file, key)
					}
					known[key] = true
				}
				return known
			}
			refers := func(file string, to map[string]bool, columns ...string) {
				for _, row := range files[file] {
					var parts []string
					for _, c := range columns {
						parts = append(parts, row[c])
					}
					if key := strings.ToLower(strings.Join(parts, "\n")); strings.Trim(key, "\n") != "" && !to[key] {
						t.Errorf("%s: %q is not imported before", file, key)
					}
				}
			}
			sites, makers, roles := unique("01-sites.csv", "name"), unique("02-manufacturers.csv", "name"), unique("03-device-roles.csv", "name")
			types, vrfs := unique("04-device-types.csv", "manufacturer", "model"), unique("05-vrfs.csv", "rd")
			devices, interfaces := unique("06-devices.csv", "name"), unique("07-interfaces.csv", "device", "name")
			unique("04-device-types.csv", "manufacturer", "slug")
			unique("01-sites.csv", "slug")
			unique("02-manufacturers.csv", "slug")
			unique("09-ip-addresses.csv", "address", "vrf", "device")
			unique("10-inventory-items.csv", "device", "name")
			refers("04-device-types.csv", makers, "manufacturer")
			refers("06-devices.csv", sites, "site")
			refers("06-devices.csv", roles, "role")
			refers("06-devices.csv", types, "manufacturer", "device_type")
			refers("07-interfaces.csv", devices, "device")
			refers("08-mac-addresses.csv", interfaces, "device", "interface")
			refers("09-ip-addresses.csv", interfaces, "device", "interface")
			refers("09-ip-addresses.csv", vrfs, "vrf")
			refers("10-inventory-items.csv", devices, "device")
			refers("10-inventory-items.csv", makers, "manufacturer")
			for _, limit := range []struct {
				file, column string
				most         int
			}{
				{"06-devices.csv", "name", 64},
				{"06-devices.csv", "serial", 50},
				{"06-devices.csv", "description", 200},
				{"04-device-types.csv", "model", 100},
				{"04-device-types.csv", "slug", 100},
				{"05-vrfs.csv", "rd", 21},
				{"07-interfaces.csv", "name", 64},
				{"10-inventory-items.csv", "name", 64},
			} {
				for _, row := range files[limit.file] {
					// The guard against formulas is one character more.
					if n := len(strings.TrimPrefix(row[limit.column], "'")); n > limit.most {
						t.Errorf("%s: %s of %d characters", limit.file, limit.column, n)
					}
				}
			}
			for _, row := range files["04-device-types.csv"] {
				if !regexp.MustCompile(`^[a-z0-9-]+$`).MatchString(row["slug"]) {
					t.Errorf("slug %q", row["slug"])
				}
			}
		})
	}
}

func TestErrors(t *testing.T) {
	broken := exporterstest.Full()
	broken.Broken = true
	into := func(_ string, write func(io.Writer) error) error { return write(io.Discard) }
	if err := Export(t.Context(), broken, into, Options{}); !errors.Is(err, exporterstest.ErrBroken) {
		t.Errorf("broken inventory: %v", err)
	}
	if err := Export(t.Context(), exporterstest.Full(), into, Options{TLP: "PURPLE"}); err == nil {
		t.Error("takes an unknown mark")
	}
}
