// Package profinet reads PROFINET IO: DCP, by which stations say their names and addresses on the link, and the connection
// management (PNIO-CM), by which controllers set devices up and read their nameplates.
// Standard: IEC 61158-6-10 (PROFINET IO, type 10), the DCE 1.1 RPC specification (Open Group C706) for the calls, and the PROFIBUS &
// PROFINET profile guidelines for I&M records. DCP is EtherType 8892, frame ids FEFC to FEFF; PNIO-CM is UDP port 34964, and
// whatever port a station answers from.
// Heard: identify and get answers and hellos of DCP, connects, read I&M 0 to 3 and port records, answers of the endpoint mapper,
// and who exchanges cyclic data with whom. What one station wants another to become, or looks for, is not told. Asked: one DCP
// Identify of a segment; by opt-in the endpoint mapper and the nameplate of a station.
package profinet

import (
	"github.com/walkdown-ot/walkdown/discovery"
)

// Where PROFINET is to be found.
const (
	EtherType = 0x8892
	PortRT    = 34962 // IANA "profinet-rt": cyclic data through routers
	PortCM    = 34964 // IANA "profinet-cm"
)

// Protocol is PROFINET.
func Protocol() discovery.Protocol {
	return discovery.Protocol{
		Name:     "profinet",
		Title:    "PROFINET",
		Standard: "IEC 61158-6-10, Open Group C706 (DCE RPC)",
		Hears:    "names, types, vendor and device ids, roles and addresses from DCP; nameplates (I&M), ports and neighbours from records that are read; who reads and writes, who exchanges cyclic data with whom",
		Keys:     keys(),
		Ports: []discovery.Port{
			{Transport: discovery.EtherType, Number: EtherType}, {Transport: discovery.UDP, Number: PortCM}, {Transport: discovery.UDP, Number: PortRT},
		},
		Claims: isCall,
		Decode: func(f discovery.Flow) discovery.Decoder {
			if f.Transport == discovery.EtherType || f.Ports[discovery.Server] == PortRT {
				return &linkDecoder{flow: f}
			}
			return &callDecoder{flow: f}
		},
		Asker:   asker(),
		Segment: identifyAsker(),
	}
}
