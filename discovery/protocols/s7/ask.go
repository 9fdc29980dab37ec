package s7

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/wire/cotp"
	"github.com/walkdown-ot/walkdown/discovery/wire/dialogue"
)

// The names of the requests.
const (
	requestConnect    = "connect-transport"
	requestSetup      = "setup-communication"
	requestModules    = "read-szl-module-identification"
	requestComponents = "read-szl-component-identification"
	requestNextPart   = "read-szl-next-part"
)

// Bounds of the questions.
const (
	maxTries = 3 // places that are tried, each over a connection of its own
	maxParts = 2 // further parts of lists
)

// resource is the kind of connection that is asked for, the first byte of the TSAP: 3 is S7 basic communication. Type 1, the
// programming device's, is never used: many CPUs keep a single one for the engineer.
const resource = 3

// asker sends, to the place that was overheard, else to slots 2, 1 and 0 of rack 0 until the CPU accepts:
//
//  1. connect, the request of the transport, and setup-communication: they take one of the CPU's connections;
//  2. read-szl-module-identification, SZL 0011: order number, hardware and firmware version;
//  3. read-szl-component-identification, SZL 001C: names, serial numbers, location;
//  4. read-szl-next-part, where a list did not fit into one answer.
//
// The lists are read from the CPU's memory and cost it some milliseconds outside of its cycle. Which of them an S7-1200 or S7-1500
// has depends on its firmware: a refusal is an answer.
func asker() *discovery.Asker {
	const readEffect = "none: reads a status list from memory"
	userdata := func(parameters, payload string) discovery.Template {
		return discovery.MustTemplate("0300 0021 02f080 3207 0000 ?2 " + parameters + payload)
	}
	return &discovery.Asker{
		Transport: discovery.TCP,
		Port:      Port,
		// Each place that is tried takes one.
		Connections: maxTries,
		Requests: []discovery.Request{
			{
				Name: requestConnect, Safety: discovery.SafetyB, Max: maxTries, Setup: true,
				Template: discovery.MustTemplate("0300 0016 11 e0 0000 ?2 00 c0 01 0a c1 02 0300 c2 02 03 ?"),
				Effect:   "takes one connection of the kind that is meant for others than the engineer",
			},
			{
				Name: requestSetup, Safety: discovery.SafetyB, Max: maxTries, Setup: true,
				Template: discovery.MustTemplate("0300 0019 02f080 3201 0000 ?2 0008 0000 f0 00 0001 0001 01e0"),
				Effect:   "none: agrees on the length of messages",
			},
			{
				Name: requestModules, Safety: discovery.SafetyB, Max: 1,
				Template: userdata("0008 0008 000112 04 11 44 01 00 ", "ff 09 0004 0011 0000"),
				Yields:   []discovery.Key{KeyOrderNumber, KeyHardwareOrderNumber, KeyHardwareVersion, KeyFirmwareVersion, KeyFirmwareExtension},
				Effect:   readEffect,
			},
			{
				Name: requestComponents, Safety: discovery.SafetyB, Max: 1,
				Template: userdata("0008 0008 000112 04 11 44 01 00 ", "ff 09 0004 001c 0000"),
				Yields: []discovery.Key{
					KeyPLCName, KeyModuleName, KeyPlant, KeyCopyright, KeySerialNumber, KeyModuleTypeName, KeyMemoryCardSerial, KeyManufacturer,
					KeyOEM, KeyLocation,
				},
				Effect: readEffect,
			},
			{
				Name: requestNextPart, Safety: discovery.SafetyB, Max: maxParts,
				Template: userdata("000c 0004 000112 08 12 44 01 ? 00 00 0000 ", "0a 00 0000"),
				Yields:   []discovery.Key{KeySerialNumber, KeyModuleTypeName},
				Effect:   "none: reads the rest of a list",
			},
		},
		Message: cotp.Frame,
		Ask:     ask,
	}
}

func ask(ctx context.Context, s discovery.Session, t discovery.Target) error {
	modules := known(s, KeyOrderNumber, KeyFirmwareVersion)
	components := known(s, KeySerialNumber, KeyModuleTypeName)
	if modules && components {
		return nil
	}
	var tried []string
	for _, at := range places(s) {
		err := visit(ctx, s, at, !modules, !components)
		if err == nil {
			return nil
		}
		if !errors.Is(err, errNotHere) {
			return fmt.Errorf("ask %s by s7: %w", t.Subject, err)
		}
		tried = append(tried, at.String())
	}
	return fmt.Errorf("ask %s by s7: no CPU accepts at rack/slot %s: %w", t.Subject, strings.Join(tried, ", "), discovery.ErrNotOffered)
}

// errNotHere says that nothing accepts a connection at a rack and slot.
var errNotHere = errors.New("not at this rack and slot")

// known reports whether all of the keys are known.
func known(s discovery.Session, keys ...discovery.Key) bool {
	return !slices.ContainsFunc(keys, func(key discovery.Key) bool {
		_, ok := s.Known(key)
		return !ok
	})
}

// places are where the CPU may stand, the likeliest first: where it was heard to answer, then by family. A SIMATIC 300 stands in
// slot 2, a 400 mostly; the 1200 and 1500 answer in slot 1, with some firmware in 0 as well.
func places(s discovery.Session) []place {
	out := []place{{0, 2}, {0, 1}, {0, 0}}
	for _, key := range []discovery.Key{KeyOrderNumber, KeyPlusOrderNumber, discovery.KeyOrderNumber} {
		if order, ok := s.Known(key); ok && isNewer(order) {
			out = []place{{0, 1}, {0, 0}, {0, 2}}
		}
	}
	if text, ok := s.Known(KeyRackSlot); ok {
		var heard place
		if n, err := fmt.Sscanf(text, "%d/%d", &heard.rack, &heard.slot); n == 2 && err == nil && heard.rack < 8 && heard.slot < 32 {
			out = append([]place{heard}, slices.DeleteFunc(out, func(p place) bool { return p == heard })...)
		}
	}
	return out[:maxTries]
}

// isNewer reports whether an order number is one of an S7-1200, an S7-1500 or their relatives.
func isNewer(order string) bool {
	order = strings.ReplaceAll(order, " ", "")
	return strings.HasPrefix(order, "6ES72") || strings.HasPrefix(order, "6ES75")
}

// visit connects to one place and puts the questions.
func visit(ctx context.Context, s discovery.Session, at place, modules, components bool) error {
	conn, err := s.Dial(ctx)
	if err != nil {
		return err
	}
	d := dialogue.New(ctx, conn, cotp.Frame)
	defer d.Close()
	transport, err := cotp.Call(d, []byte{resource, 0}, []byte{resource, at.rack<<5 | at.slot})
	if err != nil {
		return unlessNotHere(err)
	}
	c := caller{transport: transport}
	if err := c.setup(); err != nil {
		return unlessNotHere(err)
	}
	if modules {
		if err := c.read(listModules); err != nil {
			return err
		}
	}
	if components {
		return c.read(listComponents)
	}
	return nil
}

// unlessNotHere tells a place without a CPU from a device in trouble: some refuse the connection, some accept and then end it.
func unlessNotHere(err error) error {
	if errors.Is(err, cotp.ErrRefused) || errors.Is(err, dialogue.ErrEnded) {
		return fmt.Errorf("%w: %w", errNotHere, err)
	}
	return err
}

// caller is the asking end of a connection to a CPU.
type caller struct {
	transport *cotp.Caller
	reference uint16
	parts     int // that were asked for
}

// ask sends a message and gives the next one of the kind.
func (c *caller) ask(kind Kind, parameters, payload []byte) (Message, error) {
	c.reference++
	b := append(make([]byte, 0, 64), protocolS7, byte(kind), 0, 0)
	b = binary.BigEndian.AppendUint16(b, c.reference)
	b = binary.BigEndian.AppendUint16(b, uint16(len(parameters)))
	b = binary.BigEndian.AppendUint16(b, uint16(len(payload)))
	b = append(append(b, parameters...), payload...)
	answer, err := c.transport.Ask(b)
	if err != nil {
		return Message{}, err
	}
	if len(answer) == 0 || answer[0] != protocolS7 {
		return Message{}, fmt.Errorf("%w: no S7comm in an answer of %d bytes", discovery.ErrNotUnderstood, len(answer))
	}
	m, err := parse(answer)
	if err != nil {
		return m, fmt.Errorf("%w: %w", discovery.ErrNotUnderstood, err)
	}
	return m, nil
}

// setup agrees on the length of messages (480 bytes at most), which every connection begins with.
func (c *caller) setup() error {
	m, err := c.ask(Job, []byte{byte(setup), 0, 0, 1, 0, 1, 0x01, 0xe0}, nil)
	if err != nil {
		return err
	}
	if m.Kind != AckData || m.Error != 0 {
		return fmt.Errorf("setup communication: kind %d, error %#04x: %w", m.Kind, m.Error, errNotHere)
	}
	return nil
}

// read reads a list to its last part. The session's decoder tells what it holds; here only the parts matter.
func (c *caller) read(list byte) error {
	m, err := c.ask(Userdata, []byte{0x00, 0x01, 0x12, 0x04, 0x11, serviceRequest<<4 | groupCPU, subReadSZL, 0},
		[]byte{returnedData, 0x09, 0x00, 0x04, 0x00, list, 0x00, 0x00})
	for {
		if err != nil {
			return fmt.Errorf("read SZL %04x: %w", list, err)
		}
		if m.Kind != Userdata {
			return nil // refused
		}
		part, problem := parseService(m)
		if problem != nil {
			return fmt.Errorf("read SZL %04x: %w: %w", list, discovery.ErrNotUnderstood, problem)
		}
		if !part.More || part.Error != 0 || c.parts >= maxParts {
			return nil
		}
		c.parts++
		m, err = c.ask(Userdata, []byte{0x00, 0x01, 0x12, 0x08, 0x12, serviceRequest<<4 | groupCPU, subReadSZL, part.Sequence, 0, 0, 0, 0},
			[]byte{0x0a, 0x00, 0x00, 0x00})
	}
}
