package discoverytest

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
)

// feed is a decoder made of a function.
type feed func(b []byte, gap int, out discovery.Sink) (int, error)

func (f feed) Feed(_ discovery.Side, _ time.Time, b []byte, gap int, out discovery.Sink) (int, error) {
	return f(b, gap, out)
}

func toy(transport discovery.Transport, f feed) (discovery.Protocol, discovery.Flow) {
	return discovery.Protocol{
		Name: "toy", Title: "Toy", Standard: "none", Hears: "names",
		Keys:   []discovery.Key{"toy.name"},
		Ports:  []discovery.Port{{Transport: transport, Number: 7}},
		Decode: func(discovery.Flow) discovery.Decoder { return f },
	}, discovery.Flow{Transport: transport}
}

func tell(out discovery.Sink, key discovery.Key, value string) {
	out.Observe(discovery.Observation{Facts: []discovery.Fact{{Key: key, Value: value, Confidence: 1}}})
}

// lines is an honest decoder: a stream of lines, each a name.
func lines(b []byte, _ int, out discovery.Sink) (int, error) {
	name, _, ok := strings.Cut(string(b), "\n")
	if !ok {
		return 0, nil
	}
	if clean := discovery.Text(name); clean != "" {
		tell(out, "toy.name", clean)
	}
	return len(name) + 1, nil
}

// names is an honest decoder of datagrams: a length, then a name.
func names(b []byte, _ int, out discovery.Sink) (int, error) {
	if len(b) == 0 || int(b[0]) > len(b)-1 {
		return len(b), fmt.Errorf("read name: %w", io.ErrUnexpectedEOF)
	}
	if clean := discovery.Text(string(b[1 : 1+b[0]])); clean != "" {
		tell(out, "toy.name", clean)
	}
	return len(b), nil
}

func TestHonestProtocolsPass(t *testing.T) {
	stream, flow := toy(discovery.TCP, lines)
	Run(t, stream, Sample{Name: "stream", Flow: flow, Want: []string{": toy.name = ab", ": toy.name = c"}, Messages: []Message{{Bytes: []byte("ab\nc")}, {Bytes: []byte("\n")}}})
	datagrams, flow := toy(discovery.UDP, names)
	Run(
		t, datagrams,
		Sample{Name: "datagram", Flow: flow, Want: []string{": toy.name = abc"}, Messages: []Message{{Bytes: []byte("\x03abc--")}}},
		Sample{Name: "cut", Flow: flow, Problems: 1, Messages: []Message{{Bytes: []byte("\x09abc")}}},
	)
}

func TestSinsAreFound(t *testing.T) {
	var kept []byte
	for name, c := range map[string]struct {
		transport discovery.Transport
		decoder   feed
		want      string
	}{
		"panics_when_cut": {discovery.UDP, func(b []byte, _ int, out discovery.Sink) (int, error) {
			tell(out, "toy.name", string(b[1:1+b[0]]))
			return len(b), nil
		}, "panic"},
		"keeps_frame_bytes": {discovery.UDP, func(b []byte, _ int, out discovery.Sink) (int, error) {
			if kept != nil {
				tell(out, "toy.name", fmt.Sprintf("%x", kept))
			}
			kept = b
			return len(b), nil
		}, "told (-want +got)"},
		"unknown_key": {discovery.UDP, func(b []byte, _ int, out discovery.Sink) (int, error) {
			tell(out, "toy.other", "x")
			return len(b), nil
		}, `key "toy.other"`},
		"dirty_value": {discovery.UDP, func(b []byte, _ int, out discovery.Sink) (int, error) {
			tell(out, "toy.name", "a\x00b")
			return len(b), nil
		}, "not clean"},
		"empty_value": {discovery.UDP, func(b []byte, _ int, out discovery.Sink) (int, error) {
			tell(out, "toy.name", "")
			return len(b), nil
		}, "is empty"},
		"empty_observation": {discovery.UDP, func(b []byte, _ int, out discovery.Sink) (int, error) {
			out.Observe(discovery.Observation{})
			return len(b), nil
		}, "holds nothing"},
		"deduces": {discovery.UDP, func(b []byte, _ int, out discovery.Sink) (int, error) {
			out.Observe(discovery.Observation{Facts: []discovery.Fact{{Key: "toy.name", Value: "x", Confidence: 1, Rule: "r"}}})
			return len(b), nil
		}, "does not deduce"},
		"silent_about_damage": {discovery.UDP, func(b []byte, _ int, out discovery.Sink) (int, error) {
			n, _ := names(b, 0, out)
			return n, nil
		}, "without an error"},
		"error_without_place": {discovery.UDP, func(b []byte, _ int, out discovery.Sink) (int, error) {
			if len(b) < 4 {
				return len(b), errors.New("bad")
			}
			return names(b, 0, out)
		}, "names no place"},
		"invents_when_cut": {discovery.UDP, func(b []byte, _ int, out discovery.Sink) (int, error) {
			tell(out, "toy.name", fmt.Sprint(len(b)))
			return len(b), nil
		}, "what the whole message does not"},
		"reads_too_far": {discovery.UDP, func(b []byte, _ int, _ discovery.Sink) (int, error) { return len(b) + 1, nil }, "Feed read"},
		"reads_half":    {discovery.UDP, func(b []byte, _ int, _ discovery.Sink) (int, error) { return len(b) / 2, nil }, "Feed read"},
		"does_not_wait": {discovery.TCP, func(b []byte, _ int, out discovery.Sink) (int, error) {
			if n, _ := lines(b, 0, out); n > 0 {
				return n, nil
			}
			return len(b), fmt.Errorf("no line in %d bytes", len(b))
		}, "a stream waits"},
		"knows_segments": {discovery.TCP, func(b []byte, _ int, out discovery.Sink) (int, error) {
			tell(out, "toy.name", fmt.Sprint("segment of ", len(b)))
			return len(b), nil
		}, "byte by byte"},
	} {
		t.Run(name, func(t *testing.T) {
			p, flow := toy(c.transport, c.decoder)
			s := Sample{Flow: flow, Messages: []Message{{Bytes: []byte("\x03abc\n")}, {Bytes: []byte("\x02de\n")}}}
			if c.transport == discovery.TCP {
				if r, err := read(p, flow, s.Messages); err == nil {
					s.Want = Lines(r.told)
				}
			}
			var sins []string
			for _, check := range sampleChecks() {
				if err := check.check(p, s); err != nil {
					sins = append(sins, err.Error())
				}
			}
			if all := strings.Join(sins, "\n"); !strings.Contains(all, c.want) {
				t.Errorf("not found: %q in %q", c.want, all)
			}
		})
	}
}

func TestVocabularySins(t *testing.T) {
	p := discovery.Protocol{Name: "Toy", Keys: []discovery.Key{"other.x", "other.x"}, Decode: func(discovery.Flow) discovery.Decoder { return nil }}
	err := checkVocabulary(p)
	for _, want := range []string{"one lower-case word", "no title", "does not begin with", "listed twice", "neither a port nor Claims"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("not found: %q in %v", want, err)
		}
	}
	p.Asker = &discovery.Asker{Transport: discovery.TCP, Requests: []discovery.Request{{Name: "a b", Yields: []discovery.Key{"toy.z"}}, {Name: "setup", Setup: true}}}
	err = checkAsker(p, p.Asker)
	for _, want := range []string{"no Ask", "port 0", "needs Message", "kebab-case", "no template", "Max 0", "cannot be sent", "no effect", "unknown key"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("not found: %q in %v", want, err)
		}
	}
}

func TestWildKeys(t *testing.T) {
	p := discovery.Protocol{Keys: []discovery.Key{"toy.1.*.3"}}
	for key, want := range map[discovery.Key]bool{"toy.1.2.3": true, "toy.1.99.3": true, "toy.1.3": false, "toy.1.2.2.3": false, "toy.1.2.4": false} {
		if knows(p, key) != want {
			t.Errorf("%s: %v", key, !want)
		}
	}
}

func TestLines(t *testing.T) {
	a := discovery.Subject{MAC: discovery.MAC{0, 1, 2, 3, 4, 5}, VLAN: 9, Path: "modbus-unit=3"}
	got := Lines([]discovery.Observation{{
		Subject: a, Teller: discovery.Subject{MAC: discovery.Broadcast},
		Facts: []discovery.Fact{{Key: "toy.name", Value: "x", Raw: []byte{1}}},
		Links: []discovery.Link{{LocalPort: "1", RemoteName: "sw", RemotePort: "7", Via: "lldp"}},
		Talks: []discovery.Conversation{{Server: a, Transport: discovery.TCP, Port: 502, Protocol: "modbus", Operations: discovery.OpRead | discovery.OpWrite}},
	}})
	want := []string{
		"00:01:02:03:04:05 vlan=9 modbus-unit=3 (said by ff:ff:ff:ff:ff:ff): toy.name = x raw 01",
		"00:01:02:03:04:05 vlan=9 modbus-unit=3 (said by ff:ff:ff:ff:ff:ff): link 1 -> sw 7 by lldp",
		" -> 00:01:02:03:04:05 vlan=9 modbus-unit=3 tcp/502 modbus: read+write",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}

// greeter is a toy that asks over a connection, and echo answers it.
func greeter(ask func(context.Context, discovery.Session, discovery.Target) error) discovery.Protocol {
	p, _ := toy(discovery.TCP, lines)
	p.Asker = &discovery.Asker{
		Transport: discovery.TCP, Port: 7, Ask: ask,
		Requests: []discovery.Request{{Name: "greet", Template: discovery.MustTemplate("6869 ? 0a"), Max: 1, Safety: discovery.SafetyB, Effect: "none", Yields: []discovery.Key{"toy.name"}}},
		Message:  func(b []byte) (int, error) { return strings.IndexByte(string(b), '\n') + 1, nil },
	}
	return p
}

func echo(conn net.Conn) {
	in := bufio.NewReader(conn)
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		if _, err := io.WriteString(conn, strings.ToUpper(line)); err != nil {
			return
		}
	}
}

func TestAskedInParts(t *testing.T) {
	p := greeter(func(ctx context.Context, s discovery.Session, _ discovery.Target) error {
		conn, err := s.Dial(ctx)
		if err != nil {
			return err
		}
		defer func() { _ = conn.Close() }()
		for _, part := range []string{"h", "i1\n"} {
			if _, err := io.WriteString(conn, part); err != nil {
				return err
			}
		}
		answer, err := bufio.NewReader(conn).ReadString('\n')
		if answer != "HI1\n" {
			t.Errorf("answer %q, %v", answer, err)
		}
		return err
	})
	got := Asked(t, p, Peer{Serve: echo})
	if got.Err != nil || !slices.Equal(got.Requests(), []string{"greet"}) || !slices.Equal(got.Lines, []string{": toy.name = hi1", ": toy.name = HI1"}) {
		t.Errorf("%v, asked %q, told %q", got.Err, got.Requests(), got.Lines)
	}
}

func TestAskedRefusesWhatIsNotListed(t *testing.T) {
	for message, want := range map[string]error{"write!\n": discovery.ErrNotListed, "hi1\nhi2\n": discovery.ErrBudget} {
		p := greeter(func(ctx context.Context, s discovery.Session, _ discovery.Target) error {
			conn, err := s.Dial(ctx)
			if err != nil {
				return err
			}
			_, err = io.WriteString(conn, message)
			return err
		})
		s := newSession(t, p, Peer{Serve: func(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) }})
		err := p.Asker.Ask(t.Context(), s, discovery.Target{})
		s.close()
		if !errors.Is(err, want) || len(s.breach) != 1 {
			t.Errorf("%q: error %v, breaches %v", message, err, s.breach)
		}
	}
}

func TestAskedStaysOnLoopback(t *testing.T) {
	s := newSession(t, greeter(nil), Peer{Address: "192.0.2.1:7"})
	if _, err := s.Dial(t.Context()); err == nil {
		t.Error("dialled another machine")
	}
}
