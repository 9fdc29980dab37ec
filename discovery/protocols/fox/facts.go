package fox

import (
	"fmt"
	"strings"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
)

// The keys, named by the fields of the hello.
const (
	KeyVersion     discovery.Key = "fox.version"
	KeyHostName    discovery.Key = "fox.host-name"
	KeyHostAddress discovery.Key = "fox.host-address"
	KeyAppName     discovery.Key = "fox.app-name" // "Station", "Workbench"
	KeyAppVersion  discovery.Key = "fox.app-version"
	KeyVMName      discovery.Key = "fox.vm-name"
	KeyVMVersion   discovery.Key = "fox.vm-version"
	KeyOSName      discovery.Key = "fox.os-name" // "QNX"
	KeyOSVersion   discovery.Key = "fox.os-version"
	KeyStationName discovery.Key = "fox.station-name"
	KeyTimeZone    discovery.Key = "fox.time-zone" // its name alone
	KeyHostID      discovery.Key = "fox.host-id"   // of the licence: "Qnx-NPM2-0000-12EA-1234"
	KeyBrandID     discovery.Key = "fox.brand-id"  // who sells it: "vykon"
)

func keys() []discovery.Key {
	return []discovery.Key{
		KeyVersion, KeyHostName, KeyHostAddress, KeyAppName, KeyAppVersion, KeyVMName, KeyVMVersion, KeyOSName, KeyOSVersion, KeyStationName,
		KeyTimeZone, KeyHostID, KeyBrandID,
	}
}

// fieldKey is the key of a field; "" for one that tells nothing of the device.
func fieldKey(field string) discovery.Key {
	switch field {
	case "fox.version":
		return KeyVersion
	case "hostName":
		return KeyHostName
	case "hostAddress":
		return KeyHostAddress
	case "app.name":
		return KeyAppName
	case "app.version":
		return KeyAppVersion
	case "vm.name":
		return KeyVMName
	case "vm.version":
		return KeyVMVersion
	case "os.name":
		return KeyOSName
	case "os.version":
		return KeyOSVersion
	case "station.name":
		return KeyStationName
	case "timeZone":
		return KeyTimeZone
	case "hostId":
		return KeyHostID
	case "brandId":
		return KeyBrandID
	}
	return ""
}

// Protocol is Fox, both faces.
func Protocol() discovery.Protocol {
	return discovery.Protocol{
		Name:     "fox",
		Title:    "Niagara Fox",
		Standard: "not published; the hello by what stations are known to say",
		Hears:    "names, versions, system and brand of Niagara stations and of the tools that connect to them",
		Keys:     keys(),
		Ports:    []discovery.Port{{Transport: discovery.TCP, Number: Port}, {Transport: discovery.TCP, Number: 3011}},
		Claims:   claims,
		Decode:   func(discovery.Flow) discovery.Decoder { return &conversation{} },
		Asker:    asker(),
	}
}

// conversation waits for the hello of each side.
type conversation struct {
	done [2]bool
	told bool
}

// Feed reads one message, until the side has said hello.
func (c *conversation) Feed(side discovery.Side, t time.Time, b []byte, gap int, out discovery.Sink) (int, error) {
	if c.done[side] || gap > 0 && !claims(b) {
		c.done[side] = true // it has passed
		return len(b), nil
	}
	n, err := length(b)
	if err != nil {
		c.done[side] = true
		if !c.told {
			err = fmt.Errorf("%w: %w", discovery.ErrNotMine, err)
		}
		return len(b), fmt.Errorf("read message: %w", err)
	}
	if n == 0 {
		return 0, nil
	}
	fields := hello(b[:n])
	if fields == nil {
		return n, nil
	}
	c.done[side], c.told = true, true
	if facts := facts(fields); len(facts) > 0 {
		out.Observe(discovery.Observation{Time: t, Facts: facts})
	}
	return n, nil
}

// ourselves is what the asker says that its application is: whoever says it is no part of the plant.
const ourselves = "walkdown"

// facts are those of a hello, each key once.
func facts(fields [][2]string) []discovery.Fact {
	var out []discovery.Fact
	seen := map[discovery.Key]bool{}
	for _, field := range fields {
		key, value := fieldKey(field[0]), field[1]
		if key == KeyAppName && value == ourselves {
			return nil
		}
		if key == KeyTimeZone {
			value, _, _ = strings.Cut(value, ";") // behind the name stand its rules
		}
		if key != "" && value != "" && !seen[key] {
			seen[key] = true
			out = append(out, discovery.NewFact(key, value))
		}
	}
	return out
}
