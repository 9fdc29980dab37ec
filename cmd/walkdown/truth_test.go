package main

import (
	"encoding/json"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/walkdown-ot/walkdown/inventory"
	"github.com/walkdown-ot/walkdown/inventory/sqlite"
)

// truth is what an independent dissector shows in a capture.
type truth struct {
	Hosts []struct {
		MAC    string   `json:"mac"`
		ARPIPs []string `json:"arp_ips"`
	} `json:"hosts"`
	Identities []statement `json:"identities"`
}

// statement is what a device was heard to say, or to be told.
type statement struct {
	Via          string `json:"via"`
	MAC          string `json:"mac"`
	IP           string `json:"ip"`
	ForwardedFor string `json:"forwarded_for"`
	RoutedFrom   any    `json:"routed_from"`
	Vendor       any    `json:"vendor"`
	Model        any    `json:"model"`
	Firmware     any    `json:"firmware"`
	Serial       any    `json:"serial"`
	Name         any    `json:"name"`
}

// TestCapturesDoNotContradict reads every shared capture as a user would and holds the inventory against the truth: each ARP
// binding must be there, no MAC may stand on two assets, and of the values that truth and inventory both have for one device at
// most 2 % may differ. What the truth has and the inventory has not is only printed.
func TestCapturesDoNotContradict(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes long, and nothing in it runs side by side")
	}
	folder := sharedFolder()
	files, err := filepath.Glob(filepath.Join(folder, "captures", "*.truth.json"))
	if err != nil || len(files) == 0 {
		t.Skipf("there are no captures in %s", folder)
	}
	checked, wrong, missed := 0, 0, 0
	for _, file := range files {
		var want truth
		text, err := os.ReadFile(file)
		if err == nil {
			err = json.Unmarshal(text, &want)
		}
		if err != nil {
			t.Fatal(err)
		}
		name := strings.TrimSuffix(file, ".truth.json")
		captures, _ := filepath.Glob(name + ".pcap*")
		assets := readAssets(t, captures[0])
		checkBindings(t, filepath.Base(name), want, assets)
		for _, s := range want.Identities {
			if s.MAC == "" && s.IP == "" || s.RoutedFrom != nil || s.ForwardedFor != "" || slices.Contains([]string{"profinet-dcp-set-request", "opcua-client", "http-user-agent", "ssh-client"}, s.Via) {
				continue
			}
			owner, ok := ownerOf(assets, s)
			if !ok {
				continue
			}
			for _, field := range []struct {
				name string
				said any
				have []string
			}{
				{"vendor", s.Vendor, values(owner, func(i inventory.Identity) []string { return []string{i.Vendor} })},
				{"model", s.Model, values(owner, func(i inventory.Identity) []string { return []string{i.Model, i.Family, i.OrderNumber} })},
				{"firmware", s.Firmware, values(owner, func(i inventory.Identity) []string { return []string{i.Firmware, i.FirmwareRaw, i.Software, i.OS} })},
				{"serial", s.Serial, values(owner, func(i inventory.Identity) []string { return []string{i.Serial} })},
			} {
				said, ok := field.said.(string)
				if !ok || fold(said) == "" {
					continue
				}
				if len(field.have) == 0 {
					missed++
					t.Logf("%s: %s: nothing for %s %q of %s %s", filepath.Base(name), s.Via, field.name, said, s.MAC, s.IP)
					continue
				}
				checked++
				if !slices.ContainsFunc(field.have, func(v string) bool { return alike(v, said) }) {
					wrong++
					t.Logf("%s: %s: %s of %s %s is %q, the truth says %q", filepath.Base(name), s.Via, field.name, s.MAC, s.IP, field.have, said)
				}
			}
		}
	}
	t.Logf("%d values compared, %d differ, %d are missing", checked, wrong, missed)
	if checked == 0 || wrong*50 > checked {
		t.Errorf("%d of %d values contradict the truth, more than 2 %%", wrong, checked)
	}
}

func readAssets(t *testing.T, capture string) []inventory.Asset {
	t.Helper()
	db := filepath.Join(t.TempDir(), "walkdown.db")
	err := run(t.Context(), []string{"read", capture, "--db", db, "--quiet"}, nil, io.Discard, io.Discard, slog.New(slog.DiscardHandler), new(slog.LevelVar))
	if err != nil {
		t.Fatalf("%s: %v", capture, err)
	}
	store, err := sqlite.Open(t.Context(), db, sqlite.Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close() //nolint:errcheck // it was only read
	var assets []inventory.Asset
	for asset, err := range store.Assets(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		assets = append(assets, asset)
	}
	return assets
}

func checkBindings(t *testing.T, name string, want truth, assets []inventory.Asset) {
	t.Helper()
	owners := map[string][]string{}
	bound := map[[2]string]bool{}
	for _, asset := range assets {
		for _, address := range asset.Addresses {
			if address.MAC != "" && !slices.Contains(owners[address.MAC], asset.ID) {
				owners[address.MAC] = append(owners[address.MAC], asset.ID)
			}
			bound[[2]string{address.MAC, address.IP}] = true
		}
	}
	for mac, ids := range owners {
		if len(ids) > 1 {
			t.Errorf("%s: %s stands on %d assets", name, mac, len(ids))
		}
	}
	for _, host := range want.Hosts {
		for _, ip := range host.ARPIPs {
			if !bound[[2]string{host.MAC, ip}] {
				t.Errorf("%s: ARP bound %s to %s, the inventory does not", name, ip, host.MAC)
			}
		}
	}
}

// ownerOf is the asset that a statement is about.
func ownerOf(assets []inventory.Asset, s statement) (inventory.Asset, bool) {
	for _, asset := range assets {
		for _, address := range asset.Addresses {
			if address.MAC != "" && address.MAC == s.MAC || address.IP != "" && address.IP == s.IP {
				return asset, true
			}
		}
	}
	return inventory.Asset{}, false
}

// values are those of the asset and of its components.
func values(asset inventory.Asset, of func(inventory.Identity) []string) []string {
	out := of(asset.Identity)
	for _, part := range asset.Components {
		out = append(out, of(part.Identity)...)
	}
	return slices.DeleteFunc(out, func(v string) bool { return v == "" })
}

var notPlain = regexp.MustCompile(`[^0-9a-z]+`)

func fold(text string) string { return notPlain.ReplaceAllString(strings.ToLower(text), "") }

// alike reports whether one value holds the other, letters and digits compared; 4.03 and 4.3 are one revision.
func alike(a, b string) bool {
	x, y := fold(a), fold(b)
	if strings.Contains(x, y) || strings.Contains(y, x) {
		return true
	}
	trim := func(text string) string {
		return regexp.MustCompile(`\b0+(\d)`).ReplaceAllString(strings.ToLower(text), "$1")
	}
	return fold(trim(a)) == fold(trim(b)) || strings.HasPrefix(x, y[:min(len(y), 4)]) || strings.HasPrefix(y, x[:min(len(x), 4)])
}
