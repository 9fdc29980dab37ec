package dnp3

import (
	"context"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/wire/dialogue"
)

// The names of the requests.
const (
	requestSome = "read-device-attributes"
	requestAll  = "read-all-device-attributes"
)

// errNoAddress says why nothing is asked: a link address is never guessed.
var errNoAddress = fmt.Errorf("%w: no link addresses of an outstation and its master were overheard", discovery.ErrNothing)

// nonspecific is the variation that stands for all attributes.
const nonspecific = 254

// asker asks by opt-in an outstation whose link address, and that of its master, were overheard, over one connection:
//
//  1. read-device-attributes: the eight attributes that are kept, in one request;
//  2. read-all-device-attributes: where the outstation knows none of these by name.
//
// Both are reads (function 1) of object group 0. Nothing is confirmed, so that an event that the outstation may report meanwhile stays
// in its memory for its own master. An outstation answers its master's address only, and some serve one connection at a time: a second
// one may displace the first.
func asker() *discovery.Asker {
	const effect = "reads constants from memory; takes a connection, and an outstation that serves only one may drop its master's"
	request := func(name string, data []byte) discovery.Request {
		return discovery.Request{
			Name: name, Safety: discovery.SafetyC, Max: 1, Yields: attributeKeys(), Effect: effect,
			Template: discovery.MustTemplate(fmt.Sprintf("0564 %02x c4 ?4 ?2 ", leastCount+len(data)) + hex.EncodeToString(appendFrame(nil, 0, 0, 0, data)[headerSize:])),
		}
	}
	return &discovery.Asker{
		Transport: discovery.TCP,
		Port:      Port,
		Enough:    identity(),
		Scarce:    true,
		Requests:  []discovery.Request{request(requestSome, question(0, keptVariations()...)), request(requestAll, question(1, nonspecific))},
		Message:   whole,
		Ask:       ask,
	}
}

// identity is what names a device.
func identity() []discovery.Key {
	return []discovery.Key{KeyManufacturer, KeyProduct, KeySoftwareVersion, KeySerialNumber}
}

func keptVariations() []uint8 {
	var out []uint8
	for _, v := range variations() {
		out = append(out, v.number)
	}
	return out
}

// question is a request in one segment: transport, control, function, and an object header for each variation of set 0.
func question(sequence uint8, numbers ...uint8) []byte {
	b := []byte{final | first | sequence, final | first | sequence, byte(funcRead)}
	for _, number := range numbers {
		b = append(b, 0, number, 0, 0, 0)
	}
	return b
}

func ask(ctx context.Context, s discovery.Session, t discovery.Target) error {
	if !slices.ContainsFunc(identity(), func(key discovery.Key) bool { _, ok := s.Known(key); return !ok }) {
		return nil
	}
	outstation, ok := address(s, KeyAddress)
	master, also := address(s, KeyMasterAddress)
	if !ok || !also {
		return fmt.Errorf("ask %s by dnp3: %w", t.Subject, errNoAddress)
	}
	conn, err := s.Dial(ctx)
	if err != nil {
		return fmt.Errorf("ask %s by dnp3: %w", t.Subject, err)
	}
	c := caller{d: dialogue.New(ctx, conn, whole), outstation: outstation, master: master}
	defer c.d.Close()
	m, err := c.ask(question(0, keptVariations()...))
	if err == nil && len(m.Objects) == 0 && m.Indications&(iinNoObject|iinParameter) != 0 && s.Allowed(requestAll) {
		_, err = c.ask(question(1, nonspecific))
	}
	if err != nil {
		return fmt.Errorf("ask %s by dnp3: %w", t.Subject, err)
	}
	return nil
}

// address is a link address that was overheard.
func address(s discovery.Session, key discovery.Key) (uint16, bool) {
	text, ok := s.Known(key)
	n, err := strconv.ParseUint(text, 10, 16)
	return uint16(n), ok && err == nil && n < reservedFrom
}

// caller is the asking end of a connection.
type caller struct {
	d                  *dialogue.Dialogue
	outstation, master uint16
	segments           assembler
}

// maxOthers bounds the frames that are no answer: reports of events and keep-alives of the link.
const maxOthers = 32

// ask sends a question and gives the answer to it; what else comes is passed over.
func (c *caller) ask(data []byte) (fragment, error) {
	if err := c.d.Send(appendFrame(nil, fromMaster|primary|unconfirmedData, c.outstation, c.master, data)); err != nil {
		return fragment{}, err
	}
	for range maxOthers {
		b, err := c.d.Receive()
		if err != nil {
			return fragment{}, err
		}
		f, err := parse(b)
		if err != nil {
			return fragment{}, fmt.Errorf("%w: %w", discovery.ErrNotUnderstood, err)
		}
		if f.FromMaster || f.Source != c.outstation || !f.carriesData() {
			continue
		}
		if b = c.segments.add(f); b == nil {
			continue
		}
		m, err := parseFragment(b)
		if err != nil {
			return m, fmt.Errorf("%w: %w", discovery.ErrNotUnderstood, err)
		}
		if m.Function == funcResponse && m.Sequence == data[1]&0x0f {
			return m, nil
		}
	}
	return fragment{}, fmt.Errorf("%w: %d frames, and none of them an answer", discovery.ErrNotUnderstood, maxOthers)
}
