package hartip

import (
	"encoding/hex"
	"fmt"
	"io"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/wire"
)

const name = "hartip"

// The keys, named by the fields of the answers (HCF_SPEC-127 command 0 and 20).
const (
	KeyManufacturerID    discovery.Key = "hartip.manufacturer-id" // "0x0026"
	KeyDeviceType        discovery.Key = "hartip.device-type"     // expanded: "0x2606"
	KeyDeviceID          discovery.Key = "hartip.device-id"       // unique with the type: "0x123456"
	KeyUniversalRevision discovery.Key = "hartip.universal-revision"
	KeyDeviceRevision    discovery.Key = "hartip.device-revision"
	KeySoftwareRevision  discovery.Key = "hartip.software-revision"
	KeyHardwareRevision  discovery.Key = "hartip.hardware-revision"
	KeyLongTag           discovery.Key = "hartip.long-tag"
)

func identityKeys() []discovery.Key {
	return []discovery.Key{
		KeyManufacturerID, KeyDeviceType, KeyDeviceID, KeyUniversalRevision, KeyDeviceRevision, KeySoftwareRevision, KeyHardwareRevision,
	}
}

// Protocol is HART-IP, both faces.
func Protocol() discovery.Protocol {
	return discovery.Protocol{
		Name:     name,
		Title:    "HART-IP",
		Standard: "FieldComm HCF_SPEC-085, HCF_SPEC-81, HCF_SPEC-127",
		Hears:    "types, revisions and long tags of field devices and gateways, and whether clients read, write or control",
		Keys:     append(identityKeys(), KeyLongTag),
		Ports:    []discovery.Port{{Transport: discovery.UDP, Number: Port}, {Transport: discovery.TCP, Number: Port}},
		Claims:   claims,
		Decode:   func(f discovery.Flow) discovery.Decoder { return &conversation{flow: f} },
		Asker:    asker(),
	}
}

// pathDevice is the piece of path of a device behind a gateway: its own address on the field bus, hex.
const pathDevice = "hart-device"

// maxSaid bounds what is remembered as told.
const maxSaid = 256

// conversation reads both sides of one conversation.
type conversation struct {
	flow  discovery.Flow
	own   address // of the device that answers at the host's polling address
	told  discovery.Operations
	said  map[string]bool
	known bool
	lost  bool
}

// Feed reads one message.
func (c *conversation) Feed(side discovery.Side, t time.Time, b []byte, gap int, out discovery.Sink) (int, error) {
	c.lost = c.lost || gap > 0
	n, err := length(b)
	switch {
	case err != nil && c.lost:
		return resync(b), nil
	case err != nil && !c.known:
		return len(b), fmt.Errorf("read message: %w: %w", discovery.ErrNotMine, err)
	case err != nil:
		c.lost = true
		return resync(b), fmt.Errorf("read message: %w", err)
	case n == 0 || n > len(b):
		if c.flow.Transport == discovery.UDP {
			return len(b), fmt.Errorf("read message of %d bytes: %w", len(b), io.ErrUnexpectedEOF)
		}
		return 0, nil
	}
	c.known, c.lost = true, false
	m := parse(b[:n])
	if c.flow.Transport == discovery.UDP {
		n = len(b)
	}
	if m.ID != idPass || len(m.Body) == 0 || m.Type == typeNAK {
		return n, nil
	}
	f, err := parseFrame(m.Body)
	if err != nil {
		return n, err
	}
	return n, c.frame(side, t, f, out)
}

// resync passes over what belongs to no message.
func resync(b []byte) int {
	for at := 1; at < len(b); at++ {
		if _, err := length(b[at:]); err == nil {
			return at
		}
	}
	return len(b)
}

func (c *conversation) frame(side discovery.Side, t time.Time, f frame, out discovery.Sink) error {
	if !f.answer {
		c.talk(side, t, operation(f.command), out)
		return nil
	}
	if !f.succeeded() {
		return nil
	}
	about := c.flow.Ends[side]
	if f.address != (address{}) && f.address != c.own {
		about = about.At(pathDevice, hex.EncodeToString(f.address[:]))
	}
	var facts []discovery.Fact
	var err error
	switch f.command {
	case cmdIdentity:
		var id identity
		id, err = parseIdentity(f.data)
		if err == nil && f.address == (address{}) {
			c.own = id.address()
		}
		facts = id.facts()
	case cmdLongTag:
		facts = []discovery.Fact{discovery.NewFact(KeyLongTag, string(f.data))}
	}
	var fresh []discovery.Fact
	for _, fact := range facts {
		if said := about.Path + "\x00" + string(fact.Key) + "\x00" + fact.Value; fact.Value != "" && !c.said[said] {
			if c.said == nil || len(c.said) >= maxSaid {
				c.said = map[string]bool{}
			}
			c.said[said] = true
			fresh = append(fresh, fact)
		}
	}
	if len(fresh) > 0 {
		out.Observe(discovery.Observation{Time: t, Subject: about, Facts: fresh})
	}
	return err
}

// identity is the answer to command 0: 254, expanded device type 2, preambles 1, universal revision 1, device revision 1, software revision
// 1, hardware revision 5 bits, signalling 3 bits, flags 1, device id 3; since revision 7 further fields, and the manufacturer 2 at byte 17.
// Before that the type is a manufacturer 1 and a type 1.
type identity struct {
	read         bool
	kind         uint16
	manufacturer uint16
	revisions    [4]uint8 // universal, device, software, hardware
	id           [3]byte
}

func parseIdentity(data []byte) (identity, error) {
	const identityStart, wideManufacturer, hardwareShift = 254, 7, 3
	r := wire.NewReader(data)
	start := r.Uint8()
	i := identity{kind: r.Uint16()}
	r.Skip(1)
	i.revisions = [4]uint8{r.Uint8(), r.Uint8(), r.Uint8(), r.Uint8() >> hardwareShift}
	r.Skip(1)
	copy(i.id[:], r.Bytes(len(i.id)))
	switch {
	case r.Err() != nil:
		return identity{}, fmt.Errorf("read identity of %d bytes: %w", len(data), io.ErrUnexpectedEOF)
	case start != identityStart:
		return identity{}, fmt.Errorf("read identity: %d at byte 0", start)
	}
	i.read = true
	i.manufacturer = i.kind >> 8
	if i.revisions[0] >= wideManufacturer {
		r.Skip(5)
		if m := r.Uint16(); r.Err() == nil {
			i.manufacturer = m
		}
	}
	return i, nil
}

// address is how the device is called on the field bus.
func (i identity) address() address {
	return address{byte(i.kind>>8) & 0x3f, byte(i.kind), i.id[0], i.id[1], i.id[2]}
}

func (i identity) facts() []discovery.Fact {
	if !i.read {
		return nil
	}
	out := []discovery.Fact{
		discovery.NewFact(KeyManufacturerID, fmt.Sprintf("0x%04x", i.manufacturer)), discovery.NewFact(KeyDeviceType, fmt.Sprintf("0x%04x", i.kind)),
		discovery.NewFact(KeyDeviceID, fmt.Sprintf("0x%x", i.id)),
	}
	for k, key := range []discovery.Key{KeyUniversalRevision, KeyDeviceRevision, KeySoftwareRevision, KeyHardwareRevision} {
		out = append(out, discovery.NewFact(key, fmt.Sprint(i.revisions[k])))
	}
	return out
}

// talk tells an operation once in a conversation.
func (c *conversation) talk(client discovery.Side, t time.Time, op discovery.Operations, out discovery.Sink) {
	if op&^c.told == 0 {
		return
	}
	c.told |= op
	out.Observe(c.flow.Talk(name, client, t, op))
}
