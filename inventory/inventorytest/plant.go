// Package inventorytest makes synthetic plants of any size, for benchmarks and for tests that need a large inventory. A plant is
// the same for the same seed, and is told as observations, as a survey would: cells of fifty devices around a switch, each with
// the addresses, nameplates, modules, ports, links and conversations that its kind has. It opens and sends nothing.
package inventorytest

import (
	"fmt"
	"iter"
	"math/rand/v2"
	"net/netip"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
)

// CellSize is how many devices a whole cell has.
const CellSize = 50

// Plant is a synthetic plant. Its addresses lie in 10.0.0.0/8, a sixty-fourth of them for each cell.
type Plant struct {
	Assets int
	Seed   uint64 // another seed: other serial numbers, firmwares and rhythms
}

// Drift is how many devices there are for each that changes from one generation of a plant to the next.
const Drift = 1000

// Survey is what a survey tells that begins at a time. In each generation one device in Drift is another than in the one before:
// it has a newer firmware, another module, a service that was not there.
func (p Plant) Survey(began time.Time, generation int) iter.Seq[discovery.Observation] {
	return func(yield func(discovery.Observation) bool) {
		t := teller{plant: p, began: began, generation: generation, yield: yield}
		for i := range p.Assets {
			if !t.device(i) {
				return
			}
		}
	}
}

// Address is the IP of a device, by its number.
func (p Plant) Address(i int) netip.Addr { return address(i/CellSize, i%CellSize) }

func address(cell, place int) netip.Addr {
	n := uint32(10)<<24 | uint32(cell)<<6 | uint32(place+1)
	return netip.AddrFrom4([4]byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)})
}

// The places of a cell.
const (
	switchAt  = 0
	plcAt     = 1  // and 2
	panelAt   = 3  // and 4
	serverAt  = 5  // and 6
	gatewayAt = 7  // with meters behind it
	meterAt   = 8  // to 11
	driveAt   = 12 // to 25
	ioAt      = 26 // to 49
)

// kindAt is what stands at a place of a cell.
func kindAt(place int) *kind {
	switch {
	case place >= ioAt:
		return &kinds[place%2]
	case place >= driveAt:
		return &kinds[2]
	case place >= meterAt:
		return &kinds[3]
	case place == gatewayAt:
		return &kinds[4]
	case place >= serverAt:
		return &kinds[5]
	case place >= panelAt:
		return &kinds[6]
	case place >= plcAt:
		return &kinds[7]
	}
	return &kinds[8]
}

// teller tells one survey.
type teller struct {
	plant      Plant
	began      time.Time
	generation int
	yield      func(discovery.Observation) bool
}

// device is one device while it is told.
type device struct {
	*teller
	kind        *kind
	cell, place int
	chance      *rand.Rand // the same in every generation
	at          time.Time
	mac         discovery.MAC
	ip          netip.Addr
	name        string
	version     string
	updates     int // how often it has changed until this generation
	more        bool
}

// device tells all of a device, and reports whether more is wanted.
func (t *teller) device(i int) bool {
	cell, place := i/CellSize, i%CellSize
	d := device{
		teller: t, kind: kindAt(place), cell: cell, place: place, more: true,
		chance: rand.New(rand.NewPCG(t.plant.Seed, uint64(i))),
		at:     t.began.Add(time.Duration(i) * time.Millisecond),
		mac:    macOf(cell, place), ip: address(cell, place),
	}
	d.name = fmt.Sprintf("cell-%04d-%s-%02d", cell, d.kind.word, place)
	d.updates = (t.generation + i%Drift) / Drift
	d.version = fmt.Sprintf("%d.%d.%d", 1+d.chance.IntN(4), d.chance.IntN(10), d.updates)
	d.arp()
	d.kind.tell(&d)
	d.talks()
	return d.more
}

func macOf(cell, place int) discovery.MAC {
	prefix := kindAt(place).prefix
	n := cell<<6 | place
	return discovery.MAC{prefix[0], prefix[1], prefix[2], byte(n >> 16), byte(n >> 8), byte(n)}
}

// subject is the device under both its addresses, or a part of it.
func (d *device) subject(path string) discovery.Subject {
	return discovery.Subject{MAC: d.mac, IP: d.ip, Path: path}
}

// tell gives an observation; key and value alternate.
func (d *device) tell(protocol string, mode discovery.Mode, about discovery.Subject, pairs ...string) {
	o := discovery.Observation{Time: d.at, Sensor: "synthetic", Protocol: protocol, Mode: mode, Subject: about}
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			o.Facts = append(o.Facts, discovery.NewFact(discovery.Key(protocol+"."+pairs[i]), pairs[i+1]))
		}
	}
	d.give(o)
}

func (d *device) give(o discovery.Observation) { d.more = d.more && d.yield(o) }

// serial is a number that stays with the device.
func (d *device) serial(form string) string { return fmt.Sprintf(form, d.chance.IntN(1e9)) }

// arp binds the addresses.
func (d *device) arp() {
	d.give(discovery.Observation{
		Time: d.at, Sensor: "synthetic", Protocol: "arp", Mode: discovery.Heard, Subject: d.subject(""),
		Facts: []discovery.Fact{discovery.NewFact(discovery.KeyBinding, "arp")},
	})
}
