package ads

import (
	"fmt"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
)

const name = "ads"

// The keys.
const (
	KeyNetID discovery.Key = "ads.net-id" // "5.13.117.96.1.1"
	// KeyDeviceName and the version are of one ADS server: the path is endpoint=ads:NETID:PORT.
	KeyDeviceName    discovery.Key = "ads.device-name"    // "PLC Server"
	KeyDeviceVersion discovery.Key = "ads.device-version" // "2.11.2103"
	// KeyHostName, the version of TwinCAT and that of the operating system are of the host.
	KeyHostName       discovery.Key = "ads.host-name"       // "CX_0D7560"
	KeyTwinCATVersion discovery.Key = "ads.twincat-version" // "2.11.2228"
	KeySystemVersion  discovery.Key = "ads.system-version"  // "Windows CE 6.0"
)

// Protocol is ADS, both faces.
func Protocol() discovery.Protocol {
	return discovery.Protocol{
		Name:     name,
		Title:    "Beckhoff ADS",
		Standard: "Beckhoff Information System, TwinCAT ADS (AMS/TCP); discovery datagrams by capture",
		Hears:    "names and versions of TwinCAT controllers and the ADS servers in them, NetIds, and whether clients read, write or control",
		Keys:     []discovery.Key{KeyNetID, KeyDeviceName, KeyDeviceVersion, KeyHostName, KeyTwinCATVersion, KeySystemVersion},
		Ports:    []discovery.Port{{Transport: discovery.TCP, Number: portTCP}, {Transport: discovery.UDP, Number: portUDP}},
		Claims:   claims,
		Decode: func(f discovery.Flow) discovery.Decoder {
			if f.Transport == discovery.UDP {
				return discovery.Stateless(searched)(f)
			}
			return &conversation{flow: f}
		},
		Asker: asker(),
	}
}

// endpoint names an ADS server: the one at a port of a router, which need not be the host's own (those of field buses differ).
func endpoint(id netID, port uint16) string { return fmt.Sprintf("%s:%s:%d", name, id, port) }

func tellNetID(t time.Time, id netID, out discovery.Sink) {
	out.Observe(discovery.Observation{Time: t, Facts: []discovery.Fact{discovery.NewFact(KeyNetID, id.String())}})
}

// tellInfo tells of one server. The system service's version is that of TwinCAT.
func tellInfo(about discovery.Subject, t time.Time, p packet, i info, out discovery.Sink) {
	named := discovery.NewFact(KeyDeviceName, i.name)
	if named.Value == "" {
		return
	}
	if p.port == systemService {
		out.Observe(discovery.Observation{Time: t, Subject: about, Facts: []discovery.Fact{discovery.NewFact(KeyTwinCATVersion, i.version.String())}})
	}
	out.Observe(discovery.Observation{
		Time: t, Subject: about.At(discovery.PathEndpoint, endpoint(p.source, p.port)),
		Facts: []discovery.Fact{named, discovery.NewFact(KeyDeviceVersion, i.version.String())},
	})
}

// searched tells what an answer to a search says of its sender.
func searched(_ discovery.Flow, _ discovery.Side, t time.Time, b []byte, out discovery.Sink) error {
	h, err := parseSearch(b)
	if h == nil {
		return err
	}
	facts := []discovery.Fact{discovery.NewFact(KeyNetID, h.id.String())}
	for _, f := range [...]struct {
		key   discovery.Key
		value string
	}{{KeyHostName, h.name}, {KeySystemVersion, h.system}} {
		if fact := discovery.NewFact(f.key, f.value); fact.Value != "" {
			facts = append(facts, fact)
		}
	}
	if h.twinCAT != (version{}) {
		facts = append(facts, discovery.NewFact(KeyTwinCATVersion, h.twinCAT.String()))
	}
	out.Observe(discovery.Observation{Time: t, Facts: facts})
	return err
}
