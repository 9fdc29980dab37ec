package dhcp

import (
	"fmt"
	"net/netip"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
)

// Bounds on what is remembered of a conversation; one between a relay and a server is many clients'.
const (
	maxRemembered = 512
	retellAfter   = time.Minute // a lease that goes on, so that the latest holder of an address is known
)

// decoder remembers by their digests what was told: a client without a server asks the same for ever.
type decoder struct {
	flow discovery.Flow
	told map[digest]time.Time
}

// Feed takes one datagram.
func (d *decoder) Feed(side discovery.Side, t time.Time, b []byte, _ int, out discovery.Sink) (int, error) {
	s := speech{decoder: d, side: side, time: t, out: out}
	err := s.message.parse(b)
	switch s.message.Op {
	case BootRequest:
		s.client()
	case BootReply:
		s.server()
	}
	if err != nil {
		return len(b), fmt.Errorf("read dhcp message: %w", err)
	}
	return len(b), nil
}

// note keeps that something was told, and gives when it was before, if ever.
func (d *decoder) note(of digest, t time.Time) (before time.Time, known bool) {
	before, known = d.told[of]
	if !known && len(d.told) >= maxRemembered {
		clear(d.told) // who has told so much tells it again
	}
	d.told[of] = t
	return before, known
}

// digest is FNV-1a of 64 bits.
type digest uint64

const emptyDigest digest = 14695981039346656037

func (d digest) bytes(b []byte) digest {
	for _, c := range b {
		d = (d ^ digest(c)) * 1099511628211
	}
	return (d ^ digest(len(b))) * 1099511628211
}

// speech is a message, and who says it where.
type speech struct {
	message Message
	decoder *decoder
	side    discovery.Side
	time    time.Time
	out     discovery.Sink
}

// sender is the one whose frame it came in.
func (s *speech) sender() discovery.Subject { return s.decoder.flow.Ends[s.side] }

// toClient reports whether it goes to a client's port; a relay passes it on there.
func (s *speech) toClient() bool { return s.decoder.flow.Ports[s.side.Other()] == ClientPort }

// digest is that of something the speaker says, with its kind.
func (s *speech) digest(kind byte, value []byte) digest {
	who := s.message.Client[:]
	if s.message.Op == BootReply {
		who = s.message.Option(optionServerID)
	}
	return emptyDigest.bytes([]byte{byte(s.message.Op), kind}).bytes(who).bytes(value)
}

// option is the value of an option that the speaker has not told before, else nil.
func (s *speech) option(code uint8) []byte {
	value := s.message.Option(code)
	if value == nil {
		return nil
	}
	if _, known := s.decoder.note(s.digest(code, value), s.time); known {
		return nil
	}
	return value
}

// binding is the address that the message says its client has: what a server gives it for good, or what it says itself that it
// uses. An offer may be turned down, and who releases or declines an address has it no more.
func (m *Message) binding() netip.Addr {
	switch {
	case m.Op == BootReply && (m.Type == Ack || m.Type == Bootp):
		return m.Yours
	case m.Op == BootRequest && (m.Type == Request || m.Type == Inform):
		return m.Address
	}
	return netip.Addr{}
}

// client tells what a client says, under its hardware address: it may have no other yet, and a relay's frame is not its own.
func (s *speech) client() {
	m, sender := &s.message, s.sender()
	subject, teller := s.station(), discovery.Subject{}
	switch {
	case m.Relay.IsValid() && m.Client.IsZero():
		return // somebody on another link, which knows no MACs
	case m.Client.IsZero():
		subject = sender
	case m.Relay.IsValid() || !sender.MAC.IsZero() && sender.MAC != m.Client:
		teller = sender
	}
	s.tell(subject, teller, s.clientFacts())
	if sender.MAC == m.Client && !m.Relay.IsValid() {
		s.bind(discovery.Subject{})
	}
}

// station is the client by its hardware address. What goes through a relay is of another link, whose VLAN is not seen.
func (s *speech) station() discovery.Subject {
	end := s.sender()
	subject := discovery.Subject{Site: end.Site, Segment: end.Segment, MAC: s.message.Client}
	if !s.message.Relay.IsValid() || s.toClient() {
		subject.VLAN = end.VLAN
	}
	return subject
}

// bind tells which address the client has. It is told again after a while, because somebody else may have had the address in
// between; so it is when time runs backwards (merged captures).
func (s *speech) bind(teller discovery.Subject) {
	ip := s.message.binding()
	if !ip.IsValid() || s.message.Client.IsZero() {
		return
	}
	address := ip.As4()
	of := s.digest(optionPad, s.message.Client[:]).bytes(address[:])
	if before, known := s.decoder.told[of]; known && !s.time.Before(before) && s.time.Sub(before) < retellAfter {
		return
	}
	s.decoder.note(of, s.time)
	subject := s.station()
	subject.IP = ip
	s.tell(subject, teller, []discovery.Fact{discovery.NewFact(discovery.KeyBinding, Name)})
}

// server tells which address a server gives, and what it says of the network. What it tells the client to be called is not what
// the client says.
func (s *speech) server() {
	m, sender := &s.message, s.sender()
	s.bind(sender)
	switch m.Type {
	case Offer, Ack, Nak, Bootp:
	default:
		return
	}
	subject, teller := sender, discovery.Subject{}
	if m.Relay.IsValid() && s.toClient() {
		// The relay's frame: the server is who it says it is.
		id := m.Option(optionServerID)
		if len(id) != 4 || !host(id).IsValid() {
			return
		}
		if ip := host(id); ip != sender.IP {
			subject = discovery.Subject{Site: sender.Site, Segment: sender.Segment, IP: ip}
			teller = sender
		}
	}
	s.tell(subject, teller, s.serverFacts())
}

func (s *speech) tell(subject, teller discovery.Subject, facts []discovery.Fact) {
	if len(facts) > 0 {
		s.out.Observe(discovery.Observation{Time: s.time, Subject: subject, Teller: teller, Facts: facts})
	}
}
