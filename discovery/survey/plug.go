package survey

import (
	"sync"

	"github.com/walkdown-ot/walkdown/discovery"
)

// Plug learns where the sensor is connected from the LLDP frames that reach it: bridges do not forward them, so on an ordinary
// port they come from the port's own switch. It passes every observation on.
type Plug struct {
	Next   discovery.Sink
	Sensor string        // name of the sensor
	Own    discovery.MAC // its network card

	mu    sync.Mutex
	heard map[Port]discovery.Subject
}

// Port is one end of a cable: a port of a switch.
type Port struct {
	Chassis string // LLDP chassis id
	Name    string // LLDP system name
	Port    string // LLDP port id
}

// maxPorts bounds what a mirror port, which shows other ports' LLDP too, can make the sensor keep.
const maxPorts = 16

// Observe passes the observation on and notes the switch ports that announced themselves.
func (p *Plug) Observe(o discovery.Observation) {
	if o.Protocol == "lldp" && o.Mode == discovery.Heard {
		var port Port
		for _, fact := range o.Facts {
			switch fact.Key {
			case "lldp.chassis-id":
				port.Chassis = fact.Value
			case "lldp.system-name":
				port.Name = fact.Value
			case "lldp.port-id":
				port.Port = fact.Value
			}
		}
		if port.Chassis != "" {
			p.mu.Lock()
			if p.heard == nil {
				p.heard = make(map[Port]discovery.Subject)
			}
			if len(p.heard) < maxPorts {
				p.heard[port] = o.Subject
			}
			p.mu.Unlock()
		}
	}
	p.Next.Observe(o)
}

// Neighbour is the port that the sensor hangs on. It is not known when nobody announced himself, and when several did: then
// this is a mirror port, or a hub.
func (p *Plug) Neighbour() (Port, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.heard) != 1 {
		return Port{}, false
	}
	for port := range p.heard {
		return port, true
	}
	return Port{}, false
}

// Link is the cable between the switch and the sensor, told about the switch; false when Neighbour is not known.
func (p *Plug) Link() (discovery.Observation, bool) {
	port, ok := p.Neighbour()
	if !ok {
		return discovery.Observation{}, false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return discovery.Observation{
		Protocol: "lldp", Mode: discovery.Heard, Sensor: p.Sensor, Subject: p.heard[port],
		Links: []discovery.Link{{LocalPort: port.Port, Remote: discovery.Subject{MAC: p.Own}, RemoteName: "walkdown sensor " + p.Sensor, Via: "lldp"}},
	}, true
}
