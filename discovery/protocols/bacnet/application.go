package bacnet

import (
	"fmt"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/wire"
)

// Kinds of APDU: the upper half of the first byte (clause 20.1).
const (
	confirmedRequest = iota
	unconfirmedRequest
	simpleAck
	complexAck
	segmentAck
	errorPDU
	rejectPDU
	abortPDU
)

// Bits of the first byte of a confirmed request or a complex ack.
const (
	flagSegmented = 0x08
	flagMore      = 0x04
)

// Confirmed services (clause 21, BACnetConfirmedServiceChoice).
const (
	acknowledgeAlarm             = 0
	confirmedCOV                 = 1
	getAlarmSummary              = 3
	getEnrollmentSummary         = 4
	subscribeCOV                 = 5
	atomicReadFile               = 6
	atomicWriteFile              = 7
	addListElement               = 8
	removeListElement            = 9
	createObject                 = 10
	deleteObject                 = 11
	readProperty                 = 12
	readPropertyConditional      = 13 // until 135-2008
	readPropertyMultiple         = 14
	writeProperty                = 15
	writePropertyMultiple        = 16
	deviceCommunicationControl   = 17
	reinitializeDevice           = 20
	virtualTerminalOpen          = 21
	virtualTerminalClose         = 22
	virtualTerminalData          = 23
	readRange                    = 26
	lifeSafetyOperation          = 27
	subscribeCOVProperty         = 28
	getEventInformation          = 29
	subscribeCOVPropertyMultiple = 30
	confirmedCOVMultiple         = 31
	auditLogQuery                = 33
)

// Unconfirmed services (clause 21, BACnetUnconfirmedServiceChoice).
const (
	iAm                    = 0
	iHave                  = 1
	unconfirmedCOV         = 2
	timeSynchronization    = 6
	utcTimeSynchronization = 9
	writeGroup             = 10
	unconfirmedCOVMultiple = 11
	whoAmI                 = 13
)

// confirmedOperation is what a confirmed service does to the device that is asked for it. Notifications, texts, and what is
// private to a vendor do nothing that can be named.
func confirmedOperation(service uint8) discovery.Operations {
	switch service {
	case getAlarmSummary, getEnrollmentSummary, subscribeCOV, atomicReadFile, readProperty, readPropertyConditional,
		readPropertyMultiple, readRange, subscribeCOVProperty, getEventInformation, subscribeCOVPropertyMultiple, auditLogQuery:
		return discovery.OpRead
	case acknowledgeAlarm, addListElement, removeListElement, writeProperty, writePropertyMultiple:
		return discovery.OpWrite
	case atomicWriteFile, createObject, deleteObject, deviceCommunicationControl, reinitializeDevice,
		virtualTerminalOpen, virtualTerminalClose, virtualTerminalData, lifeSafetyOperation:
		return discovery.OpControl
	}
	return 0
}

// unconfirmedOperation is what an unconfirmed service does to those that it reaches.
func unconfirmedOperation(service uint8) discovery.Operations {
	switch service {
	case timeSynchronization, utcTimeSynchronization, writeGroup:
		return discovery.OpWrite
	}
	return 0
}

// apdu is the head of a message between applications, and what follows it.
type apdu struct {
	kind      uint8
	service   uint8 // of requests, acks and errors
	invoke    uint8
	segmented bool
	more      bool // further segments follow
	sequence  uint8
	body      []byte
}

func parseAPDU(b []byte) (apdu, error) {
	r := wire.NewReader(b)
	first := r.Uint8()
	a := apdu{kind: first >> 4}
	switch a.kind {
	case confirmedRequest, complexAck:
		a.segmented, a.more = first&flagSegmented != 0, first&flagMore != 0
		if a.kind == confirmedRequest {
			r.Skip(1) // what the client can take
		}
		a.invoke = r.Uint8()
		if a.segmented {
			a.sequence = r.Uint8()
			r.Skip(1) // proposed window
		}
		a.service = r.Uint8()
	case unconfirmedRequest:
		a.service = r.Uint8()
	case simpleAck, errorPDU:
		a.invoke, a.service = r.Uint8(), r.Uint8()
	case segmentAck, rejectPDU, abortPDU:
		a.invoke = r.Uint8()
		r.Skip(1)
	default:
		if r.Err() == nil {
			return a, fmt.Errorf("APDU of kind %d at byte 0", a.kind)
		}
	}
	if r.Err() != nil {
		return a, r.Err()
	}
	a.body = r.Rest()
	return a, nil
}
