// Package protocols is the list of the protocols that walkdown knows, one line each.
package protocols

import (
	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/protocols/ads"
	"github.com/walkdown-ot/walkdown/discovery/protocols/arp"
	"github.com/walkdown-ot/walkdown/discovery/protocols/bacnet"
	"github.com/walkdown-ot/walkdown/discovery/protocols/browser"
	"github.com/walkdown-ot/walkdown/discovery/protocols/cdp"
	"github.com/walkdown-ot/walkdown/discovery/protocols/codesys2"
	"github.com/walkdown-ot/walkdown/discovery/protocols/dhcp"
	"github.com/walkdown-ot/walkdown/discovery/protocols/dnp3"
	"github.com/walkdown-ot/walkdown/discovery/protocols/dns"
	"github.com/walkdown-ot/walkdown/discovery/protocols/enip"
	"github.com/walkdown-ot/walkdown/discovery/protocols/fins"
	"github.com/walkdown-ot/walkdown/discovery/protocols/fox"
	"github.com/walkdown-ot/walkdown/discovery/protocols/ftp"
	"github.com/walkdown-ot/walkdown/discovery/protocols/goose"
	"github.com/walkdown-ot/walkdown/discovery/protocols/hartip"
	"github.com/walkdown-ot/walkdown/discovery/protocols/http"
	"github.com/walkdown-ot/walkdown/discovery/protocols/iec104"
	"github.com/walkdown-ot/walkdown/discovery/protocols/knx"
	"github.com/walkdown-ot/walkdown/discovery/protocols/lldp"
	"github.com/walkdown-ot/walkdown/discovery/protocols/llmnr"
	"github.com/walkdown-ot/walkdown/discovery/protocols/mdns"
	"github.com/walkdown-ot/walkdown/discovery/protocols/mms"
	"github.com/walkdown-ot/walkdown/discovery/protocols/modbus"
	"github.com/walkdown-ot/walkdown/discovery/protocols/mqtt"
	"github.com/walkdown-ot/walkdown/discovery/protocols/nbns"
	"github.com/walkdown-ot/walkdown/discovery/protocols/nd"
	"github.com/walkdown-ot/walkdown/discovery/protocols/opcua"
	"github.com/walkdown-ot/walkdown/discovery/protocols/pcworx"
	"github.com/walkdown-ot/walkdown/discovery/protocols/profinet"
	"github.com/walkdown-ot/walkdown/discovery/protocols/s7"
	"github.com/walkdown-ot/walkdown/discovery/protocols/slmp"
	"github.com/walkdown-ot/walkdown/discovery/protocols/smb"
	"github.com/walkdown-ot/walkdown/discovery/protocols/snmp"
	"github.com/walkdown-ot/walkdown/discovery/protocols/srtp"
	"github.com/walkdown-ot/walkdown/discovery/protocols/ssdp"
	"github.com/walkdown-ot/walkdown/discovery/protocols/ssh"
	"github.com/walkdown-ot/walkdown/discovery/protocols/telnet"
	"github.com/walkdown-ot/walkdown/discovery/protocols/tls"
)

// All gives every protocol, in a fresh slice, sorted by name.
func All() []discovery.Protocol {
	return []discovery.Protocol{
		ads.Protocol(),
		arp.Protocol(),
		bacnet.Protocol(),
		browser.Protocol(),
		cdp.Protocol(),
		codesys2.Protocol(),
		dhcp.Protocol(),
		dnp3.Protocol(),
		dns.Protocol(),
		enip.Protocol(),
		fins.Protocol(),
		fox.Protocol(),
		ftp.Protocol(),
		goose.Protocol(),
		hartip.Protocol(),
		http.Protocol(),
		iec104.Protocol(),
		knx.Protocol(),
		lldp.Protocol(),
		llmnr.Protocol(),
		mdns.Protocol(),
		mms.Protocol(),
		modbus.Protocol(),
		mqtt.Protocol(),
		nbns.Protocol(),
		nd.Protocol(),
		opcua.Protocol(),
		pcworx.Protocol(),
		profinet.Protocol(),
		s7.Protocol(),
		slmp.Protocol(),
		smb.Protocol(),
		snmp.Protocol(),
		srtp.Protocol(),
		ssdp.Protocol(),
		ssh.Protocol(),
		telnet.Protocol(),
		tls.Protocol(),
	}
}
