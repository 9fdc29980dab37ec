// Package discoverytest is the suite that every protocol must pass, and a stand-in for the pace-keeper that lets an asker talk
// to a peer in a test. It is imported by tests only.
package discoverytest

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/walkdown-ot/walkdown/discovery"
)

// Message is what one side says: a datagram, a frame's payload, or the next bytes of a stream.
type Message struct {
	Side  discovery.Side
	Time  time.Time
	Bytes []byte
	Gap   int // bytes lost before it
}

// Sample is a conversation and what must be learnt from it.
type Sample struct {
	Name     string
	Flow     discovery.Flow
	Messages []Message
	// Want is the golden form of what is told, in order; see Lines.
	Want []string
	// Problems is how many errors the decoder must give: 0 for a sound conversation.
	Problems int
}

// Run checks a protocol's vocabulary and asker, and reads each sample whole, cut short, damaged and in pieces:
//
//   - the golden lines come out, though each buffer is overwritten as soon as it was fed;
//   - a message cut at any byte never panics and tells nothing that the whole one does not; a datagram then gives an error that
//     wraps io.ErrUnexpectedEOF or discovery.ErrNotMine, or names a place, unless only padding was lost; a stream waits;
//   - no change of a single byte panics, and whatever is then told is clean and of the protocol's vocabulary;
//   - a stream tells the same when it comes byte by byte or all at once, and survives the loss of any message;
//   - one side alone, as some mirror ports show it, tells nothing of anybody that both sides together do not.
func Run(t *testing.T, p discovery.Protocol, samples ...Sample) {
	t.Helper()
	t.Run("vocabulary", func(t *testing.T) { report(t, checkVocabulary(p)) })
	if p.Asker != nil {
		t.Run("asker", func(t *testing.T) { report(t, checkAsker(p, p.Asker)) })
	}
	if p.Segment != nil {
		t.Run("segment", func(t *testing.T) { report(t, checkAsker(p, p.Segment)) })
	}
	if len(samples) == 0 && p.Decode != nil {
		t.Error("no samples")
	}
	for _, s := range samples {
		t.Run(s.Name, func(t *testing.T) {
			for _, c := range sampleChecks() {
				t.Run(c.name, func(t *testing.T) { report(t, c.check(p, s)) })
			}
		})
	}
}

func report(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Error(err)
	}
}

type sampleCheck struct {
	name  string
	check func(discovery.Protocol, Sample) error
}

func sampleChecks() []sampleCheck {
	return []sampleCheck{
		{"golden", checkGolden},
		{"cut_short", checkCut},
		{"damaged", checkDamaged},
		{"in_pieces", checkPieces},
		{"lost", checkLost},
		{"one_side", checkOneSide},
	}
}

func checkGolden(p discovery.Protocol, s Sample) error {
	r, err := read(p, s.Flow, s.Messages)
	if err != nil {
		return err
	}
	if len(r.problems) != s.Problems {
		err = fmt.Errorf("%d problems, want %d: %w", len(r.problems), s.Problems, errors.Join(r.problems...))
	}
	if diff := cmp.Diff(s.Want, Lines(r.told)); diff != "" {
		err = errors.Join(err, fmt.Errorf("told (-want +got):\n%s", diff))
	}
	return err
}

func checkCut(p discovery.Protocol, s Sample) error {
	for i, m := range s.Messages {
		whole, err := read(p, s.Flow, s.Messages[:i+1])
		if err != nil {
			return err
		}
		before, err := read(p, s.Flow, s.Messages[:i])
		if err != nil {
			return err
		}
		for k := range m.Bytes {
			cut := m
			cut.Bytes = m.Bytes[:k]
			r, err := read(p, s.Flow, append(s.Messages[:i:i], cut))
			if err == nil {
				err = checkCutReading(s.Flow, r, before, whole)
			}
			if err != nil {
				return fmt.Errorf("message %d cut to %d of %d bytes: %w", i, k, len(m.Bytes), err)
			}
		}
	}
	return nil
}

func checkCutReading(flow discovery.Flow, r, before, whole reading) error {
	if extra := missing(Lines(r.told), Lines(whole.told)); len(extra) > 0 {
		return fmt.Errorf("tells what the whole message does not: %q", extra)
	}
	if flow.Transport == discovery.TCP {
		if len(r.problems) > len(whole.problems) {
			return fmt.Errorf("a stream waits for the rest, this one fails: %w", errors.Join(r.problems...))
		}
		return nil
	}
	if len(r.problems) == len(before.problems) {
		if diff := cmp.Diff(Lines(whole.told), Lines(r.told)); diff != "" {
			return fmt.Errorf("told less, without an error (-whole +cut):\n%s", diff)
		}
		return nil
	}
	problem := r.problems[len(r.problems)-1]
	if !errors.Is(problem, io.ErrUnexpectedEOF) && !errors.Is(problem, discovery.ErrNotMine) && !strings.ContainsAny(problem.Error(), "0123456789") {
		return fmt.Errorf("the error wraps neither io.ErrUnexpectedEOF nor ErrNotMine and names no place: %w", problem)
	}
	return nil
}

// maxFlips bounds how many bytes of one message are damaged, so that a large sample stays quick.
const maxFlips = 1500

func checkDamaged(p discovery.Protocol, s Sample) error {
	for i, m := range s.Messages {
		step := 1 + len(m.Bytes)/maxFlips
		for k := 0; k < len(m.Bytes); k += step {
			for _, flip := range []byte{0x01, 0x80, 0xff} {
				damaged := m
				damaged.Bytes = append([]byte(nil), m.Bytes...)
				damaged.Bytes[k] ^= flip
				if _, err := read(p, s.Flow, slices.Concat(s.Messages[:i], []Message{damaged}, s.Messages[i+1:])); err != nil {
					return fmt.Errorf("message %d with byte %d ^ %#02x: %w", i, k, flip, err)
				}
			}
		}
	}
	return nil
}

func checkPieces(p discovery.Protocol, s Sample) error {
	if s.Flow.Transport != discovery.TCP {
		return nil
	}
	var bytewise, joined []Message
	for _, m := range s.Messages {
		for k := range m.Bytes {
			piece := Message{Side: m.Side, Time: m.Time, Bytes: m.Bytes[k : k+1]}
			if k == 0 {
				piece.Gap = m.Gap
			}
			bytewise = append(bytewise, piece)
		}
		if n := len(joined); n > 0 && joined[n-1].Side == m.Side && m.Gap == 0 {
			joined[n-1].Bytes = append(joined[n-1].Bytes[:len(joined[n-1].Bytes):len(joined[n-1].Bytes)], m.Bytes...)
			continue
		}
		joined = append(joined, m)
	}
	for _, way := range []struct {
		name     string
		messages []Message
	}{{"byte by byte", bytewise}, {"all at once", joined}} {
		r, err := read(p, s.Flow, way.messages)
		if err != nil {
			return fmt.Errorf("%s: %w", way.name, err)
		}
		if diff := cmp.Diff(s.Want, Lines(r.told)); diff != "" {
			return fmt.Errorf("%s (-want +got):\n%s", way.name, diff)
		}
	}
	return nil
}

func checkLost(p discovery.Protocol, s Sample) error {
	for i, m := range s.Messages {
		rest := append([]Message(nil), s.Messages[i+1:]...)
		for k := range rest {
			if s.Flow.Transport == discovery.TCP && rest[k].Side == m.Side {
				rest[k].Gap += len(m.Bytes)
				break
			}
		}
		if _, err := read(p, s.Flow, append(s.Messages[:i:i], rest...)); err != nil {
			return fmt.Errorf("message %d lost: %w", i, err)
		}
		if s.Flow.Transport != discovery.TCP {
			continue
		}
		for k := 1; k < len(m.Bytes); k += 1 + len(m.Bytes)/64 {
			half := m
			half.Bytes, half.Gap = m.Bytes[k:], m.Gap+k
			if _, err := read(p, s.Flow, slices.Concat(s.Messages[:i], []Message{half}, s.Messages[i+1:])); err != nil {
				return fmt.Errorf("the first %d bytes of message %d lost: %w", k, i, err)
			}
		}
	}
	return nil
}

func checkOneSide(p discovery.Protocol, s Sample) error {
	whole, err := read(p, s.Flow, s.Messages)
	if err != nil {
		return err
	}
	// Where in a device something is may be known from the question alone.
	facts := func(r reading) []string {
		var lines []string
		for _, o := range r.told {
			for _, f := range o.Facts {
				lines = append(lines, fmt.Sprintf("%s: %s = %s", subject(o.Subject.Host()), f.Key, f.Value))
			}
		}
		slices.Sort(lines)
		return slices.Compact(lines)
	}
	for _, side := range []discovery.Side{discovery.Client, discovery.Server} {
		r, err := read(p, s.Flow, slices.DeleteFunc(slices.Clone(s.Messages), func(m Message) bool { return m.Side != side }))
		if err == nil {
			if extra := missing(facts(r), facts(whole)); len(extra) > 0 {
				err = fmt.Errorf("tells what both together do not: %q", extra)
			}
		}
		if err != nil {
			return fmt.Errorf("side %d alone: %w", side, err)
		}
	}
	return nil
}
