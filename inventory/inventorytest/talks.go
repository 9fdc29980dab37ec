package inventorytest

import (
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
)

// talks tells what a device says to others: about five conversations.
func (d *device) talks() {
	plc := plcAt + d.place%2
	switch {
	case d.place >= driveAt: // I/O and drives
		d.talk(plc, d.place, discovery.EtherType, 0x8892, "profinet", discovery.OpRead|discovery.OpWrite, 8*time.Millisecond)
		d.talk(plc, d.place, discovery.UDP, 34964, "profinet", discovery.OpRead|discovery.OpWrite, 0)
	case d.place >= meterAt:
		d.talk(plc, d.place, discovery.TCP, 502, "modbus", discovery.OpRead, time.Second)
		d.talk(serverAt, d.place, discovery.TCP, 502, "modbus", discovery.OpRead, 15*time.Second)
	case d.place == gatewayAt:
		d.talk(plc, d.place, discovery.TCP, 502, "modbus", discovery.OpRead, 500*time.Millisecond)
	case d.place >= panelAt:
		for n := range 2 {
			d.talk(d.place, plcAt+n, discovery.TCP, 102, "s7", discovery.OpRead|discovery.OpWrite, 250*time.Millisecond)
		}
	case d.place >= plcAt:
		d.talk(serverAt, d.place, discovery.TCP, 4840, "opcua", discovery.OpRead, time.Second)
		d.talk(serverAt+1, d.place, discovery.TCP, 102, "s7", discovery.OpRead|discovery.OpControl, 0)
	}
	// The servers of the first cell are the plant's: time, network management.
	if d.cell > 0 || d.place != serverAt {
		d.between(d.subject(""), discovery.Subject{MAC: macOf(0, serverAt), IP: address(0, serverAt)}, discovery.UDP, 123, "ntp", 0, 64*time.Second)
		d.between(discovery.Subject{MAC: macOf(0, serverAt), IP: address(0, serverAt)}, d.subject(""), discovery.UDP, 161, "snmp", discovery.OpRead, time.Minute)
	}
	d.talk(serverAt+1, d.place, discovery.TCP, 80, "http", discovery.OpRead, 0)
}

// talk tells a conversation between two places of the cell, as far as both are there. An interval of 0 is an irregular one.
func (d *device) talk(client, server int, over discovery.Transport, port uint16, protocol string, does discovery.Operations, every time.Duration) {
	if max(client, server) >= d.plant.Assets-d.cell*CellSize || client == server {
		return
	}
	a, b := discovery.Subject{MAC: macOf(d.cell, client), IP: address(d.cell, client)}, discovery.Subject{MAC: macOf(d.cell, server), IP: address(d.cell, server)}
	if over == discovery.EtherType {
		a, b = discovery.Subject{MAC: a.MAC}, discovery.Subject{MAC: b.MAC}
	}
	d.between(a, b, over, port, protocol, does, every)
}

func (d *device) between(client, server discovery.Subject, over discovery.Transport, port uint16, protocol string, does discovery.Operations, every time.Duration) {
	last := d.at.Add(10 * time.Minute)
	c := discovery.Conversation{
		Client: client, Server: server, Transport: over, Port: port, Protocol: protocol, Operations: does, Answered: true,
		First: d.at, Last: last, Frequency: "sporadic", Packets: uint64(4 + d.chance.IntN(40)),
	}
	switch {
	case every > 10*time.Second:
		c.Frequency, c.MedianInterval = "periodic", every
	case every > 0:
		c.Frequency, c.MedianInterval = "cyclic", every
	}
	if every > 0 {
		c.Packets = uint64(2 * last.Sub(d.at) / every)
	}
	c.Bytes = c.Packets * uint64(64+d.chance.IntN(200))
	d.give(discovery.Observation{Time: last, Sensor: "synthetic", Protocol: protocol, Mode: discovery.Heard, Talks: []discovery.Conversation{c}})
}
