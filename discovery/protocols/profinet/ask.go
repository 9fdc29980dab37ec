package profinet

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/wire"
	"github.com/walkdown-ot/walkdown/discovery/wire/dialogue"
)

// The names of the requests.
const (
	requestLookup = "lookup-endpoints"
	requestIM0    = "read-im0"
)

// asker sends, by opt-in, each once:
//
//  1. lookup-endpoints: the first entry of the station's endpoint mapper, whose annotation holds type, order number and versions;
//  2. read-im0: an implicit read of the nameplate record of the head module, addressed by vendor and device id, which must be known.
//
// Both are read by the station's RPC task. Stacks before V06.00 of Siemens crash when diagnostic requests are repeated often
// (CVE-2019-13946), which is why each is sent once and by opt-in. Some stations answer from another port than they were asked at.
func asker() *discovery.Asker {
	const header = "04 00 20 00 100000 00 "
	const tail = " ?16 00000000 "
	return &discovery.Asker{
		Transport: discovery.UDP,
		Port:      PortCM,
		AnyPort:   true,
		Requests: []discovery.Request{
			{
				Name: requestLookup, Safety: discovery.SafetyC, Max: 1, MayBeSilent: true,
				Template: discovery.MustTemplate(header + "00000000000000000000000000000000 0883afe11f5dc91191a408002b14a0fa" + tail +
					"03000000 00000000 0200 ffff ffff 4c00 0000 00 00 " +
					"00000000 01000000 00000000000000000000000000000000 02000000 0100a0de976cd111827100a02442df7d 01000000 01000000 " +
					"0000000000000000000000000000000000000000 01000000"),
				Yields: []discovery.Key{KeyVendorID, KeyDeviceID, KeyAnnotation, KeyEPMType, KeyEPMOrder, KeyEPMHardware, KeyEPMSoftware},
				Effect: "one lookup in the station's RPC task",
			},
			{
				Name: requestIM0, Safety: discovery.SafetyC, Max: 1, MayBeSilent: true,
				Template: discovery.MustTemplate(header + "0000a0de976cd1118271 ?2 ?4 0100a0de976cd111827100a02442df7d" + tail +
					"01000000 00000000 0500 ffff ffff 5400 0000 00 00 " +
					"00100000 40000000 00100000 00000000 40000000 " +
					"0009 003c 0100 0000 00000000000000000000000000000000 00000000 0000 0001 0000 aff0 00001000 " +
					"00000000000000000000000000000000 0000000000000000"),
				Yields: []discovery.Key{KeyIMVendorID, KeyIMOrderID, KeyIMSerial, KeyIMHardware, KeyIMSoftware, KeyIMProfile, KeyIMProfileType},
				Effect: "one read of a record in the station's RPC task",
			},
		},
		Ask: ask,
	}
}

func ask(ctx context.Context, s discovery.Session, t discovery.Target) error {
	lookup := s.Allowed(requestLookup) && !known(s, KeyAnnotation)
	plate := s.Allowed(requestIM0) && !known(s, KeyIMOrderID, KeyIMSerial, KeyIMSoftware)
	id := knownID(s)
	if !lookup && (!plate || id.IsZero()) {
		return nil
	}
	conn, err := s.Dial(ctx)
	if err != nil {
		return fmt.Errorf("ask the endpoint mapper of %s: %w", t.Subject.IP, err)
	}
	d := dialogue.New(ctx, conn, nil)
	defer d.Close()
	if lookup {
		answer, err := d.Ask(lookupMessage(activity(t, 1)))
		if err != nil && !errors.Is(err, discovery.ErrSilent) {
			return fmt.Errorf("ask the endpoint mapper of %s: %w", t.Subject.IP, err)
		}
		if told, ok := toldID(answer); ok {
			id = told
		}
	}
	if !plate || id.IsZero() {
		return nil
	}
	if _, err := d.Ask(readIM0Message(id, activity(t, 2))); err != nil && !errors.Is(err, discovery.ErrSilent) {
		return fmt.Errorf("read I&M 0 of %s: %w", t.Subject.IP, err)
	}
	return nil
}

// known reports whether all of the keys are known.
func known(s discovery.Session, keys ...discovery.Key) bool {
	return !slices.ContainsFunc(keys, func(key discovery.Key) bool {
		_, ok := s.Known(key)
		return !ok
	})
}

// knownID is the id that the station told before, over DCP.
func knownID(s discovery.Session) ID {
	number := func(key discovery.Key) uint16 {
		text, _ := s.Known(key)
		n, err := strconv.ParseUint(text, 0, 16)
		if err != nil {
			return 0
		}
		return uint16(n)
	}
	return ID{Vendor: number(KeyVendorID), Device: number(KeyDeviceID)}
}

// toldID is the id in an answer of the endpoint mapper.
func toldID(answer []byte) (ID, bool) {
	c, err := parseCall(answer)
	if err != nil || c.face != interfaceEPM || c.kind != kindResponse || c.operation != operationLookup {
		return ID{}, false
	}
	rows, _ := readEndpoints(c.order, wire.NewReader(c.body)) // what is cut short is the decoder's to tell
	for _, row := range rows {
		if id, ok := row.Object.object(); ok && !id.IsZero() {
			return id, true
		}
	}
	return ID{}, false
}

// activity names a call, so that its answer is told from others. It need not be random: one call is open at a time.
func activity(t discovery.Target, n byte) [16]byte {
	var a [16]byte
	copy(a[:], "walkdown")
	if ip := t.Subject.IP.AsSlice(); len(ip) >= 4 {
		copy(a[8:], ip[len(ip)-4:])
	}
	a[15] = n
	return a
}

const flagIdempotent = 0x20

// rpcMessage is a request of the connectionless RPC in little endian, see call for the layout.
func rpcMessage(object, face UUID, activity [16]byte, version uint32, operation uint16, body []byte) []byte {
	var b bytes.Buffer
	b.Write([]byte{rpcVersion, kindRequest, flagIdempotent, 0, littleEndian, 0, 0, 0})
	b.Write(swapped(object))
	b.Write(swapped(face))
	b.Write(activity[:])
	b.Write(make([]byte, 4)) // boot time
	b.Write(binary.LittleEndian.AppendUint32(nil, version))
	b.Write(make([]byte, 4)) // sequence
	b.Write(binary.LittleEndian.AppendUint16(nil, operation))
	b.Write([]byte{0xff, 0xff, 0xff, 0xff}) // no hints
	b.Write(binary.LittleEndian.AppendUint16(nil, uint16(len(body))))
	b.Write(make([]byte, 4)) // fragment, authentication, serial
	b.Write(body)
	return b.Bytes()
}

// swapped is a UUID in little endian.
func swapped(u UUID) []byte {
	return []byte{u[3], u[2], u[1], u[0], u[5], u[4], u[7], u[6], u[8], u[9], u[10], u[11], u[12], u[13], u[14], u[15]}
}

// interfaceDevice is that of devices among PROFINET's.
func interfaceDevice() UUID {
	u := interfacePNIO
	u[3] = 1
	return u
}

// lookupMessage asks for the first of all entries (inquiry type 0, C706 appendix O).
func lookupMessage(activity [16]byte) []byte {
	var body bytes.Buffer
	number := func(n uint32) { body.Write(binary.LittleEndian.AppendUint32(nil, n)) }
	number(0)                    // inquiry: all
	number(1)                    // reference of the object,
	body.Write(make([]byte, 16)) // which is any
	number(2)                    // reference of the interface
	body.Write(swapped(interfaceDevice()))
	number(1)                    // its version
	number(1)                    // of all versions
	body.Write(make([]byte, 20)) // handle: from the start
	number(1)                    // entries at most
	return rpcMessage(UUID{}, interfaceEPM, activity, 3, operationLookup, body.Bytes())
}

// readIM0Message reads I&M 0 of slot 0, subslot 1 without a relation (IODReadReqHeader, clause 5.2.1.11).
func readIM0Message(id ID, activity [16]byte) []byte {
	const longest, blockLen = 4096, 64
	var body bytes.Buffer
	for _, n := range []uint32{longest, blockLen, longest, 0, blockLen} {
		body.Write(binary.LittleEndian.AppendUint32(nil, n))
	}
	body.Write([]byte{0x00, 0x09, 0x00, 0x3c, 1, 0, 0, 0})
	body.Write(make([]byte, 16+4)) // relation, API
	body.Write([]byte{0, 0, 0, 1, 0, 0, recordIM0 >> 8, recordIM0 & 0xff})
	body.Write(binary.BigEndian.AppendUint32(nil, longest))
	body.Write(make([]byte, 16+8)) // target relation, padding
	object := interfacePNIO
	binary.BigEndian.PutUint16(object[10:], 1) // instance
	binary.BigEndian.PutUint16(object[12:], id.Device)
	binary.BigEndian.PutUint16(object[14:], id.Vendor)
	return rpcMessage(object, interfaceDevice(), activity, 1, operationReadImplicit, body.Bytes())
}
