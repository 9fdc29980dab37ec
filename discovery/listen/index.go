package listen

import "github.com/walkdown-ot/walkdown/discovery"

// none stands where a protocol could.
const none = -1

// index finds protocols by port, and those that recognise their first bytes.
type index struct {
	protocols []discovery.Protocol
	byPort    map[discovery.Port][]int
	claiming  [discovery.IP + 1][]int
}

func newIndex(protocols []discovery.Protocol) index {
	x := index{protocols: protocols, byPort: map[discovery.Port][]int{}}
	for i, p := range protocols {
		if p.Decode == nil {
			continue
		}
		rides := [discovery.IP + 1]bool{}
		for _, port := range p.Ports {
			if port.Transport > discovery.IP {
				continue
			}
			x.byPort[port] = append(x.byPort[port], i)
			rides[port.Transport] = true
		}
		for transport, does := range rides {
			if does && p.Claims != nil {
				x.claiming[transport] = append(x.claiming[transport], i)
			}
		}
	}
	return x
}

// at are the protocols that list a port.
func (x *index) at(transport discovery.Transport, port uint16) []int {
	return x.byPort[discovery.Port{Transport: transport, Number: port}]
}

func (x *index) name(i int) string {
	if i == none {
		return ""
	}
	return x.protocols[i].Name
}
