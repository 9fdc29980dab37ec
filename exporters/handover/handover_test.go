package handover_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/walkdown-ot/walkdown/exporters"
	"github.com/walkdown-ot/walkdown/exporters/exporterstest"
	"github.com/walkdown-ot/walkdown/exporters/handover"
)

// pack writes the pack into memory.
func pack(t *testing.T, redacted string, more ...handover.File) map[string]string {
	t.Helper()
	files := map[string]string{}
	into := func(name string, write func(io.Writer) error) error {
		var out bytes.Buffer
		err := write(&out)
		files[name] = out.String()
		return err
	}
	o := exporters.Options{Time: time.Date(2026, 3, 9, 7, 0, 0, 0, time.UTC), Version: "v1", Site: "press-shop", TLP: "AMBER"}
	if err := handover.Write(t.Context(), exporterstest.Full(), into, o, redacted, more...); err != nil {
		t.Fatal(err)
	}
	return files
}

func TestThePackIsWhole(t *testing.T) {
	files := pack(t, "", handover.File{Name: "walkdown.db", About: "The inventory itself.", Write: func(_ context.Context, to io.Writer) error {
		_, err := io.WriteString(to, "SQLite")
		return err
	}})
	readme := files["README.txt"]
	exporterstest.Golden(t, "README.txt", []byte(readme))
	for name, content := range files {
		if content == "" {
			t.Errorf("%s is empty", name)
		}
		if name != "README.txt" && !strings.Contains(readme, name) {
			t.Errorf("the README does not explain %s", name)
		}
	}
	lines := strings.Split(strings.TrimSpace(files["SHA256SUMS"]), "\n")
	if len(lines) != len(files)-1 {
		t.Errorf("%d checksums of %d files", len(lines), len(files)-1)
	}
	for _, line := range lines {
		sum, name, _ := strings.Cut(line, "  ")
		want := sha256.Sum256([]byte(files[name]))
		if sum != hex.EncodeToString(want[:]) {
			t.Errorf("the checksum of %s is wrong", name)
		}
	}
}

func TestARedactedPackSaysSo(t *testing.T) {
	if readme := pack(t, "12 IP addresses replaced")["README.txt"]; !strings.Contains(readme, "12 IP addresses replaced") {
		t.Error("the README does not say that addresses are replaced")
	}
}
