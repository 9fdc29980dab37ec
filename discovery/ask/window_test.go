package ask

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
)

// 7 March 2026 is a Saturday.
func on(text string) time.Time {
	t, err := time.ParseInLocation("2006-01-02 15:04", text, time.UTC)
	if err != nil {
		panic(err)
	}
	return t
}

func TestWindows(t *testing.T) {
	for _, c := range []struct {
		windows string // separated by ;
		now     string
		until   string // "" = closed
		next    string
	}{
		{"Sat 02:00-04:00", "2026-03-07 02:00", "2026-03-07 04:00", "2026-03-07 02:00"},
		{"Sat 02:00-04:00", "2026-03-07 03:59", "2026-03-07 04:00", "2026-03-07 03:59"},
		{"Sat 02:00-04:00", "2026-03-07 04:00", "", "2026-03-14 02:00"},
		{"sat 02:00-04:00", "2026-03-06 03:00", "", "2026-03-07 02:00"},
		{"Mon-Fri 22:00-05:00", "2026-03-07 04:30", "2026-03-07 05:00", "2026-03-07 04:30"}, // Friday's
		{"Mon-Fri 22:00-05:00", "2026-03-08 04:30", "", "2026-03-09 22:00"},
		{"Fri-Mon 22:00-23:00", "2026-03-08 22:30", "2026-03-08 23:00", "2026-03-08 22:30"},
		{"Sat,Sun 06:00-08:00", "2026-03-08 07:00", "2026-03-08 08:00", "2026-03-08 07:00"},
		{"02:00-04:00", "2026-03-10 03:00", "2026-03-10 04:00", "2026-03-10 03:00"},
		{"Saturday 20:00-24:00", "2026-03-07 23:59", "2026-03-08 00:00", "2026-03-07 23:59"},
		{"Sat 02:00-04:00;Sat 03:00-05:00", "2026-03-07 03:30", "2026-03-07 05:00", "2026-03-07 03:30"},
		{"Sat 02:00-04:00;Mon 02:00-04:00", "2026-03-07 12:00", "", "2026-03-09 02:00"},
	} {
		t.Run(c.windows+" at "+c.now, func(t *testing.T) {
			windows, err := ParseWindows(strings.Split(c.windows, ";"))
			if err != nil {
				t.Fatal(err)
			}
			now := on(c.now)
			until, open := windows.Open(now)
			if open != (c.until != "") || open && !until.Equal(on(c.until)) {
				t.Errorf("open %v until %s", open, until)
			}
			if got := windows.Next(now); !got.Equal(on(c.next)) {
				t.Errorf("next %s, want %s", got, c.next)
			}
		})
	}
	for _, bad := range []string{"", "Sat", "Sat 2-4", "Sat 02:00", "Sat 02:00-02:00", "Blursday 02:00-04:00", "Sat 25:00-26:00", "S 02:00-04:00", "Sat 02:00-04:00 UTC"} {
		if w, err := ParseWindow(bad); err == nil {
			t.Errorf("%q is read as %+v", bad, w)
		}
	}
	if _, open := Windows(nil).Open(time.Now()); !open {
		t.Error("without windows it is closed")
	}
}

// Wall clocks go forward in Berlin on 29 March 2026 at 02:00: the window from 01:30 to 03:30 is an hour short.
func TestWindowWhenClocksChange(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Skip("no zones on this machine:", err)
	}
	windows, err := ParseWindows([]string{"Sun 01:30-03:30"})
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 3, 29, 1, 45, 0, 0, berlin)
	until, open := windows.Open(now)
	if !open || until.Sub(now) != 45*time.Minute {
		t.Errorf("open %v for %s", open, until.Sub(now))
	}
}

func TestAWindowThatClosesEndsTheRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		windows, err := ParseWindows([]string{"02:00-02:01"})
		if err != nil {
			t.Fatal(err)
		}
		l := &lab{handle: answerAfter(time.Millisecond)}
		limits := DefaultLimits()
		limits.Devices = 1
		k, book := newKeeper(t, Options{Protocols: []discovery.Protocol{wordProtocol("word", discovery.TCP, askWords("Q1", "Q2", "Q3"))}, Windows: windows, Limits: limits})
		k.dial = l.dial
		offset := time.Until(on("2026-03-07 02:00").Add(58 * time.Second)) // two seconds are left
		k.now = func() time.Time { return time.Now().Add(offset).UTC() }
		plan := k.Plan([]Host{host("10.0.0.5", Controller, "word"), host("10.0.0.6", Controller, "word")})
		r, err := k.Run(t.Context(), plan)
		if err != nil || r.Interrupted {
			t.Fatalf("%v, %+v", err, r)
		}
		if want := "outside of the window 02:00-02:01, which opens again on Sun 8 Mar 02:00; 1 of 2 devices were not asked"; !strings.Contains(strings.Join(r.Reasons, ";"), want) {
			t.Errorf("reasons %q", r.Reasons)
		}
		if n := len(book.lines()); n == 0 || n > 2 {
			t.Errorf("ledger %q", book.lines())
		}
		if plan.Windows[0] != "02:00-02:01" {
			t.Errorf("the plan says %q", plan.Windows)
		}
	})
}

func TestAwaitWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		windows, err := ParseWindows([]string{"Sat 02:00-04:00"})
		if err != nil {
			t.Fatal(err)
		}
		k, _ := newKeeper(t, Options{Windows: windows})
		offset := time.Until(on("2026-03-07 00:30"))
		k.now = func() time.Time { return time.Now().Add(offset).UTC() }
		var told time.Time
		began := time.Now()
		if err := k.AwaitWindow(t.Context(), func(until time.Time) { told = until }); err != nil {
			t.Fatal(err)
		}
		if waited := time.Since(began); waited != 90*time.Minute || !told.Equal(on("2026-03-07 02:00")) {
			t.Errorf("waited %s, told %s", waited, told)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		offset = time.Until(on("2026-03-07 05:00"))
		if err := k.AwaitWindow(ctx, func(time.Time) {}); err == nil {
			t.Error("it does not end with its context")
		}
	})
}
