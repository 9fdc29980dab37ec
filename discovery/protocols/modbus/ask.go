package modbus

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
)

// Bounds of the questions.
const (
	maxRounds     = 8  // answers that say "more follows", for one category
	maxUnits      = 16 // further units of a device, and questions to all of them before the last one's
	answerTimeout = 3 * time.Second
)

// Categories of a device identification (section 6.21).
const (
	categoryBasic    = 1
	categoryRegular  = 2
	categoryExtended = 3
)

// basicRequest is the first question of all.
const basicRequest = "read-device-identification-basic"

// serverIDRequest is function 17. It is one request for all units: to name a unit is to opt in to function 43 alone.
const serverIDRequest = "report-server-id"

// asker sends, of the device itself (unit 255) and then of each further unit that was overheard or named, the last question after
// all others:
//
//  1. read-device-identification-basic, function 43/14: vendor, product code, revision; all other questions depend on its answer;
//  2. read-device-identification-regular, where the conformity level has it: url, product, model, application;
//  3. read-device-identification-extended, where the conformity level has it: the maker's own objects;
//  4. report-server-id, function 17, by opt-in: the standard gives it to serial lines only, and some devices stumble over it.
//
// A device that does not answer for unit 255, or says that it cannot reach it, is asked the same as unit 1, once and where no other
// unit was overheard or named: many servers have that unit alone. Behind a gateway unit 1 is no more trouble than unit 255 was.
// A unit whose basic identification is that of the device is the device, and is asked no more. A device that said that it does not
// know function 43 is not asked again.
//
// A device reads them from memory. Gateways, drives, meters and RTUs have few connections, and some throw out the oldest client
// when all are taken: they are asked only by opt-in. A further unit may be on a serial line behind a gateway: then the questions
// take some of its time, and are put only by opt-in, which naming the unit is.
// One connection serves all units. Unit 0, the broadcast of the serial line, is never asked.
func asker() *discovery.Asker {
	const deviceEffect = "none: reads constant texts from memory; of unit 1 where the device does not answer for unit 255"
	const unitEffect = "none: reads constant texts from memory; takes up to some 300 ms of a serial line behind a gateway"
	basic := []discovery.Key{KeyVendorName, KeyProductCode, KeyMajorMinorRevision, KeyConformityLevel, KeyNoIdentification, KeyGatewayException}
	regular := []discovery.Key{KeyVendorURL, KeyProductName, KeyModelName, KeyUserApplicationName}
	extended := []discovery.Key{KeyPrivateObject}
	const itself = "one( ff | 01 )"
	question := func(name, unit, code string, times int, yields []discovery.Key, effect string) discovery.Request {
		r := discovery.Request{
			Name: name, Max: times, Yields: yields, Effect: effect,
			Template: discovery.MustTemplate("?2 0000 u16( " + unit + " 2b 0e " + code + " ? )"),
		}
		if r.PerUnit = unit != itself; r.PerUnit {
			r.Safety = discovery.SafetyC
			return r
		}
		r.Safety = discovery.SafetyB
		r.ByClass = map[discovery.Class]discovery.Safety{discovery.ClassField: discovery.SafetyC, discovery.ClassGateway: discovery.SafetyC}
		return r
	}
	return &discovery.Asker{
		Transport: discovery.TCP,
		Port:      Port,
		Enough:    identity(),
		Scarce:    true,
		// One that is silent is asked as unit 1 over another.
		Connections: 2,
		Requests: []discovery.Request{
			question(basicRequest, itself, "01", maxRounds, basic, deviceEffect),
			question("read-device-identification-regular", itself, "02", maxRounds, regular, deviceEffect),
			question("read-device-identification-extended", itself, "03", maxRounds, extended, deviceEffect),
			question("read-unit-identification-basic", "01-f7", "01", maxUnits+maxRounds, basic, unitEffect),
			question("read-unit-identification-regular", "01-f7", "02", maxUnits+maxRounds, regular, unitEffect),
			question("read-unit-identification-extended", "01-f7", "03", maxUnits+maxRounds, extended, unitEffect),
			{
				Name: serverIDRequest, Safety: discovery.SafetyC, Max: 1 + maxUnits, Yields: []discovery.Key{KeyServerID}, Effect: unitEffect,
				Template: discovery.MustTemplate("?2 0000 u16( one( 01-f7 | ff ) 11 )"),
			},
		},
		Message: length,
		Ask:     ask,
	}
}

func ask(ctx context.Context, s discovery.Session, t discovery.Target) error {
	c := newClient(s)
	defer c.close()
	var err error
	nameplate := !isKnown(s) && s.Allowed(basicRequest)
	if nameplate {
		err = c.identify(ctx, unitDevice)
	}
	further := units(t)
	silent := errors.Is(err, discovery.ErrSilent) && c.conn != nil && !c.conn.heard
	if len(further) == 0 && nameplate && (silent || err == nil && c.unreachable) {
		err = c.identify(ctx, unitFirst)
	}
	for _, unit := range further {
		// A device that is silent for unit 255 may still answer for those that it was heard to answer for. A gateway that falls
		// silent for a unit is left alone: it should have said that the unit does not answer.
		if err != nil && (!errors.Is(err, discovery.ErrSilent) || c.answered) || slices.Max(c.toUnits[:]) >= maxUnits {
			break
		}
		if next := c.identify(ctx, unit); next != nil || c.answered {
			err = next
		}
		if err != nil {
			break
		}
	}
	if _, known := s.Known(KeyServerID); !known && s.Allowed(serverIDRequest) {
		for _, unit := range append([]uint8{unitDevice}, further...) {
			if err != nil {
				break
			}
			err = c.reportServerID(ctx, unit)
		}
	}
	if err != nil {
		return fmt.Errorf("ask %s by modbus: %w", t.Subject, err)
	}
	return nil
}

// isKnown reports whether all that identifies the device was overheard already, or that it has nothing of the kind.
func isKnown(s discovery.Session) bool {
	if _, ok := s.Known(KeyNoIdentification); ok {
		return true
	}
	for _, key := range identity() {
		if _, ok := s.Known(key); !ok {
			return false
		}
	}
	return true
}

// identity is what the basic category holds.
func identity() []discovery.Key {
	return []discovery.Key{KeyVendorName, KeyProductCode, KeyMajorMinorRevision}
}

// units are the further units to ask. Only those that were overheard or named: on a serial line each one that is not there costs
// the time of a time-out.
func units(t discovery.Target) []uint8 {
	const last = 247 // section 2.2 of MODBUS over Serial Line V1.02
	var out []uint8
	for _, unit := range t.Units {
		if unit != unitBroadcast && unit <= last && !slices.Contains(out, unit) && len(out) < maxUnits {
			out = append(out, unit)
		}
	}
	return out
}
