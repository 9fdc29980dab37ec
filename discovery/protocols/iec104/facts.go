package iec104

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/wire/once"
)

const name = "iec104"

// The keys.
const (
	// KeyRole is "controlling" or "controlled", as the standard calls the stations.
	KeyRole discovery.Key = "iec104.role"
	// KeyCommonAddress is the address under which a controlled station reports.
	KeyCommonAddress discovery.Key = "iec104.common-address"
	// KeyOriginator is the number of a controlling station among several, where it gives one.
	KeyOriginator discovery.Key = "iec104.originator-address"
)

// pathAddress is the path piece of a further station behind an address, by its common address.
const pathAddress = "iec104"

// Protocol is IEC 60870-5-104. It is only heard.
func Protocol() discovery.Protocol {
	return discovery.Protocol{
		Name:     name,
		Title:    "IEC 60870-5-104",
		Standard: "IEC 60870-5-104:2006, IEC 60870-5-101:2003",
		Hears:    "which stations control and which are controlled, common addresses, and who reads, writes or commands",
		Keys:     []discovery.Key{KeyRole, KeyCommonAddress, KeyOriginator},
		Ports:    []discovery.Port{{Transport: discovery.TCP, Number: Port}},
		Claims:   claims,
		Decode:   func(f discovery.Flow) discovery.Decoder { return &conversation{flow: f} },
	}
}

// conversation reads both sides of a connection.
type conversation struct {
	flow       discovery.Flow
	understood bool
	ends       [2]end
}

// end is what is remembered of a side.
type end struct {
	lost    bool // the next byte need not begin a frame
	skipped int
	station uint16
	known   bool   // station is the first common address that it reported under
	last    uint16 // the common address that was told last, where known is set
	said    once.Memory
	told    discovery.Operations
}

// maxSkipped is how much of a side may be no frame before the conversation counts as some other protocol's.
const maxSkipped = 16 * maxFrame

// Feed reads one frame.
func (c *conversation) Feed(side discovery.Side, t time.Time, b []byte, gap int, out discovery.Sink) (int, error) {
	e := &c.ends[side]
	if gap > 0 {
		e.lost, e.skipped = true, 0
	}
	n, err := length(b)
	switch {
	case err != nil:
		return c.resync(e, b, err)
	case n == 0 || n > len(b):
		return 0, nil
	case e.lost && !isWhole(b):
		return c.resync(e, b, errAlone)
	}
	e.lost, e.skipped, c.understood = false, 0, true
	k, _ := kind(b[headerSize:])
	switch k {
	case StartTransfer:
		c.controls(side, t, 0, out)
		c.talk(side, t, discovery.OpRead, out) // what changes is reported from now on
	case Inform:
		a, err := parseASDU(b[headerSize+controlSize : n])
		if err != nil {
			return n, err
		}
		c.read(side, t, a, out)
	}
	return n, nil
}

// errAlone says that what follows a gap may be the middle of a frame.
var errAlone = errors.New("no frame follows at byte 0")

// resync looks for the next frame behind the first byte. It is an error to get lost, but not to still be.
func (c *conversation) resync(e *end, b []byte, reason error) (int, error) {
	at := len(b)
	if i := bytes.IndexByte(b[1:], start); i >= 0 {
		at = 1 + i
	}
	if !c.understood && (!e.lost || e.skipped > maxSkipped) {
		return len(b), fmt.Errorf("find iec 104 frame: %w: %w", discovery.ErrNotMine, reason)
	}
	e.skipped += at
	if e.lost {
		return at, nil
	}
	e.lost = true
	return at, fmt.Errorf("find iec 104 frame: skipped %d bytes: %w", at, reason)
}

// read tells what an ASDU says of the station that sends it.
func (c *conversation) read(side discovery.Side, t time.Time, a ASDU, out discovery.Sink) {
	switch {
	case a.isMonitor() && a.CommonAddress != broadcast:
		e := &c.ends[side]
		if e.known && e.last == a.CommonAddress {
			return // of what is reported all day, nothing is allocated
		}
		if !e.known {
			e.known, e.station = true, a.CommonAddress
		}
		e.last = a.CommonAddress
		about, address := c.flow.Ends[side], strconv.Itoa(int(a.CommonAddress))
		if e.station != a.CommonAddress {
			about = about.At(pathAddress, address)
		}
		e.said.Tell(out, discovery.Observation{Time: t, Subject: about, Facts: []discovery.Fact{
			discovery.NewFact(KeyRole, "controlled"), discovery.NewFact(KeyCommonAddress, address),
		}})
	case a.isCommand():
		c.controls(side, t, a.Originator, out)
		c.talk(side, t, a.operation(), out)
	}
}

// controls tells that a side controls.
func (c *conversation) controls(side discovery.Side, t time.Time, originator uint8, out discovery.Sink) {
	facts := []discovery.Fact{discovery.NewFact(KeyRole, "controlling")}
	if originator != 0 {
		facts = append(facts, discovery.NewFact(KeyOriginator, strconv.Itoa(int(originator))))
	}
	c.ends[side].said.Tell(out, discovery.Observation{Time: t, Subject: c.flow.Ends[side], Facts: facts})
}

// talk tells an operation once for each controlling side.
func (c *conversation) talk(client discovery.Side, t time.Time, op discovery.Operations, out discovery.Sink) {
	e := &c.ends[client]
	if op&^e.told == 0 {
		return
	}
	e.told |= op
	out.Observe(c.flow.Talk(name, client, t, op))
}
