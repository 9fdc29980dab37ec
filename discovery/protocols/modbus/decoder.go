package modbus

import (
	"fmt"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
)

// decoder reads both sides of one connection. Answers name what they answer (the function, the unit, the objects), so it need not
// remember requests: only who is the client, and what it told already. Nothing is allocated for polls.
type decoder struct {
	flow       discovery.Flow
	understood bool                 // a message was read
	lost       [2]bool              // by side: the next byte need not begin a message
	skipped    [2]int               // bytes that were passed over since
	turned     bool                 // the side that was taken for the server is the client
	settled    bool                 // the shape of a message told who is who
	told       discovery.Operations // told operations
	gateway    [256]bool            // units whose gateway exception was told
	itself     alike
	refused    bool // that it has no identification was told
}

// claims looks for a whole, well-shaped message.
func claims(first []byte) bool {
	n, err := length(first)
	return err == nil && n > 0 && n <= len(first) && parse(first[:n]).isKnown()
}

// isKnown reports whether the message has the form of a known function: what tells Modbus from chance.
func (m Message) isKnown() bool {
	if m.Refused {
		return m.Function.operation() != 0 && len(m.Data) == 1 && m.Data[0] >= 1 && m.Data[0] <= 0x0b
	}
	if m.role() != either {
		return true
	}
	switch m.Function {
	case readCoils, readDiscreteInputs, writeSingleCoil, writeSingleRegister:
		return len(m.Data) == 4
	case maskWriteRegister:
		return len(m.Data) == 6
	}
	return false
}

// Feed reads one message.
func (d *decoder) Feed(side discovery.Side, t time.Time, b []byte, gap int, out discovery.Sink) (int, error) {
	if gap > 0 {
		d.lost[side] = true
	}
	n, err := length(b)
	if err != nil || d.lost[side] && !startsMessage(b) {
		return d.resync(side, b, err)
	}
	if n == 0 || n > len(b) {
		return 0, nil
	}
	d.understood, d.lost[side], d.skipped[side] = true, false, 0
	return n, d.read(side, t, parse(b[:n]), out)
}

// startsMessage reports whether a message begins here, as far as can be seen: what follows a gap may be the middle of one.
func startsMessage(b []byte) bool {
	n, err := length(b)
	switch {
	case err != nil:
		return false
	case n == 0 || n > len(b):
		return true
	case n < len(b):
		_, err = length(b[n:])
		return err == nil
	}
	return true
}

// maxSkipped is how much of a side may be no Modbus before the conversation counts as some other protocol's.
const maxSkipped = 16 * maxMessage

// resync looks for the next message, at the first byte from which whole messages follow up to the end. It is an error to get
// lost, but not to still be. A conversation that does not begin with a message, and holds none, is not Modbus.
func (d *decoder) resync(side discovery.Side, b []byte, reason error) (int, error) {
	at, found := findMessage(b)
	if d.lost[side] {
		d.skipped[side] += at
		if !d.understood && d.skipped[side] > maxSkipped {
			return len(b), fmt.Errorf("find modbus message in %d bytes: %w", d.skipped[side], discovery.ErrNotMine)
		}
		return at, nil
	}
	if !found && !d.understood {
		return len(b), fmt.Errorf("find modbus message: %w: %w", discovery.ErrNotMine, reason)
	}
	d.lost[side] = true
	return at, fmt.Errorf("find modbus message: skipped %d bytes: %w", at, reason)
}

// findMessage is where the next message begins behind the first byte. Where no whole one is found, it is where one may have begun
// that is not whole yet, at the latest behind the last byte.
func findMessage(b []byte) (at int, found bool) {
	for at := 1; at < len(b)-headerLen; at++ {
		if n, err := length(b[at:]); err == nil && at+n <= len(b) && parse(b[at:at+n]).isKnown() && startsMessage(b[at:]) {
			return at, true
		}
	}
	at = max(1, len(b)-maxMessage+1)
	for at < len(b) && !mayStart(b[at:]) {
		at++
	}
	return at, false
}

// mayStart reports whether the bytes can be the beginning of a message that is not whole.
func mayStart(b []byte) bool {
	for i := 2; i < min(len(b), 4); i++ {
		if b[i] != 0 { // the protocol id
			return false
		}
	}
	n, err := length(b)
	return err == nil && (n == 0 || n > len(b))
}

// read tells what one message says.
func (d *decoder) read(side discovery.Side, t time.Time, m Message, out discovery.Sink) error {
	role := m.role()
	if !d.settled && role != either {
		d.settled = true
		d.turned = (role == request) != (side == discovery.Client)
	}
	d.talk(t, m.Function.operation(), out)
	if m.Function == encapsulated && !m.Refused && len(m.Data) > 0 && m.Data[0] != meiDeviceID && m.Data[0] != meiCANopen {
		return fmt.Errorf("read encapsulated message: MEI type %d at byte %d", m.Data[0], headerLen+1)
	}
	if role != response {
		return nil
	}
	device := d.flow.Ends[side]
	tell := func(about discovery.Subject, facts ...discovery.Fact) {
		if len(facts) > 0 {
			out.Observe(discovery.Observation{Time: t, Subject: about, Facts: facts})
		}
	}
	switch {
	case m.Refused:
		if fact, ok := d.exception(m); ok {
			tell(device, fact)
		}
		if m.Function == encapsulated && len(m.Data) > 0 && m.Data[0] == illegalFunction && isItself(m.Unit) && !d.refused {
			d.refused = true
			tell(device, discovery.NewFact(KeyNoIdentification, "exception 1: illegal function"))
		}
	case m.Function == encapsulated:
		id, err := parseIdentification(m.Data)
		if d.itself.isAlias(m.Unit, m.Data) {
			return err // a device that answers every unit alike is one device
		}
		tell(subject(device, m.Unit), id.facts()...)
		return err
	case m.Function == reportServerID:
		if fact, ok := serverID(m.Data); ok {
			tell(subject(device, m.Unit), fact)
		}
	}
	return nil
}

// exception is what an exception says of a gateway, once for each unit: a client that polls a dead unit gets it every second.
func (d *decoder) exception(m Message) (discovery.Fact, bool) {
	if len(m.Data) == 0 || d.gateway[m.Unit] {
		return discovery.Fact{}, false
	}
	fact, ok := gatewayException(m.Unit, m.Data[0])
	d.gateway[m.Unit] = ok
	return fact, ok
}

// talk tells an operation once in a conversation.
func (d *decoder) talk(t time.Time, op discovery.Operations, out discovery.Sink) {
	if op&^d.told == 0 {
		return
	}
	d.told |= op
	client := discovery.Client
	if d.turned {
		client = discovery.Server
	}
	out.Observe(d.flow.Talk("modbus", client, t, op))
}
