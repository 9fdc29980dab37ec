package inventory

import (
	"slices"
	"strings"
	"unicode"
)

// What remote access is recognised by is public: the domains and ports in the makers' own firewall guides, and IANA's registry of
// ports.

// product is a way of remote access with what it is recognised by.
type product struct {
	name    string
	domains []string // of its servers: the domain itself and what lies below it
	ports   []string // "tcp/5938"
	devices []string // makers or names of its boxes, in lower case
}

// products are those that are met in plants.
func products() []product {
	return []product{
		{"TeamViewer", []string{"teamviewer.com"}, []string{"tcp/5938", "udp/5938"}, nil},
		{"AnyDesk", []string{"anydesk.com"}, []string{"tcp/6568", "tcp/7070"}, nil},
		{"RustDesk", []string{"rustdesk.com"}, []string{"tcp/21115", "tcp/21116", "udp/21116", "tcp/21117"}, nil},
		{"VNC", []string{"realvnc.com", "vnc.com"}, []string{"tcp/5900", "tcp/5901", "tcp/5902", "tcp/5903", "tcp/5800"}, nil},
		{"Remote Desktop", nil, []string{"tcp/3389", "udp/3389"}, nil},
		{"Chrome Remote Desktop", []string{"remotedesktop.google.com", "remotedesktop-pa.googleapis.com"}, nil, nil},
		{"GoTo / LogMeIn", []string{"logmein.com", "logmeinrescue.com", "gotoassist.com", "goto.com"}, nil, nil},
		{"Splashtop", []string{"splashtop.com"}, nil, nil},
		{"ScreenConnect", []string{"screenconnect.com"}, []string{"tcp/8040", "tcp/8041"}, nil},
		{"BeyondTrust", []string{"bomgar.com", "beyondtrustcloud.com"}, nil, nil},
		{"Radmin", []string{"radmin.com", "radmin-vpn.com"}, []string{"tcp/4899"}, nil},
		{"Dameware", nil, []string{"tcp/6129"}, nil},
		{"Ewon Talk2M", []string{"talk2m.com", "ewon.biz"}, nil, []string{"ewon"}},
		{"Secomea", []string{"secomea.com"}, []string{"tcp/11444"}, []string{"secomea", "sitemanager"}},
		{"mGuard Secure Cloud", []string{"mguard.com"}, nil, nil},
		{"Tosibox", []string{"tosibox.com", "tosi.net"}, nil, []string{"tosibox"}},
		{"mbCONNECT24", []string{"mbconnect24.net", "mbconnect24.us", "mbconnectline.com"}, nil, []string{"mb connect line", "mbnet", "mbspider"}},
		{"IXON", []string{"ixon.cloud", "ixon.net"}, nil, []string{"ixrouter", "ixon"}},
		{"Netbiter", []string{"netbiter.net", "netbiter.com"}, nil, []string{"netbiter"}},
		{"u-link", []string{"u-link.weidmueller.com"}, nil, nil},
		{"ZeroTier", []string{"zerotier.com"}, []string{"udp/9993"}, nil},
		{"Tailscale", []string{"tailscale.com", "tailscale.io"}, []string{"udp/41641"}, nil},
		{"WireGuard", nil, []string{"udp/51820"}, nil},
		{"OpenVPN", nil, []string{"udp/1194", "tcp/1194"}, nil},
		{"IPsec", nil, []string{"udp/500", "udp/4500"}, nil},
		{"L2TP", nil, []string{"udp/1701"}, nil},
		{"PPTP", nil, []string{"tcp/1723"}, nil},
		{"Citrix", []string{"cloud.com"}, []string{"tcp/1494", "tcp/2598"}, nil},
	}
}

// gatewayNames begin the host names of Remote Desktop gateways, which are asked by TLS on port 443.
func gatewayNames() []string { return []string{"rdgateway", "rdgw", "rdg", "tsgateway", "rdweb"} }

// clouds are operators by the domains that industrial devices reach.
func clouds() [][2]string {
	return [][2]string{
		{"amazonaws.com", "Amazon Web Services"},
		{"azure-devices.net", "Microsoft Azure IoT"},
		{"azure.com", "Microsoft Azure"},
		{"azureedge.net", "Microsoft Azure"},
		{"windows.net", "Microsoft Azure"},
		{"windowsupdate.com", "Microsoft"},
		{"microsoft.com", "Microsoft"},
		{"googleapis.com", "Google"},
		{"mindsphere.io", "Siemens Insights Hub"},
		{"siemens.cloud", "Siemens"},
		{"siemens.com", "Siemens"},
		{"rockwellautomation.com", "Rockwell Automation"},
		{"se.com", "Schneider Electric"},
		{"ability.abb", "ABB"},
		{"wago.com", "WAGO"},
		{"phoenixcontact.com", "Phoenix Contact"},
		{"proficloud.io", "Phoenix Contact Proficloud"},
		{"beckhoff.com", "Beckhoff"},
	}
}

// recogniser knows remote access and clouds by names, ports and makers.
type recogniser struct {
	domains, ports, clouds map[string]string
	gateways               []string
	devices                [][2]string // a word and its product
}

func newRecogniser() recogniser {
	r := recogniser{domains: map[string]string{}, ports: map[string]string{}, clouds: map[string]string{}, gateways: gatewayNames()}
	for _, p := range products() {
		for _, domain := range p.domains {
			r.domains[domain] = p.name
		}
		for _, port := range p.ports {
			r.ports[port] = p.name
		}
		for _, word := range p.devices {
			r.devices = append(r.devices, [2]string{word, p.name})
		}
	}
	for _, c := range clouds() {
		r.clouds[c[0]] = c[1]
	}
	return r
}

// byName is the product that a host name belongs to, or nothing.
func (r recogniser) byName(name string) string {
	if p := below(r.domains, name); p != "" {
		return p
	}
	host, _, dotted := strings.Cut(name, ".")
	if dotted && slices.Contains(r.gateways, strings.TrimRight(host, "0123456789")) {
		return "Remote Desktop Gateway"
	}
	return ""
}

// cloud is the operator of the cloud that a name belongs to, or nothing.
func (r recogniser) cloud(name string) string { return below(r.clouds, name) }

// below is what stands for the domain that a name is or lies below. A wildcard of a certificate lies below its domain.
func below(domains map[string]string, name string) string {
	for {
		if found := domains[name]; found != "" {
			return found
		}
		_, rest, ok := strings.Cut(name, ".")
		if !ok {
			return ""
		}
		name = rest
	}
}

// byPort is the product that a port belongs to, unless a protocol was recognised there that is another's.
func (r recogniser) byPort(where, protocol string) string {
	switch protocol {
	case "", "tls", "http", "vnc", "rdp":
		return r.ports[where]
	}
	return ""
}

// byDevice is the product that a maker or a name of a box belongs to, or nothing. The word must begin a word.
func (r recogniser) byDevice(text string) string {
	text = strings.ToLower(text)
	for _, d := range r.devices {
		if at := strings.Index(text, d[0]); at == 0 || at > 0 && !unicode.IsLetter(rune(text[at-1])) {
			return d[1]
		}
	}
	return ""
}

// of recognises a product by the names of the peer, else by the port, and says by what.
func (r recogniser) of(names []string, where, protocol string) (product, why string) {
	for _, n := range names {
		if p := r.byName(n); p != "" {
			return p, "its name is " + n
		}
	}
	if p := r.byPort(where, protocol); p != "" {
		return p, where + " is its port"
	}
	return "", ""
}
