// Package iec104 hears IEC 60870-5-104, by which control centres read and command the stations of grids, gas and water: who controls,
// who is controlled, under which common addresses, and who reads, writes and commands.
//
// Standard: IEC 60870-5-104:2006 (clause 5 framing), IEC 60870-5-101:2003 (clause 7 application data). Port: TCP 2404.
//
// Heard: frames whose control field and length are sound. The protocol has no service by which a station says who it is, so it is never
// asked: a start or an interrogation would be a second control centre. Values of points are never kept.
package iec104

import (
	"encoding/binary"
	"fmt"
	"io"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/wire"
)

// Port is the registered one (clause 7).
const Port = 2404

// A frame (clause 5.1) is a start byte, a length, four bytes of control, and in a frame that informs an ASDU. The length counts what
// follows it.
const (
	start       = 0x68
	headerSize  = 2
	controlSize = 4
	maxLength   = 253
	maxFrame    = headerSize + maxLength
	// asduHeader is type, number of objects, cause of two bytes, common address of two (IEC 60870-5-104 clause 6.1 fixes their sizes).
	asduHeader = 6
)

// Kind is what a frame does (clause 5.1).
type Kind uint8

// The kinds. Those of an unnumbered frame are the values of its first byte.
const (
	Inform        Kind = 0x00
	Supervise     Kind = 0x01
	StartTransfer Kind = 0x07 // STARTDT act
	startConfirm  Kind = 0x0b
	stopTransfer  Kind = 0x13
	stopConfirm   Kind = 0x23
	testFrame     Kind = 0x43
	testConfirm   Kind = 0x83
)

// kind is that of a control field of four bytes; false where it is none.
func kind(control []byte) (Kind, bool) {
	rest := control[1] | control[2] | control[3]
	switch k := Kind(control[0]); {
	case control[0]&1 == 0:
		return Inform, control[2]&1 == 0
	case k == Supervise:
		return k, control[1] == 0 && control[2]&1 == 0
	case k == StartTransfer, k == startConfirm, k == stopTransfer, k == stopConfirm, k == testFrame, k == testConfirm:
		return k, rest == 0
	}
	return 0, false
}

// length gives the length of the first frame of a stream, 0 while there is too little to tell.
func length(b []byte) (int, error) {
	if len(b) > 0 && b[0] != start {
		return 0, fmt.Errorf("iec 104 frame with %#02x at byte 0", b[0])
	}
	if len(b) < headerSize {
		return 0, nil
	}
	n := int(b[1])
	if n != controlSize && n < controlSize+asduHeader || n > maxLength {
		return 0, fmt.Errorf("iec 104 length %d at byte 1", n)
	}
	if len(b) < headerSize+controlSize {
		return 0, nil
	}
	k, ok := kind(b[headerSize:])
	if !ok || (k == Inform) != (n > controlSize) {
		return 0, fmt.Errorf("iec 104 control field % x in a frame of %d bytes at byte %d", b[headerSize:headerSize+controlSize], n, headerSize)
	}
	return headerSize + n, nil
}

// Cause is why an ASDU is sent (IEC 60870-5-101 clause 7.2.3).
type Cause uint8

// The causes that a station which controls gives; others are the controlled one's.
const (
	causeRequest    Cause = 5
	causeActivate   Cause = 6
	causeDeactivate Cause = 8
	causeFile       Cause = 13
)

// broadcast is the common address of all stations.
const broadcast = 0xffff

// ASDU is the head of application data.
type ASDU struct {
	Type          uint8
	Cause         Cause
	Originator    uint8  // who of several controls; 0 is not said
	CommonAddress uint16 // of the station
}

// parseASDU reads the head of an ASDU.
func parseASDU(b []byte) (ASDU, error) {
	r := wire.NewReader(b)
	a := ASDU{Type: r.Uint8()}
	r.Skip(1) // number of objects
	a.Cause = Cause(r.Uint8() & 0x3f)
	a.Originator = r.Uint8()
	a.CommonAddress = r.Uint16LE()
	if r.Err() != nil {
		return a, fmt.Errorf("read iec 104 asdu of %d bytes: %w", len(b), io.ErrUnexpectedEOF)
	}
	return a, nil
}

// isMonitor reports whether the type is one that only a controlled station sends: process information and the end of initialisation
// (IEC 60870-5-101 table 8).
func (a ASDU) isMonitor() bool { return a.Type >= 1 && a.Type <= 40 || a.Type == 70 }

// isCommand reports whether a controlling station sends it: a command, system or parameter type with a cause of its own.
func (a ASDU) isCommand() bool {
	return a.Type >= 45 && a.Type <= 69 && (a.Cause == causeActivate || a.Cause == causeDeactivate) ||
		a.Type >= 100 && a.Type <= 119 && (a.Cause == causeActivate || a.Cause == causeDeactivate || a.Cause == causeRequest)
}

// operation is what a controlling station does with a type (IEC 60870-5-101 tables 9 to 12); 0 for a test, and for files, whose direction
// the type does not tell.
func (a ASDU) operation() discovery.Operations {
	switch {
	case a.Type == 100, a.Type == 101, a.Type == 102: // interrogation, of counters, read
		return discovery.OpRead
	case a.Type == 103, a.Type >= 110 && a.Type <= 113: // clock, parameters
		return discovery.OpWrite
	case a.Type >= 45 && a.Type <= 69, a.Type == 105: // commands, reset of a process
		return discovery.OpControl
	}
	return 0
}

// isWhole reports whether a whole frame begins here, and what follows it may be another.
func isWhole(b []byte) bool {
	n, err := length(b)
	if err != nil || n == 0 || n > len(b) {
		return false
	}
	_, err = length(b[n:])
	return err == nil
}

// claims recognises a stream by its first frame: a start or a test of the link, or an ASDU of a known type.
func claims(first []byte) bool {
	if !isWhole(first) {
		return false
	}
	switch k, _ := kind(first[headerSize:]); k {
	case StartTransfer, testFrame:
		return true
	case Inform:
		a, err := parseASDU(first[headerSize+controlSize:])
		known := a.isMonitor() || a.isCommand()
		objects := first[headerSize+controlSize+1] & 0x7f
		return err == nil && known && objects > 0 && binary.LittleEndian.Uint16(first[headerSize:]) <= 2*8 // the first few of a connection
	}
	return false
}
