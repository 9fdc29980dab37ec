// Package srtp hears and asks SRTP, by which the controllers of GE (Series 90, VersaMax, PACSystems; now Emerson) and some robots are read,
// written and programmed: the id and type of the CPU, the program in it, and who reads, writes and controls.
//
// Standard: GE's manual of the serial protocol SNP, GFK-0529C (chapter 6 service requests, 3 mailbox messages), whose messages SRTP
// carries; the frame around them by Denton and others, "Leveraging the SRTP protocol", DFRWS 2017 (tables 1 and 4). Port: TCP 18245.
//
// Heard: service requests, and the answer that says who the controller is. Values are never kept. Asked: by opt-in, that service.
package srtp

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/wire"
)

const (
	name = "srtp"
	// Port is the usual one.
	Port = 18245
)

// A frame is 56 bytes, and text whose length stands in it, low byte first. The first one of a connection is all zeroes.
const (
	headerSize = 56
	maxText    = 8 << 10

	atKind     = 0
	atSequence = 2
	atText     = 4
	atMailbox  = 31 // the type of the mailbox message
	atService  = 42
	atExtended = 50 // the service of a request with text
)

// Kinds of frames.
const (
	kindOpen   = 0
	kindOpened = 1
	kindAsk    = 2
	kindAnswer = 3
	lastKind   = 9
)

// Types of mailbox messages (GFK-0529C section 3).
const (
	boxRequest     = 0xc0
	boxRequestText = 0x80
	boxDone        = 0xd4
	boxDoneText    = 0x94
	boxRefused     = 0xd1
)

// serviceIdentity is Return Controller Type and ID Information (GFK-0529C section 6, page 39).
const serviceIdentity = 0x43

// The keys.
const (
	KeyControllerID discovery.Key = "srtp.controller-id" // "33101A", as the user named the CPU
	// KeyCPUType is the major and the minor type of the CPU, decimal: "16.35".
	KeyCPUType     discovery.Key = "srtp.cpu-type"
	KeyProgramName discovery.Key = "srtp.program-name" // of the main control program
)

func keys() []discovery.Key { return []discovery.Key{KeyControllerID, KeyCPUType, KeyProgramName} }

// Protocol is SRTP, both faces.
func Protocol() discovery.Protocol {
	return discovery.Protocol{
		Name:     name,
		Title:    "GE SRTP",
		Standard: "GFK-0529C (SNP); the frame around it by DFRWS 2017",
		Hears:    "type and id of a CPU of GE and its program, when it is asked for them, and whether clients read, write or control",
		Keys:     keys(),
		Ports:    []discovery.Port{{Transport: discovery.TCP, Number: Port}},
		Claims:   claims,
		Decode:   func(f discovery.Flow) discovery.Decoder { return &conversation{flow: f} },
		Asker:    asker(),
	}
}

// length gives the length of the first frame of a stream, 0 while it is not whole.
func length(b []byte) (int, error) {
	if len(b) > 0 && b[atKind] > lastKind {
		return 0, fmt.Errorf("srtp kind %#02x at byte 0", b[atKind])
	}
	if len(b) < headerSize {
		return 0, nil
	}
	text := int(binary.LittleEndian.Uint16(b[atText:]))
	if text > maxText {
		return 0, fmt.Errorf("srtp text of %d bytes at byte %d", text, atText)
	}
	if !slices.Contains([]byte{0, boxRequest, boxRequestText, boxDone, boxDoneText, boxRefused}, b[atMailbox]) {
		return 0, fmt.Errorf("srtp mailbox type %#02x at byte %d", b[atMailbox], atMailbox)
	}
	if headerSize+text > len(b) {
		return 0, nil
	}
	return headerSize + text, nil
}

// service is what a request asks for; false for another frame.
func service(b []byte) (uint8, bool) {
	switch b[atMailbox] {
	case boxRequest:
		return b[atService], true
	case boxRequestText:
		return b[atExtended], true
	}
	return 0, false
}

// operation is what a client does with a service (DFRWS 2017 table 2); 0 for one that only sets up or logs on.
func operation(service uint8) discovery.Operations {
	switch service {
	case 0x00, 0x01, 0x03, 0x04, 0x05, 0x06, 0x25, 0x38, 0x3f, serviceIdentity: // status, names, memory, time, faults; program out of the PLC
		return discovery.OpRead
	case 0x07, 0x08, 0x09, 0x22, 0x24, 0x39, 0x48: // memory, id, time, clear faults, datagrams
		return discovery.OpWrite
	case 0x23, 0x40, 0x44: // run and stop, program into the PLC, force
		return discovery.OpControl
	}
	return 0
}

// claims recognises a stream by a whole request to the task that serves requests; the zeroes before it are anybody's.
func claims(first []byte) bool {
	n, err := length(first)
	if err != nil || n == 0 || first[atKind] != kindAsk {
		return false
	}
	s, ok := service(first)
	return ok && operation(s) != 0 && first[40] == 1 && first[41] == 1
}

// conversation reads both sides of a connection.
type conversation struct {
	flow  discovery.Flow
	known bool
	lost  [2]bool
	asked [256]bool // sequence numbers of requests for the identity
	told  discovery.Operations
}

// Feed reads one frame.
func (c *conversation) Feed(side discovery.Side, t time.Time, b []byte, gap int, out discovery.Sink) (int, error) {
	if c.lost[side] || gap > 0 {
		c.lost[side] = true // frames have no mark by which they are found again
		return len(b), nil
	}
	n, err := length(b)
	switch {
	case err != nil && !c.known:
		return len(b), fmt.Errorf("read frame: %w: %w", discovery.ErrNotMine, err)
	case err != nil:
		c.lost[side] = true
		return len(b), fmt.Errorf("read frame: %w", err)
	case n == 0:
		return 0, nil
	}
	c.known = true
	frame := b[:n]
	if s, ok := service(frame); ok {
		c.asked[frame[atSequence]] = s == serviceIdentity
		c.talk(side, t, operation(s), out)
		return n, nil
	}
	if frame[atKind] == kindAnswer && c.asked[frame[atSequence]] {
		c.asked[frame[atSequence]] = false
		if frame[atMailbox] == boxDoneText {
			facts, err := identity(frame[headerSize:])
			if len(facts) > 0 {
				out.Observe(discovery.Observation{Time: t, Subject: c.flow.Ends[side], Facts: facts})
			}
			return n, err
		}
	}
	return n, nil
}

// identity reads the text of an answer: id of the CPU 8, major type, minor type, number of programs, a spare byte, name of the main one
// 8; sums of the program and the configuration follow.
func identity(text []byte) ([]discovery.Fact, error) {
	r := wire.NewReader(text)
	word := func() string {
		value, _, _ := bytes.Cut(r.Bytes(8), []byte{0})
		return string(value)
	}
	var out []discovery.Fact
	tell := func(key discovery.Key, value string) {
		if fact := discovery.NewFact(key, value); fact.Value != "" && r.Err() == nil {
			out = append(out, fact)
		}
	}
	tell(KeyControllerID, word())
	tell(KeyCPUType, fmt.Sprintf("%d.%d", r.Uint8(), r.Uint8()))
	r.Skip(2)
	tell(KeyProgramName, word())
	if r.Err() != nil {
		return out, fmt.Errorf("read controller type of %d bytes: %w", len(text), io.ErrUnexpectedEOF)
	}
	return out, nil
}

// talk tells an operation once in a conversation.
func (c *conversation) talk(client discovery.Side, t time.Time, op discovery.Operations, out discovery.Sink) {
	if op&^c.told == 0 {
		return
	}
	c.told |= op
	out.Observe(c.flow.Talk(name, client, t, op))
}
