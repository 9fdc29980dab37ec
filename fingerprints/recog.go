package fingerprints

import (
	"encoding/xml"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"strconv"
	"strings"
	"sync"

	"github.com/walkdown-ot/walkdown/discovery"
)

// A user's folder may also hold fingerprint files of Recog (XML; github.com/rapid7/recog, BSD-2-Clause). Nothing of Recog is built
// in. What its fingerprints yield is of low to medium confidence and gives way to every answer of another rule that is more than a
// hint: their products are grouped loosely, and what they call an operating system is often the device.

// The confidences of Recog's params.
const (
	recogHardware = 0.75
	recogSystem   = 0.7
	recogService  = 0.6
)

// maxRecogFile bounds a file of Recog, in bytes; the largest has 400,000.
const maxRecogFile = 8 << 20

// recogKeys are the facts behind the names that Recog's files give, in "matches" or, where that is absent, in "protocol".
var recogKeys = map[string]discovery.Key{
	"snmp.sys_description": "snmp.sysDescr", "snmp.sys_object_id": "snmp.sysObjectID", "http_header.server": "http.server",
	"http_header.x-powered-by": "http.powered-by", "html_title": "http.title", "favicon.md5": "http.favicon-md5", "ftp.banner": "ftp.banner",
	"telnet": "telnet.banner", "telnet.banner": "telnet.banner", "ssh.banner": "ssh.server-version", "pjl": "pjl.id", "hp.pjl.id": "pjl.id",
	"rtsp_header.server": "rtsp.server", "dhcp_vendor_class": "dhcp.vendor-class", "mdns.device-info.txt": "mdns.device-info",
	"smb.native_os": "smb.native-os", "smb.native_lm": "smb.native-lan-man", "x509.subject": "tls.certificate-subject",
	"x509.issuer": "tls.certificate-issuer",
}

// recogTypes are our words for its devices; what is not here (a "Power device" may be three things) tells no type.
var recogTypes = map[string]string{
	"access point": "wireless", "wap": "wireless", "wireless access point": "wireless", "router": "router", "broadband router": "router", "switch": "switch",
	"firewall": "firewall", "printer": "printer", "multifunction device": "printer", "print server": "print-server", "web cam": "camera", "webcam": "camera",
	"ip camera": "camera", "dvr": "nvr", "nvr": "nvr", "ups": "ups", "pdu": "pdu", "plc": "plc", "hmi": "hmi", "industrial control": "plc", "kvm": "kvm",
	"lights out management": "bmc", "storage": "storage", "nas": "storage", "voip": "voip", "load balancer": "load-balancer", "console server": "console-server",
	"device server": "serial-server", "serial server": "serial-server", "environmental monitor": "environment", "building automation": "building-controller",
	"media converter": "media-converter", "time server": "time-server", "access control": "access-control",
}

// recogText is a file of Recog; what is not named here is passed over.
type recogText struct {
	XMLName      xml.Name `xml:"fingerprints"`
	Matches      string   `xml:"matches,attr"`
	Protocol     string   `xml:"protocol,attr"`
	Fingerprints []struct {
		Pattern string `xml:"pattern,attr"`
		Flags   string `xml:"flags,attr"`
		Params  []struct {
			Pos   int    `xml:"pos,attr"`
			Name  string `xml:"name,attr"`
			Value string `xml:"value,attr"`
		} `xml:"param"`
	} `xml:"fingerprint"`
}

// readRecog reads *.xml of a user's folder. Patterns that RE2 does not know (Ruby's are richer) are left out and counted; files about
// what we do not keep give no rules.
func readRecog(tree fs.FS) (rules []*rule, skipped int, err error) {
	paths, err := fs.Glob(tree, "*.xml")
	if err != nil {
		return nil, 0, fmt.Errorf("list rules: %w", err)
	}
	for _, file := range paths {
		if info, err := fs.Stat(tree, file); err == nil && info.Size() > maxRecogFile {
			return nil, 0, &MistakeError{File: file, Err: fmt.Errorf("%d bytes are too many for a file of Recog", info.Size())}
		}
		text, err := fs.ReadFile(tree, file)
		if err != nil {
			return nil, 0, fmt.Errorf("read %s: %w", file, err)
		}
		var in recogText
		if err := xml.Unmarshal(text, &in); err != nil {
			return nil, 0, &MistakeError{File: file, Err: fmt.Errorf("no file of Recog: %w", err)}
		}
		name := in.Matches
		if name == "" {
			name = in.Protocol
		}
		key, ok := recogKeys[strings.ToLower(name)]
		if !ok {
			continue
		}
		for i, f := range in.Fingerprints {
			r := &rule{id: "recog-" + strings.TrimSuffix(path.Base(file), ".xml") + "-" + strconv.Itoa(i+1), source: "Recog, as the user's " + file, file: file, weak: true}
			c, err := recogCondition(key, f.Pattern, f.Flags)
			if err != nil {
				skipped++
				continue
			}
			params := map[string]string{}
			for _, p := range f.Params {
				switch {
				case p.Pos == 0 && !strings.ContainsAny(p.Value, "{}"): // "{os.version}" is put together elsewhere
					params[p.Name] = p.Value
				case p.Pos > 0 && p.Pos <= len(c.names):
					params[p.Name] = "${" + c.names[p.Pos-1] + "}"
				}
			}
			if r.set = recogSettings(params); len(r.set) > 0 {
				r.conditions = []condition{c}
				rules = append(rules, r)
			}
		}
	}
	return rules, skipped, nil
}

// recogCondition makes a condition of a pattern. Its groups have no names there; here they are g1, g2 ...
func recogCondition(key discovery.Key, pattern, flags string) (condition, error) {
	if rest, ok := strings.CutPrefix(pattern, "^"); ok && key == "ssh.server-version" {
		pattern = `^SSH-[\d.]+-` + rest // Recog's has lost its beginning
	}
	if strings.Contains(flags, "REG_ICASE") {
		pattern = "(?i)" + pattern
	}
	if strings.Contains(flags, "REG_DOT_NEWLINE") || strings.Contains(flags, "REG_MULTILINE") {
		pattern = "(?s)" + pattern
	}
	parsed, err := parsePattern(pattern)
	if err != nil {
		return condition{}, err
	}
	c := condition{keys: []discovery.Key{key}, op: opMatch, operand: pattern, sieve: newSieve(parsed)}
	for i := range parsed.MaxCap() {
		c.names = append(c.names, "g"+strconv.Itoa(i+1))
	}
	c.re = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(pattern) })
	return c, nil
}

// recogSettings says what the params are of ours. An os.product with an os.device is the device's own firmware, not an operating
// system that others run too.
func recogSettings(params map[string]string) []setting {
	var out []setting
	put := func(key discovery.Key, template string, confidence float32) {
		if strings.TrimSpace(template) != "" {
			out = append(out, setting{key: key, template: strings.TrimSpace(template), confidence: confidence})
		}
	}
	first := func(key discovery.Key, choices ...setting) {
		for _, c := range choices {
			if c.template != "" {
				put(key, c.template, c.confidence)
				return
			}
		}
	}
	device := params["hw.device"]
	if device == "" {
		device = params["os.device"]
	}
	embedded := params["hw.product"] != "" || params["hw.device"] != "" || params["os.device"] != "" && params["os.device"] != "General"
	first(discovery.KeyVendor, setting{template: params["hw.vendor"], confidence: recogHardware},
		setting{template: onlyIf(embedded, params["os.vendor"]), confidence: recogSystem}, setting{template: params["service.vendor"], confidence: recogService})
	first(discovery.KeyModel, setting{template: params["hw.product"], confidence: recogHardware},
		setting{template: onlyIf(embedded, params["os.product"]), confidence: recogService})
	put(discovery.KeyFamily, params["hw.family"], recogService)
	put(discovery.KeySerial, params["hw.serial_number"], recogHardware)
	put(discovery.KeyName, params["host.name"], recogService)
	put(discovery.KeyType, recogTypes[strings.ToLower(device)], recogSystem)
	if embedded {
		put(discovery.KeyFirmware, params["os.version"], recogService)
	} else if params["os.product"] != "" {
		put(discovery.KeyOS, params["os.product"]+" "+params["os.version"], recogSystem)
	}
	if program := params["service.product"]; program != "" {
		put(discovery.KeySoftware, program+" "+params["service.version"], recogService)
	}
	return out
}

func onlyIf(yes bool, text string) string {
	if yes {
		return text
	}
	return ""
}
