package inventory

import (
	"fmt"
	"slices"
	"strings"
)

// Roles is what an asset does in the conversations that were overheard: which others it asks and is asked by, by protocol. What
// walkdown itself asked does not count.
type Roles struct {
	Asks   map[string]int // protocol: how many servers
	Serves map[string]int // protocol: how many clients
}

// Proposal is where an asset seems to belong, for a person to accept. Empty fields: nothing speaks for any.
type Proposal struct {
	Level  string // of the Purdue model: "0" the process, "1" control, "2" supervision, "3" site operations, "3.5" the way out
	Type   string // device type by what it does, where its identity has none
	Reason string // in words
}

// controlProtocols are those that controllers are supervised and programmed by.
func controlProtocols() []string {
	return []string{"modbus", "s7", "s7plus", "enip", "profinet", "fins", "slmp", "ads", "dnp3", "iec104", "mms", "srtp", "umas", "pcworx", "codesys2", "hartip"}
}

func isControl(protocol string) bool { return slices.Contains(controlProtocols(), protocol) }

// RoleProtocols are the protocols of the conversations that Propose looks at; it needs to know of no other.
func RoleProtocols() []string { return append(controlProtocols(), "opcua") }

// many is from how many controllers on a client supervises them: a controller that exchanges data with others has few peers.
const many = 3

// Propose tells the level that an asset belongs to, and the type of one that no rule knows: from its type, the protocols that it
// speaks and its role in the conversations. Infrastructure carries the traffic of several levels and gets none.
func Propose(a Asset, r Roles) Proposal {
	if a.Role == "sensor" {
		return Proposal{}
	}
	asked, asking := controlled(r.Asks)
	serving, served := controlled(r.Serves)
	p := byType(a.Type)
	switch {
	case p.Level != "":
		if isSupervisor(a.Type) && asked > 0 {
			p.Reason += fmt.Sprintf("; it asks %s over %s", controllers(asked), asking)
		}
		return p
	case a.Type != "" && !isComputer(a.Type):
		return Proposal{}
	case asked > 0 && r.Serves["opcua"] > 0:
		p = Proposal{Level: "3", Type: "historian", Reason: fmt.Sprintf("it asks %s over %s and serves OPC UA to %s: a historian or a gateway", controllers(asked), asking, clients(r.Serves["opcua"]))}
		if asked < many {
			p.Type = "gateway"
		}
	case asked >= many && serving == 0:
		p = Proposal{Level: "2", Type: "scada-server", Reason: fmt.Sprintf("it asks %s over %s and is asked by none: it supervises them", controllers(asked), asking)}
	case asked > 0 && serving == 0:
		p = Proposal{Level: "2", Type: "hmi", Reason: fmt.Sprintf("it asks %s over %s and is asked by none: a panel or an engineering station", controllers(asked), asking)}
	case serving > 0 && a.Type == "":
		p = Proposal{Level: "1", Reason: fmt.Sprintf("it answers %s over %s: a controller or a field device", clients(serving), served)}
	case r.Asks["opcua"] > 0:
		p = Proposal{Level: "3", Reason: fmt.Sprintf("it asks %d OPC UA servers and no controller", r.Asks["opcua"])}
	case a.Type == "" && slices.ContainsFunc(a.Protocols, isControl):
		p = Proposal{Level: "1", Reason: "it speaks " + strings.Join(slices.DeleteFunc(slices.Clone(a.Protocols), func(p string) bool { return !isControl(p) }), ", ")}
	case a.Type == "" && slices.Contains(a.Protocols, "bacnet"):
		p = Proposal{Level: "1", Reason: "it speaks bacnet"}
	}
	if a.Type != "" {
		p.Type = ""
	}
	return p
}

// LooksAtRoles reports whether Propose needs the roles of an asset: not where its type says all.
func LooksAtRoles(a Asset) bool {
	if a.Role == "sensor" {
		return false
	}
	if byType(a.Type).Level != "" {
		return isSupervisor(a.Type)
	}
	return a.Type == "" || isComputer(a.Type)
}

// byType is the level of devices whose type says it.
func byType(kind string) Proposal {
	level, what := "", ""
	switch kind {
	case "sensor", "actuator":
		level, what = "0", "it touches the process itself"
	case "plc", "rtu", "safety-controller", "ied", "robot", "cnc", "building-controller", "hvac":
		level, what = "1", "it controls"
	case "remote-io", "drive", "comm-module", "power-meter", "identification":
		level, what = "1", "it belongs to a controller"
	case "hmi", "engineering-workstation", "scada-server":
		level, what = "2", "it supervises controllers"
	case "historian":
		level, what = "3", "it gathers the data of the site"
	case "remote-access", "cellular-router":
		level, what = "3.5", "it is a way in from outside"
	default:
		return Proposal{}
	}
	return Proposal{Level: level, Reason: "its type is " + kind + ": " + what}
}

func isSupervisor(kind string) bool {
	return kind == "hmi" || kind == "engineering-workstation" || kind == "scada-server" || kind == "historian"
}

// isComputer reports whether a type says only that it is a computer, which may do anything.
func isComputer(kind string) bool {
	switch kind {
	case "server", "workstation", "hypervisor", "appliance", "other":
		return true
	}
	return false
}

// controlled counts the peers over control protocols, and names these. A peer that is met over two counts twice where only one
// number is known, so the largest is taken.
func controlled(peers map[string]int) (n int, over string) {
	var names []string
	for protocol, count := range peers {
		if isControl(protocol) && count > 0 {
			names = append(names, protocol)
			n = max(n, count)
		}
	}
	slices.Sort(names)
	return n, strings.Join(names, ", ")
}

func controllers(n int) string {
	if n == 1 {
		return "one controller"
	}
	return fmt.Sprintf("%d controllers", n)
}

func clients(n int) string {
	if n == 1 {
		return "one client"
	}
	return fmt.Sprintf("%d clients", n)
}
