package once

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
)

func TestMemory(t *testing.T) {
	var m Memory
	var told []string
	sink := discovery.SinkFunc(func(o discovery.Observation) {
		for _, f := range o.Facts {
			told = append(told, fmt.Sprintf("%s %s=%s", o.Subject, f.Key, f.Value))
		}
	})
	other := discovery.Subject{IP: netip.MustParseAddr("192.0.2.9")}
	tell := func(about, teller discovery.Subject, values ...string) {
		o := discovery.Observation{Subject: about, Teller: teller}
		for _, v := range values {
			o.Facts = append(o.Facts, discovery.NewFact("x.name", v))
		}
		m.Tell(sink, o)
	}
	tell(discovery.Subject{}, discovery.Subject{}, "a", "b", "a", "")
	tell(discovery.Subject{}, discovery.Subject{}, "b")
	tell(other, discovery.Subject{}, "b")
	tell(other, discovery.Subject{IP: netip.MustParseAddr("192.0.2.1")}, "b")
	tell(other.At("slot", "1"), discovery.Subject{}, "b", "c")
	want := []string{" x.name=a", " x.name=b", "192.0.2.9 x.name=b", "192.0.2.9 x.name=b", "192.0.2.9 slot=1 x.name=b", "192.0.2.9 slot=1 x.name=c"}
	if fmt.Sprint(told) != fmt.Sprint(want) {
		t.Errorf("got  %q\nwant %q", told, want)
	}
}

func TestMemoryKeepsOtherThings(t *testing.T) {
	var m Memory
	talks := 0
	for range 2 {
		m.Tell(discovery.SinkFunc(func(o discovery.Observation) { talks += len(o.Talks) }), discovery.Observation{
			Facts: []discovery.Fact{discovery.NewFact("x.name", "a")}, Talks: make([]discovery.Conversation, 1),
		})
	}
	if talks != 2 {
		t.Errorf("%d talks", talks)
	}
}

func TestMemoryIsBounded(t *testing.T) {
	var m Memory
	for i := range 10 * capacity {
		if m.Seen([]byte(fmt.Sprint(i))) {
			t.Errorf("message %d was never given", i)
		}
	}
	if len(m.sums) > capacity {
		t.Errorf("%d sums", len(m.sums))
	}
	if !m.Seen([]byte(fmt.Sprint(10*capacity - 1))) {
		t.Error("the last message is forgotten")
	}
}

func BenchmarkSeen(b *testing.B) {
	var m Memory
	message := make([]byte, 300)
	b.ReportAllocs()
	for b.Loop() {
		m.Seen(message)
	}
}

func TestRecent(t *testing.T) {
	var m Recent
	at := time.Date(2026, 3, 2, 6, 0, 0, 0, time.UTC)
	a, b := Sum(Basis, "a"), Sum(Basis, []byte("b"))
	for _, step := range []struct {
		name string
		sum  uint64
		at   time.Time
		want bool
	}{
		{"first", a, at, true},
		{"repeat", a, at.Add(time.Minute), false},
		{"other", b, at.Add(time.Minute), true},
		{"later", a, at.Add(RetellAfter), true},
		{"back_in_time", b, at, true},
	} {
		if got := m.IsNew(step.sum, step.at); got != step.want {
			t.Errorf("%s: new %v", step.name, got)
		}
	}
	for i := range remembered {
		m.IsNew(Sum(uint64(i), "filler"), at)
	}
	if !m.IsNew(a, at.Add(RetellAfter)) {
		t.Error("the memory is not bounded")
	}
}
