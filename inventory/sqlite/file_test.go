package sqlite

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/inventory"
)

// made is a closed inventory with one asset.
func made(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "walkdown.db")
	s := openStore(t, path, options())
	survey(t, s, inventory.Survey{}, bound(0, plc, "10.0.0.1"))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

// execute runs statements on a file behind the store's back.
func execute(t *testing.T, path string, statements ...string) {
	t.Helper()
	db, err := sql.Open("sqlite", dsn(path))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close() //nolint:errcheck // the statements tell
	for _, statement := range statements {
		if _, err := db.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
}

func TestNothingIsLeftBesideTheFile(t *testing.T) {
	path := made(t)
	s := openStore(t, path, Options{ReadOnly: true})
	briefs(t, s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	files, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		t.Fatal(err)
	}
	if len(files) != 1 {
		t.Errorf("files: %v", files)
	}
	if info, err := os.Stat(path); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}

func TestStrangersAreRefusedUntouched(t *testing.T) {
	folder := t.TempDir()
	write := func(name string, content []byte) string {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	foreign := filepath.Join(folder, "foreign.db")
	execute(t, foreign, "PRAGMA application_id = 7", "CREATE TABLE x (y)")
	plain := filepath.Join(folder, "plain.db")
	execute(t, plain, "PRAGMA journal_mode = WAL", "CREATE TABLE x (y)")
	newer := filepath.Join(folder, "newer.db")
	execute(t, newer, fmt.Sprintf("PRAGMA application_id = %d", applicationID), "PRAGMA user_version = 99", "CREATE TABLE x (y)")
	older := filepath.Join(folder, "older.db")
	execute(t, older, fmt.Sprintf("PRAGMA application_id = %d", applicationID), "PRAGMA user_version = 0", "CREATE TABLE x (y)")
	whole, err := os.ReadFile(made(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, path string
		readOnly   bool
		want       error
	}{
		{"foreign", foreign, false, ErrForeign},
		{"foreign_read", foreign, true, ErrForeign},
		{"plain", plain, false, ErrForeign},
		{"newer", newer, false, ErrNewer},
		{"newer_read", newer, true, ErrNewer},
		{"older_read", older, true, ErrOlder},
		{"text", write("text.db", []byte(strings.Repeat("not a database ", 99))), false, ErrForeign},
		{"cut", write("cut.db", whole[:len(whole)/2]), false, ErrDamaged},
		{"cut_read", write("cut-read.db", whole[:len(whole)/2]), true, ErrDamaged},
		{"folder", folder, false, ErrForeign},
		{"missing_read", filepath.Join(folder, "missing.db"), true, ErrMissing},
		{"no_folder", filepath.Join(folder, "none", "new.db"), false, ErrReadOnly},
	} {
		t.Run(c.name, func(t *testing.T) {
			before, _ := os.ReadFile(c.path)
			filesBefore, _ := os.ReadDir(folder)
			s, err := Open(t.Context(), c.path, Options{ReadOnly: c.readOnly})
			if !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
			if s != nil {
				t.Error("a store beside the error")
			}
			after, _ := os.ReadFile(c.path)
			filesAfter, _ := os.ReadDir(folder)
			if !bytes.Equal(before, after) || len(filesBefore) != len(filesAfter) {
				t.Errorf("the file or its folder was touched: %v", filesAfter)
			}
		})
	}
}

func TestOverwrittenPagesAreDamage(t *testing.T) {
	path := made(t)
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for i := 4096; i < len(content); i++ {
		content[i] = 0xa5
	}
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := Open(t.Context(), path, Options{ReadOnly: true})
	if err == nil {
		for _, assetErr := range s.Assets(t.Context()) {
			err = assetErr
		}
		_ = s.Close()
	}
	if !errors.Is(err, ErrDamaged) {
		t.Errorf("got %v", err)
	}
}

func TestAnInterruptLeavesNoHalfSchema(t *testing.T) {
	path := filepath.Join(t.TempDir(), "walkdown.db")
	ctx, cancel := context.WithCancel(t.Context())
	db, err := sql.Open("sqlite", dsn(path, "mode=rwc", pragma(fmt.Sprintf("application_id(%d)", applicationID))))
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	cancel()
	if err := errors.Join(migrate(ctx, db), db.Close()); err != nil {
		t.Fatal(err)
	}
	s := openStore(t, path, Options{ReadOnly: true})
	if _, err := inventory.Collect(s.Surveys(t.Context())); err != nil {
		t.Error(err)
	}
}

func TestASecondWriterIsRefused(t *testing.T) {
	path := made(t)
	first := openStore(t, path, options())
	_, err := Open(t.Context(), path, options())
	if !errors.Is(err, ErrLocked) || !strings.Contains(err.Error(), fmt.Sprint(os.Getpid())) {
		t.Errorf("got %v", err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	openStore(t, path, options())
}

func TestReadersReadWhileASurveyWrites(t *testing.T) {
	path := made(t)
	s := openStore(t, path, options())
	r, err := s.Begin(t.Context(), inventory.Survey{})
	if err != nil {
		t.Fatal(err)
	}
	stop := make(chan struct{})
	written := make(chan error, 1)
	go func() {
		for i := 0; ; i++ {
			select {
			case <-stop:
				written <- r.Flush(context.WithoutCancel(t.Context()))
				return
			default:
				r.Observe(tells(1, host("", fmt.Sprintf("10.0.%d.%d", 1+i/250%250, 1+i%250)), fmt.Sprintf("dev.name=n%d", i%7)))
				if i%100 == 0 {
					if err := r.Flush(context.WithoutCancel(t.Context())); err != nil {
						written <- err
						return
					}
				}
			}
		}
	}()
	reader := openStore(t, path, Options{ReadOnly: true})
	for range 20 {
		list := all(t, reader.Assets(t.Context()))
		if !slices.IsSortedFunc(list, func(a, b inventory.Asset) int {
			return bytes.Compare(placeOf(a.Addresses[0].IP, ""), placeOf(b.Addresses[0].IP, ""))
		}) {
			t.Error("not sorted")
		}
		all(t, s.Assets(t.Context()))
	}
	close(stop)
	if err := <-written; err != nil {
		t.Fatal(err)
	}
	// A reader that is slow keeps nobody from writing.
	for _, err := range reader.Assets(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		r.Observe(bound(5, plc2, "10.0.0.2"))
		if err := r.Flush(t.Context()); err != nil {
			t.Error(err)
		}
		break
	}
	if _, err := reader.read.ExecContext(t.Context(), "DELETE FROM assets"); err == nil {
		t.Error("a reader could write")
	}
}

func TestAKilledSurveyIsKept(t *testing.T) {
	path := made(t)
	s := openStore(t, path, options())
	r, err := s.Begin(t.Context(), inventory.Survey{Started: noon})
	if err != nil {
		t.Fatal(err)
	}
	copied := filepath.Join(t.TempDir(), "copy.db")
	for i := range 12 {
		r.Observe(bound(i, fmt.Sprintf("00:1b:1b:00:01:%02x", i), fmt.Sprintf("10.0.1.%d", i+1)))
		if err := r.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		// The power goes: what is on the disk is what a new process finds.
		for _, tail := range []string{"", "-wal"} {
			content, err := os.ReadFile(path + tail)
			if err != nil {
				t.Fatal(err)
			}
			if tail == "-wal" && i%2 == 1 {
				content = content[:len(content)-len(content)/10] // and the last second was half written
			}
			if err := os.WriteFile(copied+tail, content, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		after, err := Open(t.Context(), copied, options())
		if err != nil {
			t.Fatal(err)
		}
		n := len(briefs(t, after))
		if least := 1 + i - i/5; n > i+2 || i%2 == 0 && n != i+2 || n < least-2 {
			t.Errorf("after %d hosts: %d assets", i+1, n)
		}
		var ok string
		if err := after.read.QueryRowContext(t.Context(), "PRAGMA integrity_check").Scan(&ok); err != nil || ok != "ok" {
			t.Errorf("integrity: %s %v", ok, err)
		}
		v, err := after.Survey(t.Context(), r.ID())
		if err != nil {
			t.Fatal(err)
		}
		if v.Outcome != "interrupted" || v.Ended.IsZero() {
			t.Errorf("the survey ended %s at %s", v.Outcome, v.Ended)
		}
		if changes := all(t, after.Changes(t.Context(), time.Time{}, r.ID())); len(changes) != n-1 {
			t.Errorf("%d changes of %d assets", len(changes), n)
		}
		if err := after.Close(); err != nil {
			t.Fatal(err)
		}
		for _, tail := range []string{"", "-wal", "-shm"} {
			_ = os.Remove(copied + tail)
		}
	}
}

func TestAFullDiskLosesNothingStored(t *testing.T) {
	path := made(t)
	s := openStore(t, path, options())
	r, err := s.Begin(t.Context(), inventory.Survey{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.write.ExecContext(t.Context(), "PRAGMA max_page_count = 90"); err != nil {
		t.Fatal(err)
	}
	for i := 0; r.Err() == nil && i < 100_000; i++ {
		r.Observe(tells(1, host("", fmt.Sprintf("10.%d.%d.1", i/250%250, i%250)), "dev.name="+strings.Repeat("x", 200)))
		if i%20 == 0 {
			_ = r.Flush(t.Context())
		}
	}
	if err := r.Flush(t.Context()); !errors.Is(err, ErrDiskFull) {
		t.Fatalf("flush: %v", err)
	}
	r.Observe(bound(1, plc, "10.0.0.1")) // does not block
	n := len(briefs(t, s))
	if n < 2 {
		t.Errorf("%d assets are left", n)
	}
	if err := r.End(t.Context(), inventory.Survey{}); !errors.Is(err, ErrDiskFull) {
		t.Errorf("end: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = openStore(t, path, options())
	if after := len(briefs(t, s)); after != n {
		t.Errorf("%d assets before, %d after opening again", n, after)
	}
}

// TestReadOnlyMedium reads from a read-only mount, in a mount namespace of its own.
func TestReadOnlyMedium(t *testing.T) {
	path := made(t)
	if folder := os.Getenv("WALKDOWN_TEST_READONLY"); folder != "" {
		path = filepath.Join(folder, "walkdown.db")
		s := openStore(t, path, Options{ReadOnly: true})
		expect(t, "assets", 1, len(briefs(t, s)))
		if _, err := Open(t.Context(), path, Options{}); !errors.Is(err, ErrReadOnly) {
			t.Errorf("writing: %v", err)
		}
		return
	}
	if runtime.GOOS != "linux" || os.Getuid() != 0 {
		t.Skip("a read-only mount needs Linux and root")
	}
	folder := filepath.Dir(path)
	script := `mount --bind "$1" "$1" && mount -o remount,bind,ro "$1" || exit 77; WALKDOWN_TEST_READONLY="$1" exec "$2" -test.run=^TestReadOnlyMedium$`
	out, err := exec.CommandContext(t.Context(), "unshare", "-m", "sh", "-c", script, "sh", folder, os.Args[0]).CombinedOutput()
	var exit *exec.ExitError
	if errors.Is(err, exec.ErrNotFound) || errors.As(err, &exit) && exit.ExitCode() == 77 || bytes.Contains(out, []byte("unshare:")) {
		t.Skipf("no mount namespaces here: %s", out)
	}
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestAppendOnly(t *testing.T) {
	s := openStore(t, made(t), options())
	for _, statement := range []string{"DELETE FROM changes", "UPDATE changes SET kind = 'x'"} {
		if _, err := s.write.ExecContext(t.Context(), statement); err == nil {
			t.Errorf("%s: done", statement)
		}
	}
}

// TestTooManyValues feeds a device that tells another name each time.
func TestTooManyValues(t *testing.T) {
	s := newStore(t)
	var list []discovery.Observation
	for i := range 3 * maxValues {
		list = append(list, tells(i, host("", "10.0.0.1"), fmt.Sprintf("dev.name=n%03d", i)))
	}
	survey(t, s, inventory.Survey{}, list...)
	a, err := s.Asset(t.Context(), "10.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	facts := 0
	for _, e := range all(t, s.Evidence(t.Context(), a.ID)) {
		if e.Mode == discovery.Heard {
			facts++
		}
	}
	expect(t, "facts", maxValues, facts)
	expect(t, "name", "n191", a.Name)
}

func TestCutsAndOrdersGiveTheSameAssets(t *testing.T) {
	var list []discovery.Observation
	for i := range 24 {
		mac, ip := fmt.Sprintf("00:1b:1b:00:02:%02x", i%13), fmt.Sprintf("10.0.2.%d", 1+i%17)
		list = append(list,
			bound(i, mac, ip),
			tells(i, host("", ip), "dev.vendor=Siemens", fmt.Sprintf("dev.serial=SC-%04d", 1000+i%11), "dev.model=CPU"),
			tells(i, host(mac, ""), fmt.Sprintf("lldp.chassis-id=sw-%d", i%9)),
			tells(i, host(router, fmt.Sprintf("10.7.0.%d", i%5))),
			talks(i, host(mac, ip), host(router, fmt.Sprintf("10.8.0.%d", i%9)), 502, "modbus", 1, i%2 == 0),
			tells(i, host("", ip).At(discovery.PathModbusUnit, fmt.Sprint(i%3)), fmt.Sprintf("modbus.product-code=P%d", i%2)),
		)
	}
	list = append(list, tells(50, host(router, ""), "address.role=router"))
	record := func(order []int, cuts int) []inventory.Asset {
		s := openStore(t, filepath.Join(t.TempDir(), "walkdown.db"), options())
		r, err := s.Begin(t.Context(), inventory.Survey{})
		if err != nil {
			t.Fatal(err)
		}
		for i, n := range order {
			r.Observe(list[n])
			if cuts > 0 && i%cuts == 0 {
				if err := r.Flush(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := r.End(t.Context(), inventory.Survey{}); err != nil {
			t.Fatal(err)
		}
		assets := all(t, s.Assets(t.Context()))
		for i := range assets {
			assets[i].ID = ""
		}
		return assets
	}
	order := make([]int, len(list))
	for i := range order {
		order[i] = i
	}
	want := record(order, 0)
	if len(want) < 10 {
		t.Fatalf("%d assets", len(want))
	}
	for round, cuts := range []int{5, 31, 0} {
		slices.SortFunc(order, func(a, b int) int { return (a*7919+round*31)%len(list) - (b*7919+round*31)%len(list) })
		expect(t, fmt.Sprintf("assets in cuts of %d", cuts), want, record(order, cuts))
	}
}

// BenchmarkRecord records 10,000 hosts with a nameplate each.
func BenchmarkRecord(b *testing.B) {
	for b.Loop() {
		s := openStore(b, filepath.Join(b.TempDir(), "walkdown.db"), options())
		recordHosts(b, s, 10_000)
		if err := s.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkList lists 10,000 assets.
func BenchmarkList(b *testing.B) {
	s := newStore(b)
	recordHosts(b, s, 10_000)
	for b.Loop() {
		if n := len(all(b, s.Assets(b.Context()))); n != 10_001 { // and their client
			b.Fatal(n)
		}
	}
}

func recordHosts(b *testing.B, s *Store, n int) {
	b.Helper()
	r, err := s.Begin(b.Context(), inventory.Survey{})
	if err != nil {
		b.Fatal(err)
	}
	for i := range n {
		mac, ip := fmt.Sprintf("00:1b:1b:%02x:%02x:%02x", i>>16&255, i>>8&255, i&255), fmt.Sprintf("10.%d.%d.%d", i>>16&255, i>>8&255, i&255)
		r.Observe(bound(0, mac, ip))
		r.Observe(tells(1, host(mac, ip), "dev.vendor=Siemens", fmt.Sprintf("dev.serial=SC-%06d", i), "dev.model=CPU", "dev.firmware=2.8", "dev.name=cpu"))
		r.Observe(talks(2, host(hmi, "10.200.0.1"), host(mac, ip), 102, "s7", 9, true))
	}
	if err := r.End(b.Context(), inventory.Survey{}); err != nil {
		b.Fatal(err)
	}
}
