package sqlite

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/walkdown-ot/walkdown/inventory"
)

// recordUntilKilled tells this test binary, run again, to record into a file until it is killed: "PATH flush" or "PATH wait".
const recordUntilKilled = "WALKDOWN_TEST_RECORD_UNTIL_KILLED"

// TestRecordUntilKilled is the process that TestKilledAtAnyMoment kills. It prints how many hosts it has told: with flush those that
// are said to be stored, else those of 50 ms each.
func TestRecordUntilKilled(t *testing.T) {
	path, mode, ok := strings.Cut(os.Getenv(recordUntilKilled), " ")
	if !ok {
		t.Skip("it is run by TestKilledAtAnyMoment")
	}
	o := options()
	o.NewID = nil // another process has given ids before
	s := openStore(t, path, o)
	r, err := s.Begin(t.Context(), inventory.Survey{Started: noon})
	if err != nil {
		t.Fatal(err)
	}
	told := time.Now()
	for n := 1; ; n++ {
		r.Observe(bound(n, fmt.Sprintf("00:1b:1b:%02x:%02x:%02x", n>>16&0xff, n>>8&0xff, n&0xff), fmt.Sprintf("10.%d.%d.%d", n>>16&0xff, n>>8&0xff, n&0xff)))
		switch {
		case mode == "flush" && n%20 == 0:
			if err := r.Flush(context.Background()); err != nil {
				t.Fatal(err)
			}
			fmt.Println("told", r.ID(), n)
		case mode == "wait" && time.Since(told) > 50*time.Millisecond:
			told = time.Now()
			fmt.Println("told", r.ID(), n)
		case mode == "wait" && n%10 == 0:
			time.Sleep(2 * time.Millisecond)
		}
	}
}

// killed lets a child record for a time, kills it, and gives the survey and how many hosts it had told until so long before.
func killed(t *testing.T, path, mode string, after, before time.Duration) (survey string, told int) {
	t.Helper()
	child := exec.Command(os.Args[0], "-test.run", "^TestRecordUntilKilled$")
	child.Env = append(os.Environ(), recordUntilKilled+"="+path+" "+mode)
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	type line struct {
		at   time.Time
		told int
	}
	var heard []line
	begun := make(chan struct{})
	ended := make(chan time.Time, 1)
	go func() { // it ends by SIGKILL wherever it is
		<-begun
		time.Sleep(after)
		ended <- time.Now()
		_ = child.Process.Kill()
	}()
	for lines := bufio.NewScanner(out); lines.Scan(); {
		words := strings.Fields(lines.Text())
		if len(words) != 3 || words[0] != "told" {
			continue
		}
		n, err := strconv.Atoi(words[2])
		if err != nil {
			t.Fatal(err)
		}
		if len(heard) == 0 {
			close(begun)
		}
		survey = words[1]
		heard = append(heard, line{time.Now(), n})
	}
	if err := child.Wait(); err == nil || len(heard) == 0 {
		t.Fatalf("the child ended by itself: %v", err)
	}
	end := <-ended
	for _, l := range heard {
		if !l.at.After(end.Add(-before)) {
			told = l.told
		}
	}
	return survey, told
}

// What was committed is there after a SIGKILL at any moment, and the file is whole. WALKDOWN_KILLS sets how often (10).
func TestKilledAtAnyMoment(t *testing.T) {
	kills := 10
	if testing.Short() {
		kills = 2
	}
	if text := os.Getenv("WALKDOWN_KILLS"); text != "" {
		var err error
		if kills, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(t.TempDir(), "walkdown.db")
	check := func(survey string, told int) {
		t.Helper()
		o := options()
		o.NewID = nil
		s, err := Open(t.Context(), path, o)
		if err != nil {
			t.Fatal(err)
		}
		var state string
		if err := s.read.QueryRowContext(t.Context(), "PRAGMA integrity_check").Scan(&state); err != nil || state != "ok" {
			t.Fatalf("integrity: %s %v", state, err)
		}
		// The children tell the same hosts: the facts are counted up.
		var stored int
		if err := s.read.QueryRowContext(t.Context(), "SELECT coalesce(sum(facts), 0) FROM messages WHERE survey = ?", strings.TrimPrefix(survey, "s-")).Scan(&stored); err != nil {
			t.Fatal(err)
		}
		if stored < told {
			t.Errorf("%s: %d hosts were told, %d are stored", survey, told, stored)
		}
		v, err := s.Survey(t.Context(), survey)
		if err != nil || v.Outcome != interrupted {
			t.Errorf("%s: %s %v", survey, v.Outcome, err)
		}
		var unsettled int
		if err := s.read.QueryRowContext(t.Context(), "SELECT count(*) FROM unsettled").Scan(&unsettled); err != nil || unsettled > 0 {
			t.Errorf("%d subjects are not settled: %v", unsettled, err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	chance := rand.New(rand.NewPCG(1, 2))
	for range kills {
		check(killed(t, path, "flush", time.Duration(chance.IntN(60))*time.Millisecond, 0))
	}
	if testing.Short() {
		return
	}
	// Nobody asks for a commit: at most the last second is lost, and the commit that was under way, which takes its time on a busy
	// machine.
	check(killed(t, path, "wait", 4700*time.Millisecond, 4*commitEvery))
}

// A file that was not closed is looked through before anything is written to it.
func TestACrashThatTookASectorIsTold(t *testing.T) {
	path := made(t)
	s := openStore(t, path, options())
	r, err := s.Begin(t.Context(), inventory.Survey{Started: noon})
	if err != nil {
		t.Fatal(err)
	}
	r.Observe(bound(1, plc2, "10.0.0.2"))
	if err := r.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	copied := filepath.Join(t.TempDir(), "copy.db")
	for _, tail := range []string{"", "-wal"} {
		content, err := os.ReadFile(path + tail)
		if err != nil {
			t.Fatal(err)
		}
		if tail == "" { // all but the first page
			for i := 4096; i < len(content); i++ {
				content[i] = 0xa5
			}
		}
		if err := os.WriteFile(copied+tail, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	before, err := os.ReadFile(copied)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), copied, options()); !errors.Is(err, ErrDamaged) {
		t.Errorf("got %v", err)
	}
	after, err := os.ReadFile(copied)
	if err != nil || len(after) != len(before) {
		t.Errorf("the damaged file went from %d to %d bytes: %v", len(before), len(after), err)
	}
}
