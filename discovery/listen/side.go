package listen

import "github.com/walkdown-ot/walkdown/discovery"

// evidence is how sure it is which end of a flow is the server.
type evidence uint8

const (
	byOrder     evidence = iota // who spoke first is the client
	byRange                     // a port below 1024 against one above
	byWellKnown                 // a port that servers usually listen at
	byProtocol                  // a port of a protocol that is listened to
	byGroup                     // what goes to many goes to a service
	byMessage                   // the protocol says so
	bySYN                       // the connection was seen being made
)

// serverOf says whether the packet went to the server, and how sure that is.
func (l *Listener) serverOf(p *packet) (toServer bool, sure evidence) {
	if p.protocol == protocolTCP && p.flags&flagSYN != 0 {
		return p.flags&flagACK == 0, bySYN
	}
	if p.group {
		return true, byGroup
	}
	transport := p.ground()
	from, to := l.portEvidence(transport, p.fromPort), l.portEvidence(transport, p.toPort)
	if from != to {
		return to > from, max(from, to)
	}
	return true, byOrder
}

// ground is the transport in the words of the ground floor.
func (p *packet) ground() discovery.Transport {
	if p.protocol == protocolTCP {
		return discovery.TCP
	}
	return discovery.UDP
}

// portEvidence is what speaks for a port being a server's; byOrder when nothing does.
func (l *Listener) portEvidence(transport discovery.Transport, port uint16) evidence {
	switch {
	case len(l.protocols.at(transport, port)) > 0:
		return byProtocol
	case isServerPort(port):
		return byWellKnown
	case port < 1024:
		return byRange
	}
	return byOrder
}

// isServerPort knows the ports of servers that are met in plants, from IANA's registry and, for those that registered none, from
// their makers' manuals. Port 68 is not among them: DHCP's client answers at it, but the server is at 67.
func isServerPort(port uint16) bool {
	switch port {
	case 21, 22, 23, 25, 53, 67, 69, 80, 110, 111, 123, 135, 137, 138, 139, 143, 161, 162, 389, 443, 445, 514, 547, 587, 623, 636, 993, 995:
		return true // the services of every office
	case 1194, 1433, 1434, 1521, 1883, 1900, 3128, 3260, 3306, 3389, 3478, 3702, 5060, 5222, 5353, 5355, 5357, 5432, 5671, 5672, 5900, 5985, 5986,
		6379, 8000, 8008, 8080, 8081, 8443, 8883, 8888, 9000, 9100, 9200, 17500, 27017:
		return true // OpenVPN, databases, MQTT, SSDP, remote desktops, printers and other registered ones
	case 102, 319, 320, 502, 789, 1089, 1090, 1091, 1911, 1947, 1962, 2221, 2222, 2404, 2455, 4000, 4840, 4843, 4911, 5007, 5094, 9600, 11740, 13400,
		18245, 18246, 19999, 20000, 20547, 34962, 34963, 34964, 34980, 41100, 44818, 47808, 48898, 48899, 62541:
		return true // ISO-TSAP, PTP, Modbus, Red Lion, FF HSE, Fox, Sentinel, PCWorx, EtherNet/IP, IEC 104, CODESYS, ROC, OPC UA, SLMP, HART-IP,
		// FINS, DoIP, SRTP, DNP3, ProConOS, PROFINET, EtherCAT, BACnet, ADS
	}
	return false
}
