package bacnet

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/wire"
	"github.com/walkdown-ot/walkdown/discovery/wire/dialogue"
)

// The names of the requests.
const (
	requestProperties       = "read-device-properties"
	requestProperty         = "read-device-property"
	requestRouter           = "who-is-router-to-network"
	requestWhoIs            = "who-is-on-network"
	requestPropertiesBehind = "read-device-properties-behind"
	requestPropertyBehind   = "read-device-property-behind"
)

// Bounds of the questions.
const (
	maxNetworks = 4 // behind a router that are asked
	maxBehind   = 8 // devices behind a router that are asked
	behindGap   = 2 * time.Second
)

// properties are what is asked of a device object, the most telling first, with their keys.
func properties() []uint16 { return []uint16{121, 70, 44, 12, 372, 77, 120, 58, 28, 139} }

// asker sends read-device-properties, one ReadPropertyMultiple of the device object: one answer holds all. A device that refuses it is
// asked read-device-property, one property after another. The object is named by the instance that was overheard, else by 4194303,
// which stands for "yours" (135-2001 addendum a). By opt-in it goes on:
//
//  1. who-is-router-to-network: which networks the device leads to. Routers answer by a broadcast, which the passive ear hears;
//  2. who-is-on-network, for each network that it named: the devices there, at most once each, behind the router and nowhere else;
//  3. read-device-properties-behind and read-device-property-behind: the same of the devices that answered, one every 2 s, since
//     there may be an MS/TP bus behind the router.
//
// All of it reads constants from memory.
func asker() *discovery.Asker {
	var keys []discovery.Key
	for _, property := range properties() {
		key, _ := propertyKey(uint64(property))
		keys = append(keys, key)
	}
	keys = append(keys, KeyDeviceInstance)
	const (
		object = " 0c 02 00-3f ?2 "
		head   = "00 05 ? "
		far    = "01 24 ?2 u8( *7 ) ff "
	)
	all, single := "1e ", "one("
	for i, property := range properties() {
		all += fmt.Sprintf("%x ", appendProperty(nil, 0, property))
		if i > 0 {
			single += "|"
		}
		single += fmt.Sprintf(" %x ", appendProperty(nil, 1, property))
	}
	all, single = all+"1f", single+")"
	template := func(body string) discovery.Template { return discovery.MustTemplate("81 0a u16+4( " + body + " )") }
	return &discovery.Asker{
		Transport: discovery.UDP,
		Port:      Port,
		Requests: []discovery.Request{
			{
				Name: requestProperties, Safety: discovery.SafetyB, Max: 1, Yields: keys,
				Template: template("01 04 " + head + "0e" + object + all), Effect: "none: reads constants from memory",
			},
			{
				Name: requestProperty, Safety: discovery.SafetyB, Max: len(properties()), Yields: keys,
				Template: template("01 04 " + head + "0c" + object + single),
				Effect:   "none: reads a constant from memory; only where all at once are refused",
			},
			{
				Name: requestRouter, Safety: discovery.SafetyC, Max: 1, MayBeSilent: true, Yields: []discovery.Key{KeyRouterToNetwork},
				Template: template("01 80 00"), Effect: "a router broadcasts one message on each of its networks",
			},
			{
				Name: requestWhoIs, Safety: discovery.SafetyC, Max: maxNetworks, MayBeSilent: true, Gap: behindGap,
				Yields:   []discovery.Key{KeyDeviceInstance, KeyVendorID},
				Template: template("01 20 ?2 00 ff 10 08"), Effect: "each device of one network behind the router sends one message",
			},
			{
				Name: requestPropertiesBehind, Safety: discovery.SafetyC, Max: maxBehind, MayBeSilent: true, Gap: behindGap, Yields: keys,
				Template: template(far + head + "0e" + object + all), Effect: "takes some 100 ms of an MS/TP bus behind the router; the device reads constants from memory",
			},
			{
				Name: requestPropertyBehind, Safety: discovery.SafetyC, Max: maxBehind * len(properties()), MayBeSilent: true, Gap: behindGap, Yields: keys,
				Template: template(far + head + "0c" + object + single), Effect: "takes some 100 ms of an MS/TP bus behind the router; the device reads a constant from memory",
			},
		},
		Ask: ask,
	}
}

// appendProperty appends the number of a property under a tag of the context (clause 20.2.4).
func appendProperty(b []byte, tag byte, property uint16) []byte {
	if property < 256 {
		return append(b, tag<<4|0x08|1, byte(property))
	}
	return binary.BigEndian.AppendUint16(append(b, tag<<4|0x08|2), property)
}

// remote is the address of a device behind a router; the zero remote is the device itself.
type remote struct {
	network uint16
	address []byte
}

func ask(ctx context.Context, s discovery.Session, t discovery.Target) error {
	routers := s.Allowed(requestRouter) && s.Allowed(requestWhoIs)
	missing := slices.DeleteFunc(properties(), func(property uint16) bool {
		key, _ := propertyKey(uint64(property))
		_, known := s.Known(key)
		return known
	})
	if isIdentified(s) {
		missing = nil
	}
	if len(missing) == 0 && !routers {
		return nil
	}
	conn, err := s.Dial(ctx)
	if err != nil {
		return fmt.Errorf("ask %s by bacnet: %w", t.Subject, err)
	}
	c := caller{d: dialogue.New(ctx, conn, nil), behind: s.Allowed(requestPropertiesBehind) && s.Allowed(requestPropertyBehind)}
	defer c.d.Close()
	if len(missing) > 0 {
		err = c.device(remote{}, instanceOf(s), missing)
	}
	if err == nil && routers {
		err = c.router()
	}
	if err != nil {
		return fmt.Errorf("ask %s by bacnet: %w", t.Subject, err)
	}
	return nil
}

// isIdentified reports whether what names a device was overheard already: what is still missing then, few devices have.
func isIdentified(s discovery.Session) bool {
	for _, key := range []discovery.Key{KeyVendorName, KeyModelName, KeyFirmware, KeyObjectName} {
		if _, ok := s.Known(key); !ok {
			return false
		}
	}
	return true
}

// instanceOf is the instance that was overheard, else the one that stands for any.
func instanceOf(s discovery.Session) uint32 {
	if text, ok := s.Known(KeyDeviceInstance); ok {
		if instance, err := strconv.ParseUint(text, 10, 32); err == nil && instance < anyInstance {
			return uint32(instance)
		}
	}
	return anyInstance
}

// caller is the asking end.
type caller struct {
	d      *dialogue.Dialogue
	invoke byte
	behind bool // devices behind a router may be asked
}

// device asks for the properties of one device: all at once if more than one is missing, one after another if it refuses.
func (c *caller) device(at remote, instance uint32, missing []uint16) error {
	if len(missing) > 1 {
		b := []byte{0x1e}
		for _, property := range properties() {
			b = appendProperty(b, 0, property)
		}
		a, err := c.confirmed(at, instance, readPropertyMultiple, append(b, 0x1f))
		switch {
		case err != nil && !errors.Is(err, discovery.ErrSilent):
			return fmt.Errorf("read properties: %w", err)
		case err == nil && a.kind == complexAck, isUnknownObject(a):
			return nil
		case err != nil && at.address != nil:
			return nil // a device behind the router is gone; the router is not
		}
	}
	for i, property := range missing {
		a, err := c.confirmed(at, instance, readProperty, appendProperty(nil, 1, property))
		if at.address != nil && errors.Is(err, discovery.ErrSilent) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read property %d: %w", property, err)
		}
		if i == 0 && (a.kind == rejectPDU || a.kind == abortPDU || isUnknownObject(a)) {
			return nil
		}
	}
	return nil
}

// isUnknownObject reports whether an answer says that there is no such object: class "object", code "unknown-object" (clause 18).
func isUnknownObject(a apdu) bool {
	return a.kind == errorPDU && len(a.body) >= 4 && a.body[0] == 0x91 && a.body[1] == 1 && a.body[2] == 0x91 && a.body[3] == 31
}

// confirmed asks a service of a device object and gives the answer to it. Others that come are passed over.
func (c *caller) confirmed(at remote, instance uint32, service byte, parameters []byte) (apdu, error) {
	const (
		expectingReply = 0x04
		hopCount       = 0xff
		maxAPDU        = 5 // 1,476 bytes, in one piece (clause 20.1.2.5)
	)
	c.invoke++
	b := []byte{protocolVersionNumber, expectingReply}
	if at.address != nil {
		b = binary.BigEndian.AppendUint16([]byte{protocolVersionNumber, expectingReply | controlDestination}, at.network)
		b = append(append(b, byte(len(at.address))), at.address...)
		b = append(b, hopCount)
	}
	b = append(b, confirmedRequest<<4, maxAPDU, c.invoke, service, 0x0c)
	b = binary.BigEndian.AppendUint32(b, deviceObject<<22|instance)
	if err := c.d.Send(unicast(append(b, parameters...))); err != nil {
		return apdu{}, err
	}
	for {
		_, a, err := c.receive()
		if err != nil {
			return apdu{}, err
		}
		if a.invoke == c.invoke && a.kind >= simpleAck && a.kind != segmentAck {
			return a, nil
		}
	}
}

// deviceObject is the type of a device object (clause 21, BACnetObjectType).
const deviceObject = 8

// unicast is a datagram of BACnet/IP with an NPDU for one station.
func unicast(npdu []byte) []byte {
	b := []byte{linkIPv4, originalUnicast}
	b = binary.BigEndian.AppendUint16(b, uint16(len(npdu)+4))
	return append(b, npdu...)
}

// receive gives the next message. What is to the network layer has no APDU.
func (c *caller) receive() (npdu, apdu, error) {
	for {
		b, err := c.d.Receive()
		if err != nil {
			return npdu{}, apdu{}, err
		}
		l, err := parseLink(b)
		if err == nil && !l.hasNPDU() {
			continue
		}
		n, inner := parseNPDU(l.body)
		if err = errors.Join(err, inner); err != nil {
			return n, apdu{}, fmt.Errorf("%w: %w", discovery.ErrNotUnderstood, err)
		}
		if n.isNetworkMessage() {
			return n, apdu{}, nil
		}
		a, err := parseAPDU(n.body)
		if err != nil {
			return n, a, fmt.Errorf("%w: %w", discovery.ErrNotUnderstood, err)
		}
		return n, a, nil
	}
}

// router asks which networks the device leads to, and who is there.
func (c *caller) router() error {
	var networks []uint16
	err := c.each([]byte{protocolVersionNumber, controlNetworkMessage, whoIsRouter}, func(n npdu, _ apdu) bool {
		if n.isNetworkMessage() && n.message == iAmRouter {
			networks, _, _ = n.networks()
		}
		return len(networks) > 0
	})
	if err != nil {
		return fmt.Errorf("who is router: %w", err)
	}
	asked := 0
	for _, network := range networks[:min(len(networks), maxNetworks)] {
		found, err := c.whoIs(network)
		if err != nil {
			return fmt.Errorf("who is on network %d: %w", network, err)
		}
		for _, device := range found {
			if !c.behind || asked >= maxBehind {
				break
			}
			asked++
			if err := c.device(device.remote, device.instance, properties()); err != nil {
				return fmt.Errorf("device %d on network %d: %w", device.instance, network, err)
			}
		}
	}
	return nil
}

const (
	whoIsRouter    = 0x00 // network layer message
	whoIs          = 8    // unconfirmed service
	broadcastOther = 0xffff
)

// found is a device behind the router.
type found struct {
	remote
	instance uint32
}

// whoIs asks who is on a network behind the router, and gives those who answer us.
func (c *caller) whoIs(network uint16) ([]found, error) {
	if network == broadcastOther {
		return nil, nil
	}
	b := binary.BigEndian.AppendUint16([]byte{protocolVersionNumber, controlDestination}, network)
	b = append(b, 0, 0xff, unconfirmedRequest<<4, whoIs)
	var out []found
	err := c.each(b, func(n npdu, a apdu) bool {
		r := wire.NewReader(a.body)
		if !n.routed || n.network != network || a.kind != unconfirmedRequest || a.service != iAm || len(n.address) > 7 {
			return false
		}
		if o, err := expectObject(&r); err == nil && o.isDevice() {
			out = append(out, found{remote{network, slices.Clone(n.address)}, o.instance()})
		}
		return len(out) >= maxBehind
	})
	return out, err
}

// each sends an NPDU and reads what comes until take has enough or there is silence, which is no error.
func (c *caller) each(npdu []byte, take func(npdu, apdu) bool) error {
	if err := c.d.Send(unicast(npdu)); err != nil {
		return err
	}
	for {
		n, a, err := c.receive()
		if errors.Is(err, discovery.ErrSilent) {
			return nil
		}
		if err != nil || take(n, a) {
			return err
		}
	}
}
