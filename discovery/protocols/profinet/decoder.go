package profinet

import (
	"fmt"
	"net/netip"
	"strconv"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/wire"
)

// callDecoder reads calls. Who sends a request is the client of the call, whatever side of the conversation it is on.
type callDecoder struct {
	flow       discovery.Flow
	told       told
	assembly   assembly
	operations [2]discovery.Operations // told of each side
}

// Feed takes one datagram.
func (d *callDecoder) Feed(side discovery.Side, t time.Time, b []byte, _ int, out discovery.Sink) (int, error) {
	c, err := parseCall(b)
	if err != nil && c.body == nil {
		return len(b), err
	}
	s := speaker{decoder: d, side: side, time: t, out: out}
	if c.kind == kindRequest && c.face.isPNIO() && c.fragment == 0 {
		switch c.operation {
		case operationRead, operationReadImplicit:
			s.operate(discovery.OpRead)
		case operationWrite:
			s.operate(discovery.OpWrite)
		}
	}
	if err == nil && c.flags&flagFragment != 0 {
		if c.fragment == 0 && !c.isTold() {
			return len(b), nil
		}
		if c.body, err = d.assembly.add(&c); c.body == nil {
			return len(b), err
		}
	}
	if c.isTold() {
		err = earlier(err, s.read(&c))
	}
	return len(b), err
}

// Lengths of what stands before the blocks of a body: the array that holds them, behind two numbers in a request (the longest answer, the
// length) or in an answer (the status, the length).
const (
	headStatus = 4
	headBody   = 20
)

// isTold reports whether there is something to be learnt from a message, at a look at its start.
func (c *call) isTold() bool {
	if c.face == interfaceEPM {
		return c.kind == kindResponse && c.operation == operationLookup
	}
	r := wire.NewReader(c.body)
	status := c.order.uint32(&r)
	r.Skip(headBody - headStatus)
	switch {
	case c.operation == operationConnect:
		return c.kind == kindRequest || c.kind == kindResponse && status == 0
	case c.kind == kindResponse && (c.operation == operationRead || c.operation == operationReadImplicit) && status == 0:
		r.Skip(6)
		_, _, index, err := readHead(r)
		return err != nil || isTold(index)
	}
	return false
}

// speaker is who sent the message at hand.
type speaker struct {
	decoder *callDecoder
	side    discovery.Side
	time    time.Time
	out     discovery.Sink
}

func (s *speaker) tell(subject discovery.Subject, facts []discovery.Fact) {
	s.decoder.told.observe(discovery.Observation{Time: s.time, Subject: subject, Facts: facts}, s.out)
}

func (s *speaker) self() discovery.Subject { return s.decoder.flow.Ends[s.side] }

// operate tells an operation of the sender once. The server of the call has it at the port of PROFINET, whatever port it goes on at.
func (s *speaker) operate(op discovery.Operations) {
	d := s.decoder
	if d.operations[s.side]&op == op {
		return
	}
	d.operations[s.side] |= op
	s.out.Observe(discovery.Observation{Time: s.time, Subject: s.self(), Talks: []discovery.Conversation{{
		Client: s.self(), Server: d.flow.Ends[s.side.Other()], Transport: discovery.UDP, Port: PortCM, Protocol: "profinet", Operations: op,
	}}})
}

// exchange tells that the station that asks for a connection is going to exchange cyclic data on the link with the one that it asks.
func (s *speaker) exchange(from discovery.MAC, op discovery.Operations) {
	if from.IsZero() || from.IsGroup() {
		return
	}
	client := s.self()
	client.MAC, client.IP = from, netip.Addr{}
	s.out.Observe(discovery.Observation{Time: s.time, Subject: s.self(), Talks: []discovery.Conversation{{
		Client: client, Server: s.decoder.flow.Ends[s.side.Other()], Transport: discovery.EtherType, Port: EtherType, Protocol: "profinet", Operations: op,
	}}})
}

// read tells what a message says.
func (s *speaker) read(c *call) error {
	if c.face == interfaceEPM {
		rows, err := readEndpoints(c.order, wire.NewReader(c.body))
		for _, row := range rows {
			s.tell(s.self(), row.facts())
		}
		if err != nil {
			return fmt.Errorf("read answer of the endpoint mapper: %w", err)
		}
		return nil
	}
	r := wire.NewReader(c.body)
	r.Skip(headBody)
	var err error
	if c.operation == operationConnect {
		err = s.connect(r)
	} else {
		err = s.record(r)
	}
	if err != nil {
		return fmt.Errorf("read pnio message of operation %d and %d bytes: %w", c.operation, len(c.body), err)
	}
	return nil
}

// connect reads the blocks of a connect, request or answer.
func (s *speaker) connect(r wire.Reader) error {
	var from discovery.MAC
	for r.Len() > 0 {
		b, err := nextBlock(&r)
		if err != nil {
			return err
		}
		value := b.value
		switch b.kind {
		case blockARRequest:
			initiator, err := readInitiator(value)
			if err != nil {
				return err
			}
			from = initiator.MAC
			s.tell(s.self(), initiator.facts())
		case blockIOCRRequest:
			switch value.Uint16() {
			case iocrInput:
				s.operate(discovery.OpRead)
				s.exchange(from, discovery.OpRead)
			case iocrOutput:
				s.operate(discovery.OpWrite)
				s.exchange(from, discovery.OpWrite)
			}
		case blockARResponse:
			value.Skip(20)
			if mac := value.Bytes(6); mac != nil {
				var f facts
				f.tell(KeyResponderMAC, discovery.MAC(mac).String())
				s.tell(s.self(), f)
			}
		case blockServerResponse:
			if name := value.Bytes(int(value.Uint16())); value.Err() == nil {
				var f facts
				f.tell(KeyResponderName, string(name))
				s.tell(s.self(), f)
			}
		}
		if value.Err() != nil {
			return fmt.Errorf("block %#04x: %w", b.kind, value.Err())
		}
	}
	return r.Err()
}

// record reads the answer to a read: a head, and a record made of blocks.
func (s *speaker) record(r wire.Reader) error {
	head, err := nextBlock(&r)
	if err != nil {
		return err
	}
	if head.kind != blockReadResponse {
		return fmt.Errorf("block %#04x instead of the head of a record", head.kind)
	}
	slot, subslot, index, err := readHead(head.value)
	if err != nil || !isTold(index) {
		return err
	}
	return s.blocks(r, place(s.self(), slot, subslot), 0)
}

// blocks reads the blocks of a record, and those inside of a MultipleBlockHeader: padding 2, API 4, slot 2, subslot 2, blocks.
func (s *speaker) blocks(r wire.Reader, module discovery.Subject, depth int) error {
	for r.Len() > 0 {
		b, err := nextBlock(&r)
		if err != nil {
			return err
		}
		switch b.kind {
		case blockIM0, blockIM1, blockIM2, blockIM3:
			im, imErr := readIM(b)
			s.tell(module, im.facts())
			err = imErr
		case blockInterfaceReal:
			face, faceErr := readInterface(b.value)
			s.tell(s.self(), face.facts())
			s.bind(face)
			err = faceErr
		case blockPortReal:
			links, linkErr := readLinks(b.value)
			s.decoder.told.observe(discovery.Observation{Time: s.time, Subject: s.self(), Links: links}, s.out)
			err = linkErr
		case blockMultiple:
			if inner := b.value; depth == 0 {
				inner.Skip(10)
				err = s.blocks(inner, module, depth+1)
			}
		}
		if err != nil {
			return fmt.Errorf("block %#04x: %w", b.kind, err)
		}
	}
	return r.Err()
}

// bind tells that the MAC and the IP of an interface belong together, where it is the one that speaks.
func (s *speaker) bind(i Interface) {
	self := s.self()
	if !i.IP.holds(i.MAC) || i.IP.Address != self.IP {
		return
	}
	self.MAC = i.MAC
	s.tell(self, []discovery.Fact{discovery.NewFact(discovery.KeyBinding, bindingCM)})
}

// Subslots of the head module that stand for the device as a whole: the module itself, and its interfaces and ports.
const (
	subslotModule    = 1
	subslotInterface = 0x8000
	subslotLast      = 0x8fff
)

// place is the module that a record is of. Slot 0 holds the head module, which is the device itself.
func place(device discovery.Subject, slot, subslot uint16) discovery.Subject {
	if slot == 0 && (subslot <= subslotModule || subslotInterface <= subslot && subslot <= subslotLast) {
		return device
	}
	device = device.At("slot", strconv.Itoa(int(slot)))
	if subslot > subslotModule {
		device = device.At("subslot", strconv.Itoa(int(subslot)))
	}
	return device
}
