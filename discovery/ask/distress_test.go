package ask

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
)

// answersIn lets each answer take what the list says, the last one for all that follow.
func answersIn(times ...time.Duration) func(string, net.Conn) {
	return func(_ string, conn net.Conn) {
		for i := 0; ; i++ {
			text, err := readNoted(conn)
			if err != nil {
				return
			}
			time.Sleep(times[min(i, len(times)-1)])
			if _, err := conn.Write(word("A" + text)); err != nil {
				return
			}
		}
	}
}

func ms(n ...int) []time.Duration {
	var out []time.Duration
	for _, n := range n {
		out = append(out, time.Duration(n)*time.Millisecond)
	}
	return out
}

func TestSlowAnswersAreDistress(t *testing.T) {
	for _, c := range []struct {
		name   string
		class  Class
		times  []time.Duration
		asked  int // questions of 8
		reason string
	}{
		{"steady", Controller, ms(20), 8, ""},
		{"slow_from_the_start", Controller, ms(900), 8, ""},
		{"one_slow_answer_is_none", Controller, ms(20, 20, 20, 400, 20), 8, ""},
		{"within_a_cycle_is_none", Controller, ms(1, 1, 1, 45), 8, ""},
		{"two_in_a_row", Controller, ms(20, 20, 20, 400, 400), 5, "word: answered question in 400ms, 20.0 times its own 20ms"},
		{"slower_and_slower", Controller, ms(10, 20, 40, 80, 160, 320), 5, "word: answered question in 160ms, 8.0 times its own 20ms"},
		{"a_server_may_have_two", Computer, ms(20, 20, 20, 400, 400, 20), 8, ""},
		{"a_switch_not_three", Infrastructure, ms(20, 20, 20, 400, 400, 400), 6, "word: answered question in 400ms"},
		{"just_below", Controller, ms(40, 40, 40, 120), 8, ""},
		{"just_above", Controller, ms(40, 40, 40, 121), 5, "3.0 times its own 40ms"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := &lab{handle: answersIn(c.times...)}
				p := wordProtocol("word", discovery.TCP, askWords("Q1", "Q2", "Q3", "Q4", "Q5", "Q6", "Q7", "Q8"))
				k, book := newKeeper(t, Options{Protocols: []discovery.Protocol{p}})
				k.dial = l.dial
				r := mustRun(t, k, host("10.0.0.5", c.class, "word"))
				answered := 0
				for _, line := range book.lines() {
					if line == "question answered" {
						answered++
					}
				}
				if answered != c.asked {
					t.Errorf("%d questions were answered, want %d", answered, c.asked)
				}
				got := r.Devices[0].Distress
				if !strings.Contains(got, c.reason) || (got == "") != (c.reason == "") {
					t.Errorf("distress %q, want %q", got, c.reason)
				}
				if facts := book.facts(discovery.KeyDistress); (len(facts) == 1) != (c.reason != "") {
					t.Errorf("told %q", facts)
				}
				if told := strings.Join(r.Reasons, "; "); c.reason != "" && !strings.Contains(told, "10.0.0.5 was left alone: word") {
					t.Errorf("reasons %q", told)
				}
			})
		})
	}
}

// A table takes longer than a name: each request is also measured by its own first answer.
func TestATableHasItsOwnMeasure(t *testing.T) {
	l := DefaultLimits()
	var a answerTimes
	note := func(request string, n int) bool {
		slow, _ := a.note(l, request, time.Duration(n)*time.Millisecond)
		return slow
	}
	var got []bool
	for _, answer := range []struct {
		request string
		ms      int
	}{{"name", 5}, {"name", 5}, {"table", 300}, {"table", 310}, {"table", 290}, {"table", 1000}, {"name", 5}} {
		got = append(got, note(answer.request, answer.ms))
	}
	if want := []bool{false, false, true, false, false, true, false}; !slices.Equal(got, want) {
		t.Errorf("slow: %v, want %v", got, want)
	}
	// How quick it answers others counts until it has answered us.
	b := answerTimes{others: 10 * time.Millisecond}
	if slow, baseline := b.note(l, "name", 200*time.Millisecond); !slow || baseline != 10*time.Millisecond {
		t.Errorf("slow %v by %s", slow, baseline)
	}
}

func TestAnAskersAlarmIsDistress(t *testing.T) {
	noLeak(t)
	device := tcpPeer(t, answerAll)
	p := wordProtocol("word", discovery.TCP, func(context.Context, discovery.Session, discovery.Target) error {
		return fmt.Errorf("sysUpTime fell from 9000 to 12: %w", discovery.ErrDistress)
	})
	second := wordProtocol("other", discovery.TCP, askWords("Q1"))
	k, book := newKeeper(t, Options{Protocols: []discovery.Protocol{p, second}, Limits: quick()})
	r := mustRun(t, k, device.host(Infrastructure, "word", "other"))
	if got := r.Devices[0]; !strings.Contains(got.Distress, "sysUpTime fell") || got.Items[0].Outcome != ItemDistress || len(got.Items) != 1 {
		t.Errorf("got %+v", got)
	}
	if device.conns != 0 || len(book.facts(discovery.KeyDistress)) != 1 {
		t.Errorf("%d connections, told %q", device.conns, book.facts(discovery.KeyDistress))
	}
}

// ear plays what the passive ear hears of 10.0.0.5's own client.
type earPlay struct {
	w     *Watch
	now   time.Time
	every time.Duration
}

func (e *earPlay) second(change func(*discovery.Pulse)) {
	e.now = e.now.Add(time.Second)
	p := discovery.Pulse{
		Client: addr("10.0.0.9"), Server: addr("10.0.0.5"), Transport: discovery.TCP, Port: 502, Protocol: "modbus", Last: e.now, Open: 1,
		Intervals: slices.Repeat([]time.Duration{e.every}, int(time.Second/e.every)), Answers: ms(5, 6, 5),
	}
	if change != nil {
		change(&p)
	}
	e.w.Hear(p)
	e.w.Tick(e.now)
}

func TestSignsOfTheEar(t *testing.T) {
	for _, c := range []struct {
		name   string
		before func(*discovery.Pulse)
		during func(*discovery.Pulse)
		want   string
	}{
		{"as_before", nil, nil, ""},
		{"reset", nil, func(p *discovery.Pulse) { p.Resets = 1 }, "modbus of 10.0.0.9: reset inside an exchange"},
		{"resets_as_before", func(p *discovery.Pulse) { p.Resets = 1 }, func(p *discovery.Pulse) { p.Resets = 1 }, ""},
		{"sent_again", nil, func(p *discovery.Pulse) { p.Repeats = 1 }, "segments had to be sent again"},
		{"sent_again_as_before", func(p *discovery.Pulse) { p.Repeats = 2 }, func(p *discovery.Pulse) { p.Repeats = 2 }, ""},
		{"polls_grow", nil, func(p *discovery.Pulse) { p.Intervals = ms(200, 210, 190) }, "polls every 200ms instead of every 100ms"},
		{"polls_grow_a_little", nil, func(p *discovery.Pulse) { p.Intervals = ms(140, 140, 140) }, ""},
		{"polls_stop", nil, func(p *discovery.Pulse) { p.Intervals, p.Answers, p.Last = nil, nil, time.Unix(1000, 0) }, "polls every 100ms have stopped for"},
		{"answers_slow", nil, func(p *discovery.Pulse) { p.Answers = ms(90, 95, 99) }, "answered in 95ms instead of 5ms"},
		{
			"bursts_as_before", func(p *discovery.Pulse) { p.Intervals = ms(1, 1, 1, 997) }, func(p *discovery.Pulse) { p.Intervals = ms(1, 2, 1, 1010) }, "",
		},
		{
			"irregular_tells_nothing", func(p *discovery.Pulse) { p.Intervals = ms(10, 500, 90, 3000) },
			func(p *discovery.Pulse) { p.Intervals = ms(9000) }, "",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := &earPlay{w: NewWatch(Limits{}), now: time.Unix(990, 0), every: 100 * time.Millisecond}
			for range 10 {
				e.second(c.before)
			}
			if got := e.w.sign(addr("10.0.0.5")); got != "" {
				t.Errorf("before it was asked: %q", got)
			}
			e.w.begin(addr("10.0.0.5"))
			for range 5 {
				e.second(c.during)
			}
			if got := e.w.sign(addr("10.0.0.5")); !strings.Contains(got, c.want) || (got == "") != (c.want == "") {
				t.Errorf("sign %q, want %q", got, c.want)
			}
			e.w.end(addr("10.0.0.5"))
			for range 10 {
				e.second(nil)
			}
			rhythms := e.w.Rhythms()
			if len(rhythms) != 1 {
				t.Fatalf("rhythms %+v", rhythms)
			}
			if r := rhythms[0]; r.Server != addr("10.0.0.5") || r.Before.Messages == 0 || r.After.Interval != 100*time.Millisecond || r.After.Answer != 5*time.Millisecond {
				t.Errorf("rhythm %+v", r)
			}
		})
	}
}

func TestAnOverheardSignEndsTheQuestions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := &earPlay{w: NewWatch(Limits{}), now: time.Now(), every: 100 * time.Millisecond}
		for range 10 {
			e.second(nil)
		}
		asked := 0
		l := &lab{handle: answerAfter(time.Millisecond)}
		p := wordProtocol("word", discovery.TCP, askWords("Q1", "Q2", "Q3", "Q4"))
		k, book := newKeeper(t, Options{Protocols: []discovery.Protocol{p}, Watch: e.w, Ledger: func(discovery.Exchange) {
			if asked++; asked == 2 {
				e.second(func(p *discovery.Pulse) { p.Resets = 1 })
			}
		}})
		k.dial = l.dial
		r := mustRun(t, k, host("10.0.0.5", Controller, "word"))
		if got := r.Devices[0].Distress; got != "overheard: modbus of 10.0.0.9: reset inside an exchange (1 times)" {
			t.Errorf("distress %q", got)
		}
		if got := l.gaps("10.0.0.5:4000", "Q"); len(got) != 1 || len(book.facts(discovery.KeyDistress)) != 1 {
			t.Errorf("gaps %s, told %q", got, book.facts(discovery.KeyDistress))
		}
	})
}

// What shows itself only after the last message is told as well.
func TestALateSignIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := &earPlay{w: NewWatch(Limits{}), now: time.Now(), every: 100 * time.Millisecond}
		for range 10 {
			e.second(nil)
		}
		l := &lab{handle: answerAfter(time.Millisecond)}
		k, book := newKeeper(t, Options{
			Protocols: []discovery.Protocol{wordProtocol("word", discovery.TCP, askWords("Q1"))}, Watch: e.w,
			Progress: func(p Progress) {
				if p.Done == 1 {
					e.second(func(p *discovery.Pulse) { p.Resets = 1 })
				}
			},
		})
		k.dial = l.dial
		r := mustRun(t, k, host("10.0.0.5", Controller, "word"))
		if !strings.Contains(r.Devices[0].Distress, "reset inside an exchange") || r.Counts.Distress != 1 || len(r.Reasons) != 1 {
			t.Errorf("got %+v", r)
		}
		if got := book.facts(discovery.KeyDistress); len(got) != 1 {
			t.Errorf("told %q", got)
		}
	})
}

func TestClientsAreCounted(t *testing.T) {
	w := NewWatch(Limits{})
	for i, open := range []int{1, 2, 0} {
		w.Hear(discovery.Pulse{
			Client: netip.AddrFrom4([4]byte{10, 0, 0, byte(20 + i)}), Server: addr("10.0.0.5"), Transport: discovery.TCP, Port: 502, Open: open,
		})
	}
	if n := w.Clients(addr("10.0.0.5"), 502); n != 2 {
		t.Errorf("%d clients hold a connection, want 2", n)
	}
	if n := w.Clients(addr("10.0.0.5"), 503); n != 0 {
		t.Errorf("%d clients at another port", n)
	}
}
