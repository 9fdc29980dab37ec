// Package protocols is the list of the protocols that walkdown knows, one line each.
package protocols

import (
	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/protocols/arp"
	"github.com/walkdown-ot/walkdown/discovery/protocols/lldp"
	"github.com/walkdown-ot/walkdown/discovery/protocols/modbus"
	"github.com/walkdown-ot/walkdown/discovery/protocols/opcua"
	"github.com/walkdown-ot/walkdown/discovery/protocols/snmp"
)

// All gives every protocol, in a fresh slice, sorted by name.
func All() []discovery.Protocol {
	return []discovery.Protocol{
		arp.Protocol(),
		lldp.Protocol(),
		modbus.Protocol(),
		opcua.Protocol(),
		snmp.Protocol(),
	}
}
