package dnp3

import (
	"bytes"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/wire/once"
)

// conversation reads both sides. Frames say themselves who sends them and whether as a master, so either side may be the master: an
// outstation may open the connection.
type conversation struct {
	flow       discovery.Flow
	understood bool // a frame was read
	ends       [2]end
}

// end is what is remembered of a side.
type end struct {
	lost     bool // the next byte need not begin a frame
	skipped  int  // bytes passed over since
	station  uint16
	known    bool      // station is the address of the first outstation there
	last     [3]uint16 // whose addresses were told last: source, destination, and 1 for a master
	any      bool      // last is set
	segments assembler
	said     once.Memory
	told     discovery.Operations // as a master
}

// maxSkipped is how much of a side may be no frame before the conversation counts as some other protocol's.
const maxSkipped = 16 * maxFrame

// Feed reads one frame of a stream, or all of a datagram.
func (c *conversation) Feed(side discovery.Side, t time.Time, b []byte, gap int, out discovery.Sink) (int, error) {
	if c.flow.Transport == discovery.UDP {
		return len(b), c.datagram(side, t, b, out)
	}
	e := &c.ends[side]
	if gap > 0 {
		e.lost, e.skipped = true, 0
		e.segments.forget()
	}
	n, err := length(b)
	switch {
	case err != nil:
		return c.resync(e, b, err)
	case n == 0 || n > len(b):
		return 0, nil
	}
	e.lost, e.skipped, c.understood = false, 0, true
	f, err := parse(b[:n])
	if err == nil {
		err = c.read(side, t, f, out)
	}
	return n, err
}

// resync looks for the next frame behind the first byte. It is an error to get lost, but not to still be.
func (c *conversation) resync(e *end, b []byte, reason error) (int, error) {
	at := len(b)
	if i := bytes.IndexByte(b[1:], start1); i >= 0 {
		at = 1 + i
	}
	if !c.understood && (!e.lost || e.skipped > maxSkipped) {
		return len(b), fmt.Errorf("find dnp3 frame: %w: %w", discovery.ErrNotMine, reason)
	}
	e.skipped += at
	if e.lost {
		return at, nil
	}
	e.lost = true
	e.segments.forget()
	return at, fmt.Errorf("find dnp3 frame: skipped %d bytes: %w", at, reason)
}

// datagram reads the frames of a datagram (clause 13.2.3.1).
func (c *conversation) datagram(side discovery.Side, t time.Time, b []byte, out discovery.Sink) error {
	for at := 0; at < len(b) || at == 0; {
		n, err := length(b[at:])
		switch {
		case err != nil && !c.understood:
			return fmt.Errorf("read dnp3 datagram: %w: %w", discovery.ErrNotMine, err)
		case err != nil:
			return fmt.Errorf("read dnp3 datagram at byte %d: %w", at, err)
		case n == 0 || n > len(b)-at:
			return fmt.Errorf("read dnp3 datagram of %d bytes: %w", len(b), io.ErrUnexpectedEOF)
		}
		c.understood = true
		f, err := parse(b[at : at+n])
		if err == nil {
			err = c.read(side, t, f, out)
		}
		if err != nil {
			return err
		}
		at += n
	}
	return nil
}

// read tells what one frame says.
func (c *conversation) read(side discovery.Side, t time.Time, f Frame, out discovery.Sink) error {
	e := &c.ends[side]
	about := c.flow.Ends[side]
	if !f.FromMaster {
		about = c.outstation(side, f.Source)
	}
	if who := f.who(); !e.any || who != e.last { // of a poll, nothing is allocated
		e.any, e.last = true, who
		e.said.Tell(out, discovery.Observation{Time: t, Subject: about, Facts: f.addresses()})
	}
	if !f.carriesData() {
		return nil
	}
	b := e.segments.add(f)
	if b == nil {
		return nil
	}
	m, err := parseFragment(b)
	if err != nil {
		return err
	}
	if !m.isResponse() {
		c.talk(side, t, m.Function.operation(), out)
		return nil
	}
	list, err := attributes(m.Objects)
	var facts []discovery.Fact
	for _, a := range list {
		if fact := a.fact(); fact.Value != "" {
			facts = append(facts, fact)
		}
	}
	e.said.Tell(out, discovery.Observation{Time: t, Subject: about, Facts: facts})
	return err
}

// who is what the facts of the link layer are made of.
func (f Frame) who() [3]uint16 {
	who := [3]uint16{f.Source, f.Destination}
	if f.FromMaster {
		who[2] = 1
	}
	return who
}

// addresses are the facts of the link layer.
func (f Frame) addresses() []discovery.Fact {
	if f.Source >= reservedFrom {
		return nil
	}
	role := "outstation"
	if f.FromMaster {
		role = "master"
	}
	facts := []discovery.Fact{discovery.NewFact(KeyAddress, strconv.Itoa(int(f.Source))), discovery.NewFact(KeyRole, role)}
	if !f.FromMaster && f.Destination < reservedFrom {
		facts = append(facts, discovery.NewFact(KeyMasterAddress, strconv.Itoa(int(f.Destination))))
	}
	return facts
}

// outstation is the subject of an outstation: the first one that a side shows is the device itself, further ones are behind it.
func (c *conversation) outstation(side discovery.Side, address uint16) discovery.Subject {
	e := &c.ends[side]
	if !e.known {
		e.known, e.station = true, address
	}
	if e.station == address {
		return c.flow.Ends[side]
	}
	return c.flow.Ends[side].At(pathAddress, strconv.Itoa(int(address)))
}

// talk tells an operation once for each master.
func (c *conversation) talk(master discovery.Side, t time.Time, op discovery.Operations, out discovery.Sink) {
	e := &c.ends[master]
	if op&^e.told == 0 {
		return
	}
	e.told |= op
	out.Observe(c.flow.Talk(name, master, t, op))
}
