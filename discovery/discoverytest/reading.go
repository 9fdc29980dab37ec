package discoverytest

import (
	"errors"
	"fmt"
	"runtime/debug"
	"strings"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
)

// reading is what came of feeding a conversation to a fresh decoder.
type reading struct {
	told     []discovery.Observation
	problems []error
}

// maxTold bounds what one message may make a decoder tell.
const maxTold = 4096

// read feeds the messages to a fresh decoder as the listener would. Each buffer is overwritten after its Feed. The error is a
// breach of the contract: a panic, a count out of range, an unknown key, a value that is not clean.
func read(p discovery.Protocol, flow discovery.Flow, messages []Message) (r reading, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("panic: %v\n%s", v, debug.Stack())
		}
	}()
	w := &watched{decoder: p.Decode(flow), flow: flow, protocol: p}
	stream := discovery.Stream{Decoder: w}
	for _, m := range messages {
		buffer := append([]byte(nil), m.Bytes...)
		w.told = 0
		sink := discovery.SinkFunc(func(o discovery.Observation) {
			o = resolve(o, flow, m.Side)
			w.inspect(o)
			r.told = append(r.told, o)
		})
		if flow.Transport == discovery.TCP {
			if !stream.Feed(m.Side, m.Time, buffer, m.Gap, sink, nil) {
				break
			}
		} else if _, err := w.Feed(m.Side, m.Time, buffer, m.Gap, sink); errors.Is(err, discovery.ErrNotMine) {
			break
		}
		for i := range buffer {
			buffer[i] = 0xa5
		}
	}
	r.problems = w.problems
	return r, errors.Join(w.breaches...)
}

// resolve fills in what listen and ask would: an empty subject is the side that spoke.
func resolve(o discovery.Observation, flow discovery.Flow, side discovery.Side) discovery.Observation {
	if o.Subject.IsZero() {
		o.Subject = flow.Ends[side]
	}
	return o
}

// watched is a decoder whose every answer is held against the contract.
type watched struct {
	decoder  discovery.Decoder
	flow     discovery.Flow
	protocol discovery.Protocol
	problems []error
	breaches []error
	told     int
}

func (w *watched) Feed(side discovery.Side, t time.Time, b []byte, gap int, out discovery.Sink) (int, error) {
	n, err := w.decoder.Feed(side, t, b, gap, out)
	if err != nil {
		w.problems = append(w.problems, err)
		if text := err.Error(); text != discovery.Text(text) {
			w.breach("the error %q is not clean text", text)
		}
	}
	if n < 0 || n > len(b) {
		w.breach("Feed read %d of %d bytes", n, len(b))
	}
	if w.flow.Transport != discovery.TCP && err == nil && n != len(b) {
		w.breach("Feed read %d of a message of %d bytes without an error", n, len(b))
	}
	return n, err
}

func (w *watched) inspect(o discovery.Observation) {
	if w.told += len(o.Facts) + len(o.Links) + len(o.Talks); w.told > maxTold {
		w.breach("one message tells more than %d things", maxTold)
	}
	if len(o.Facts)+len(o.Links)+len(o.Talks) == 0 {
		w.breach("an observation of %s holds nothing", o.Subject)
	}
	for _, f := range o.Facts {
		if err := checkFact(w.protocol, f); err != nil {
			w.breach("%w", err)
		}
	}
	for _, l := range o.Links {
		for _, text := range []string{l.LocalPort, l.RemoteName, l.RemotePort} {
			if text != discovery.Text(text) {
				w.breach("link text %q is not clean", text)
			}
		}
	}
}

// breach notes a breach of the contract; a few are enough.
func (w *watched) breach(format string, args ...any) {
	if len(w.breaches) < 5 {
		w.breaches = append(w.breaches, fmt.Errorf(format, args...))
	}
}

func checkFact(p discovery.Protocol, f discovery.Fact) error {
	switch {
	case !knows(p, f.Key):
		return fmt.Errorf("key %q is neither the protocol's nor shared", f.Key)
	case f.Value == "" && len(f.Raw) == 0:
		return fmt.Errorf("fact %s is empty", f.Key)
	case f.Value != discovery.Text(f.Value):
		return fmt.Errorf("fact %s: value %q is not clean", f.Key, f.Value)
	case f.Confidence <= 0 || f.Confidence > 1:
		return fmt.Errorf("fact %s: confidence %v", f.Key, f.Confidence)
	case f.Rule != "" || len(f.From) > 0:
		return fmt.Errorf("fact %s: a protocol does not deduce, rule %q", f.Key, f.Rule)
	}
	return nil
}

// Lines is the golden form of observations, one line for each fact, link and conversation:
//
//	00:11:22:33:44:55 192.0.2.1 modbus-unit=3: modbus.vendor-name = ACME
//	192.0.2.1 (said by 192.0.2.254): address.binding = arp raw 0a0b
//	192.0.2.1: link port 1 -> 00:11:22:33:44:66 sw-2 port 7 by lldp
//	192.0.2.2 -> 192.0.2.1 tcp/502 modbus: read+write
func Lines(observations []discovery.Observation) []string {
	var lines []string
	for _, o := range observations {
		about := subject(o.Subject)
		if teller := subject(o.Teller); teller != "" {
			about += " (said by " + teller + ")"
		}
		for _, f := range o.Facts {
			line := about + ": " + string(f.Key) + " = " + f.Value
			if len(f.Raw) > 0 {
				line += fmt.Sprintf(" raw %x", f.Raw)
			}
			lines = append(lines, line)
		}
		for _, l := range o.Links {
			lines = append(lines, strings.Join(strings.Fields(fmt.Sprintf("%s: link %s -> %s %s %s by %s",
				about, l.LocalPort, subject(l.Remote), l.RemoteName, l.RemotePort, l.Via)), " "))
		}
		for _, c := range o.Talks {
			lines = append(lines, fmt.Sprintf("%s -> %s %s/%d %s: %s",
				subject(c.Client), subject(c.Server), c.Transport, c.Port, c.Protocol, c.Operations))
		}
	}
	return lines
}

// subject is the whole address, unlike Subject.String, which is meant for people.
func subject(s discovery.Subject) string {
	var words []string
	if !s.MAC.IsZero() {
		words = append(words, s.MAC.String())
	}
	if s.IP.IsValid() {
		words = append(words, s.IP.String())
	}
	if s.VLAN != 0 {
		words = append(words, fmt.Sprintf("vlan=%d", s.VLAN))
	}
	if s.Path != "" {
		words = append(words, s.Path)
	}
	return strings.Join(words, " ")
}

// missing lists the lines that are not among those wanted, counting how often each stands there.
func missing(lines, among []string) []string {
	left := map[string]int{}
	for _, line := range among {
		left[line]++
	}
	var out []string
	for _, line := range lines {
		if left[line]--; left[line] < 0 {
			out = append(out, line)
		}
	}
	return out
}
