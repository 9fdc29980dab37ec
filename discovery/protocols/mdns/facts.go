package mdns

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/wire/dns"
)

// The keys.
const (
	KeyHostName   discovery.Key = "mdns.host-name"   // "plc-7.local"
	KeyAddress    discovery.Key = "mdns.address"     // another address of the same host
	KeyService    discovery.Key = "mdns.service"     // type, port and instance: "_http._tcp 80 Press 3"
	KeyInstance   discovery.Key = "mdns.instance"    // the whole name of a service instance
	KeyDeviceInfo discovery.Key = "mdns.device-info" // a string of the _device-info record: "model=MacBookPro14,3"
	KeyText       discovery.Key = "mdns.txt"         // a string of another service that names a product: "_ipp._tcp ty=..."
	KeyCPU        discovery.Key = "mdns.hinfo-cpu"
	KeyOS         discovery.Key = "mdns.hinfo-os"
)

// Protocol is mDNS, both faces.
func Protocol() discovery.Protocol {
	return discovery.Protocol{
		Name:     "mdns",
		Title:    "mDNS and DNS-SD",
		Standard: "RFC 6762, RFC 6763",
		Hears:    "host names, announced services with their ports, model and version in their text records",
		Keys:     []discovery.Key{KeyHostName, KeyAddress, KeyService, KeyInstance, KeyDeviceInfo, KeyText, KeyCPU, KeyOS},
		Ports:    []discovery.Port{{Transport: discovery.UDP, Number: Port}},
		Decode:   func(f discovery.Flow) discovery.Decoder { return &decoder{flow: f} },
		Asker:    asker(),
	}
}

// tell goes through the records.
func (a *announcement) tell() {
	for _, r := range a.records {
		switch r.Type {
		case dns.A, dns.AAAA:
			if ip, ok := r.IP(); ok {
				a.tellAddress(r.Name, ip)
			}
		case dns.PTR:
			if target, err := r.Target(); err == nil {
				a.tellPointer(r.Name, target)
			}
		case dns.SRV:
			a.tellService(r)
		case dns.TXT:
			a.tellTexts(r)
		case dns.HINFO:
			a.tellHost(r)
		}
	}
}

// tellAddress names the host whose address it is. Some name their service instances so too, which is no host name.
func (a *announcement) tellAddress(owner dns.Name, ip netip.Addr) {
	if ip.IsUnspecified() || ip.IsMulticast() || isService(owner) {
		return
	}
	switch {
	case a.isOwn(ip):
		a.say(discovery.Subject{}, KeyHostName, owner.String())
	case a.isOwnHost(owner.Fold()):
		a.say(discovery.Subject{}, KeyAddress, ip.String())
	case a.whole:
		a.say(discovery.Subject{IP: ip}, KeyHostName, owner.String())
	}
}

// tellPointer reads the answer to a reverse look-up, or to the question for the instances of a service (RFC 6763 section 4.1).
func (a *announcement) tellPointer(owner, target dns.Name) {
	if ip, ok := owner.ReverseAddr(); ok {
		a.tellAddress(target, ip)
		return
	}
	if instance, _, ok := splitInstance(target); !ok || instance == "" {
		return // a list of service types
	}
	if about, ok := a.placeInstance(target); ok {
		a.say(about, KeyInstance, target.String())
	}
}

// tellService tells what listens where. Port 0 announces that the service is not offered (the flagship names of printers).
func (a *announcement) tellService(r dns.Record) {
	instance, service, ok := splitInstance(r.Name)
	if !ok || r.Port() == 0 {
		return
	}
	if about, ok := a.placeInstance(r.Name); ok {
		a.say(about, KeyService, fmt.Sprintf("%s %d %s", service, r.Port(), instance))
	}
}

// maxTexts bounds the strings of one record.
const maxTexts = 64

// tellTexts reads the strings of a service instance, each "key=value" (RFC 6763 section 6).
func (a *announcement) tellTexts(r dns.Record) {
	_, service, ok := splitInstance(r.Name)
	if !ok {
		return
	}
	about, ok := a.placeInstance(r.Name)
	if !ok {
		return
	}
	texts := r.Texts()
	for _, text := range texts[:min(len(texts), maxTexts)] {
		key, value, _ := strings.Cut(string(text), "=")
		switch {
		case strings.TrimSpace(value) == "":
		case strings.HasPrefix(service, "_device-info."):
			a.say(about, KeyDeviceInfo, string(text))
		case isNameplate(key):
			a.say(about, KeyText, service+" "+string(text))
		}
	}
}

// isNameplate knows the keys under which services tell what they run on: printers (Bonjour Printing Specification 1.2.1: ty,
// product, usb_MFG, usb_MDL, mac), HomeKit and Google Cast (md), AirPlay (model, srcvers), cameras and devices of automation.
func isNameplate(key string) bool {
	switch strings.ToLower(key) {
	case "ty", "product", "usb_mfg", "usb_mdl", "mfg", "mdl", "md", "model", "modelname", "am", "manufacturer", "vendor", "productname",
		"serial", "serialnumber", "sn", "mac", "macaddress", "version", "srcvers", "fw", "firmware", "fwversion", "fv", "hw", "hardware",
		"hostname", "devicetype", "ordernumber":
		return true
	}
	return false
}

// tellHost reads the processor and the system of a host (RFC 1035 section 3.3.2).
func (a *announcement) tellHost(r dns.Record) {
	texts := r.Texts()
	about, ok := a.placeHost(r.Name.Fold())
	if !ok || len(texts) != 2 {
		return
	}
	a.say(about, KeyCPU, string(texts[0]))
	a.say(about, KeyOS, string(texts[1]))
}

// splitInstance takes the name of a service instance apart: its own name, and the type "_app._proto" (RFC 6763 section 4.1). The
// name is empty for the type itself.
func splitInstance(name dns.Name) (instance, service string, ok bool) {
	labels := name.Labels()
	for i, label := range labels {
		if !strings.HasPrefix(label, "_") {
			continue
		}
		if i+1 == len(labels) || !strings.EqualFold(labels[i+1], "_tcp") && !strings.EqualFold(labels[i+1], "_udp") {
			return "", "", false
		}
		return strings.Join(labels[:i], "."), label + "." + labels[i+1], true
	}
	return "", "", false
}

func isService(name dns.Name) bool {
	_, _, ok := splitInstance(name)
	return ok
}
