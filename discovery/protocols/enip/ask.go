package enip

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/wire/dialogue"
)

// The names of the requests.
const (
	requestListIdentity = "list-identity"
	requestRegister     = "register-session"
	requestIdentity     = "read-identity"
	requestFurther      = "read-further-identity"
	requestSlot         = "read-slot-identity"
	requestUnregister   = "unregister-session"
)

// Bounds of the questions.
const (
	lastInstance = 8  // of the Identity object
	maxSlots     = 17 // of the largest chassis
	// emptyRun is how many empty slots one after another end the walk: few chassis have wider gaps, and each costs a question.
	emptyRun = 3
)

// maxDelay is how long a device may wait before it answers ListIdentity, in ms: the first two bytes of the sender context (volume 2
// section 2-4.2.2). It is the shortest that they heed.
const maxDelay = 500

// asker sends one datagram, list-identity: its answer holds all of the Identity object. Where none comes, the same is read over TCP:
// register-session, read-identity, unregister-session. By opt-in it goes on over that session:
//
//  1. read-further-identity: instances 2 and up to the last of the Identity object, the parts of a drive for example;
//  2. read-slot-identity: the modules of the chassis, through the connection manager to slot after slot of the backplane (port 1), to
//     the last slot or behind three empty ones.
//
// All of it reads constants from memory. A module of a chassis is asked over the backplane, where old Ethernet modules (1756-ENBT,
// 1761-NET-ENI) have few buffers; no connection is opened there.
func asker() *discovery.Asker {
	identity := []discovery.Key{KeyVendorID, KeyDeviceType, KeyProductCode, KeyRevision, KeySerial, KeyProductName}
	carried := func(size, cip string) discovery.Template {
		return discovery.MustTemplate("6f00 " + size + " ?4 00000000 ?8 00000000 00000000 0a00 0200 00000000 b200 " + cip)
	}
	return &discovery.Asker{
		Transport: discovery.TCP,
		Port:      Port,
		Requests: []discovery.Request{
			{
				Name: requestListIdentity, Safety: discovery.SafetyB, Transport: discovery.UDP, Max: 1,
				Template: discovery.MustTemplate("6300 0000 00000000 00000000 f401 000000000000 00000000"),
				Yields:   append([]discovery.Key{KeyState, KeySocketAddress}, identity...),
				Effect:   "none: reads constants from memory",
			},
			{
				Name: requestRegister, Safety: discovery.SafetyB, Max: 1, Setup: true,
				Template: discovery.MustTemplate("6500 0400 00000000 00000000 ?8 00000000 0100 0000"),
				Effect:   "takes one connection and session for some seconds; only where the datagram was not answered, or by opt-in",
			},
			{
				Name: requestIdentity, Safety: discovery.SafetyB, Max: 1,
				Template: carried("1600", "0600 01 02 20 01 24 01"),
				Yields:   identity,
				Effect:   "none: reads constants from memory; only where the datagram was not answered",
			},
			{
				Name: requestFurther, Safety: discovery.SafetyC, Max: lastInstance - 1,
				Template: carried("1600", "0600 01 02 20 01 24 02-08"),
				Yields:   identity,
				Effect:   "none: reads constants from memory",
			},
			{
				Name: requestSlot, Safety: discovery.SafetyC, Max: maxSlots,
				Template: carried("2400", "1400 52 02 20 06 24 01 0a 02 0600 01 02 20 01 24 01 01 00 01 00-10"),
				Yields:   identity,
				Effect:   "takes one buffer of the Ethernet module for a message over the backplane; the module reads constants from memory",
			},
			{
				Name: requestUnregister, Safety: discovery.SafetyB, Max: 1, Setup: true,
				Template: discovery.MustTemplate("6600 0000 ?4 00000000 ?8 00000000"),
				Effect:   "gives the session back",
			},
		},
		Message: frame,
		Ask:     ask,
	}
}

// frame is length for an asker: 0 while the message is not whole.
func frame(b []byte) (int, error) {
	n, err := length(b)
	if n > len(b) {
		n = 0
	}
	return n, err
}

func ask(ctx context.Context, s discovery.Session, t discovery.Target) error {
	identified := isKnown(s)
	if !identified {
		err := listIdentity(ctx, s)
		switch {
		case err == nil:
			identified = true
		case !errors.Is(err, discovery.ErrSilent) && !errors.Is(err, discovery.ErrNotOffered) && !errors.Is(err, discovery.ErrNotUnderstood):
			return fmt.Errorf("ask %s by enip: %w", t.Subject, err)
		}
	}
	further, slots := s.Allowed(requestFurther), s.Allowed(requestSlot)
	if identified && !further && !slots {
		return nil
	}
	if err := overSession(ctx, s, !identified, further, slots); err != nil {
		return fmt.Errorf("ask %s by enip: %w", t.Subject, err)
	}
	return nil
}

// isKnown reports whether all that identifies the device was overheard already.
func isKnown(s discovery.Session) bool {
	for _, key := range []discovery.Key{KeyVendorID, KeyProductCode, KeyRevision, KeySerial} {
		if _, ok := s.Known(key); !ok {
			return false
		}
	}
	return true
}

// listIdentity asks by one datagram.
func listIdentity(ctx context.Context, s discovery.Session) error {
	conn, err := s.DialOver(ctx, discovery.UDP)
	if err != nil {
		return err
	}
	d := dialogue.New(ctx, conn, nil)
	defer d.Close()
	b, err := d.Ask(newMessage(ListIdentity, 0, maxDelay, nil))
	if err != nil {
		return fmt.Errorf("%s: %w", requestListIdentity, err)
	}
	if n, err := frame(b); err != nil || n == 0 || parse(b).Command != ListIdentity || parse(b).Status != 0 {
		return fmt.Errorf("%s: %w: answered with % x", requestListIdentity, discovery.ErrNotUnderstood, b[:min(len(b), headerSize)])
	}
	return nil
}

// newMessage makes an encapsulated message.
func newMessage(command Command, session uint32, context uint64, body []byte) []byte {
	b := binary.LittleEndian.AppendUint16(nil, uint16(command))
	b = binary.LittleEndian.AppendUint16(b, uint16(len(body)))
	b = binary.LittleEndian.AppendUint32(b, session)
	b = binary.LittleEndian.AppendUint32(b, 0) // status
	b = binary.LittleEndian.AppendUint64(b, context)
	b = binary.LittleEndian.AppendUint32(b, 0) // options
	return append(b, body...)
}

// overSession asks over a session of its own, which is given back whatever comes.
func overSession(ctx context.Context, s discovery.Session, identity, further, slots bool) error {
	conn, err := s.Dial(ctx)
	if err != nil {
		return err
	}
	c := caller{d: dialogue.New(ctx, conn, frame)}
	defer c.d.Close()
	if err := c.register(); err != nil {
		return err
	}
	defer func() { c.d.Farewell(newMessage(UnregisterSession, c.session, c.context+1, nil)) }()
	if identity {
		if _, err := c.ask(getIdentity(1)); err != nil {
			return fmt.Errorf("%s: %w", requestIdentity, err)
		}
	}
	if further {
		if err := c.instances(); err != nil {
			return fmt.Errorf("%s: %w", requestFurther, err)
		}
	}
	if slots {
		if err := c.chassis(); err != nil {
			return fmt.Errorf("%s: %w", requestSlot, err)
		}
	}
	return nil
}

// caller is the asking end of a session.
type caller struct {
	d       *dialogue.Dialogue
	session uint32
	context uint64
}

func (c *caller) register() error {
	c.context++
	b, err := c.d.Ask(newMessage(RegisterSession, 0, c.context, []byte{protocolVersion, 0, 0, 0}))
	if err != nil {
		return fmt.Errorf("%s: %w", requestRegister, err)
	}
	m := parse(b)
	if m.Command != RegisterSession || m.Status != 0 {
		return fmt.Errorf("%s: %w: command %#04x, status %#x", requestRegister, discovery.ErrNotOffered, uint16(m.Command), m.Status)
	}
	c.session = m.Session
	return nil
}

// ask sends a CIP request and gives the reply. The session's decoder tells what it holds; here only the status matters. An answer
// to another question, which may come late, is passed over.
func (c *caller) ask(cip []byte) (reply, error) {
	c.context++
	body := []byte{0, 0, 0, 0, 10, 0, 2, 0, 0, 0, 0, 0, itemUnconnected, 0} // interface, time-out 10 s, two items, the first of them empty
	body = binary.LittleEndian.AppendUint16(body, uint16(len(cip)))
	if err := c.d.Send(newMessage(SendRRData, c.session, c.context, append(body, cip...))); err != nil {
		return reply{}, err
	}
	for {
		b, err := c.d.Receive()
		if err != nil {
			return reply{}, err
		}
		m := parse(b)
		if m.Context != c.context {
			continue
		}
		if m.Command != SendRRData || m.Status != 0 {
			return reply{}, fmt.Errorf("%w: command %#04x, status %#x", discovery.ErrNotUnderstood, uint16(m.Command), m.Status)
		}
		carried, ok, err := parseCarried(m.Body)
		if err != nil || !ok {
			return reply{}, errors.Join(discovery.ErrNotUnderstood, err)
		}
		a, err := parseReply(carried.cip)
		if err != nil {
			return reply{}, fmt.Errorf("%w: %w", discovery.ErrNotUnderstood, err)
		}
		return a, nil
	}
}

// getIdentity is the request for all attributes of an instance of the Identity object.
func getIdentity(instance byte) []byte {
	return []byte{byte(getAttributesAll), 2, 0x20, byte(classIdentity), 0x24, instance}
}

// instances asks for the parts of a device, up to the first that it does not have.
func (c *caller) instances() error {
	for instance := byte(2); instance <= lastInstance; instance++ {
		if a, err := c.ask(getIdentity(instance)); err != nil || a.status != statusSuccess {
			return err
		}
	}
	return nil
}

// Statuses of a message through a chassis (volume 1 appendix B).
const (
	statusServiceUnsupported = 0x08 // there is no way through this device
	statusPathUnknown        = 0x05
)

// chassis asks slot after slot.
func (c *caller) chassis() error {
	empty := 0
	for slot := byte(0); slot < maxSlots && empty < emptyRun; slot++ {
		b := []byte{byte(unconnectedSend), 2, 0x20, byte(classConnectionManager), 0x24, 1, 0x0a, 0x02, 6, 0} // waits for 2 ticks of 1,024 ms
		b = append(b, getIdentity(1)...)
		a, err := c.ask(append(b, 1, 0, backplane, slot))
		switch {
		case err != nil:
			return err
		case slot == 0 && (a.status == statusServiceUnsupported || a.status == statusPathUnknown):
			return nil
		case a.status == statusSuccess:
			empty = 0
		default:
			empty++
		}
	}
	return nil
}
