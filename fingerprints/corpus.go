package fingerprints

import (
	"encoding/json"
	"fmt"
	"html"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/walkdown-ot/walkdown/discovery"
)

// corpusLine is what is read of a line of the corpus format: the protocol that the words came over, and the words. Other keys,
// the right answers above all, are not looked at.
type corpusLine struct {
	Via   string                     `json:"via"`
	Given map[string]json.RawMessage `json:"given"`
}

// maxCorpusFacts bounds the facts of one line.
const maxCorpusFacts = 512

// ParseCorpusLine turns a line {"via": PROTOCOL, "given": {...}} into facts under the keys that the protocol's own room would
// use. A protocol that is not known gives no facts and no error; what is no such line is an error.
func ParseCorpusLine(line []byte) ([]discovery.Fact, error) {
	var in corpusLine
	if err := json.Unmarshal(line, &in); err != nil {
		return nil, fmt.Errorf("parse line of facts: %w", err)
	}
	f := facts{}
	switch in.Via {
	case "snmp":
		f.snmp(in.Given)
	case "modbus":
		f.modbus(in.Given)
	case "opcua":
		f.opcua(in.Given)
	case "lldp":
		f.lldp(in.Given)
	case "s7":
		f.s7(in.Given)
	case "profinet":
		f.profinet(in.Given, "profinet.")
	case "im0":
		f.profinet(in.Given, "profinet.im-")
	case "profinet-cm":
		f.annotation(text(in.Given["annotation"]))
	case "bacnet":
		f.named("bacnet.", in.Given, map[string]string{"application_software": "application-software-version"})
	case "http":
		f.http(in.Given)
	case "ssh":
		f.named("ssh.", in.Given, map[string]string{"banner": "server-version"})
	case "tls":
		f.named("tls.certificate-", in.Given, nil)
	default:
		f.plain(in.Via, in.Given)
	}
	return f.list, nil
}

// facts collects.
type facts struct{ list []discovery.Fact }

func (f *facts) add(key, value string) {
	fact := discovery.NewFact(discovery.Key(key), value)
	if fact.Value != "" && len(f.list) < maxCorpusFacts {
		f.list = append(f.list, fact)
	}
}

func (f *facts) snmp(given map[string]json.RawMessage) {
	for _, name := range []string{"sysDescr", "sysObjectID", "sysName", "sysContact", "sysLocation", "ifDescr", "prtGeneralPrinterName", "prtGeneralSerialNumber"} {
		f.add("snmp."+name, text(given[name]))
	}
	for _, descr := range texts(given["hrDeviceDescr"]) {
		f.add("snmp.hrDeviceDescr", descr)
	}
	ups := object(given["upsIdent"])
	for _, name := range [][2]string{
		{"manufacturer", "upsIdentManufacturer"},
		{"model", "upsIdentModel"},
		{"upsSoftware", "upsIdentUPSSoftwareVersion"},
		{"agentSoftware", "upsIdentAgentSoftwareVersion"},
		{"name", "upsIdentName"},
	} {
		f.add("snmp."+name[1], text(ups[name[0]]))
	}
	f.entity(given["entPhysical"])
	private := object(given["private"])
	for _, oid := range sortedKeys(private) {
		f.add("snmp."+oid, text(private[oid]))
	}
}

// entity takes the row of ENTITY-MIB that stands for the whole device: the first chassis, else the first stack, else the first.
func (f *facts) entity(raw json.RawMessage) {
	var rows []map[string]json.RawMessage
	if json.Unmarshal(raw, &rows) != nil || len(rows) == 0 {
		return
	}
	whole := rows[0]
	for _, class := range []string{"stack", "chassis"} { // the later one found is the better
		if i := slices.IndexFunc(rows, func(row map[string]json.RawMessage) bool { return text(row["class"]) == class }); i >= 0 {
			whole = rows[i]
		}
	}
	for _, name := range [][2]string{
		{"descr", "Descr"},
		{"class", "Class"},
		{"name", "Name"},
		{"hw", "HardwareRev"},
		{"fw", "FirmwareRev"},
		{"sw", "SoftwareRev"},
		{"serial", "SerialNum"},
		{"mfg", "MfgName"},
		{"model", "ModelName"},
	} {
		f.add("snmp.entPhysical"+name[1], text(whole[name[0]]))
	}
}

func (f *facts) modbus(given map[string]json.RawMessage) {
	objects := object(given["objects"])
	for id, name := range []string{"vendor-name", "product-code", "major-minor-revision", "vendor-url", "product-name", "model-name", "user-application-name"} {
		f.add("modbus."+name, text(objects[strconv.Itoa(id)]))
	}
	f.add("modbus.server-id", text(given["slave_id_data"]))
}

func (f *facts) opcua(given map[string]json.RawMessage) {
	build := object(given["BuildInfo"])
	for _, name := range [][2]string{
		{"ProductName", "product-name"},
		{"ProductUri", "build-product-uri"},
		{"ManufacturerName", "manufacturer-name"},
		{"SoftwareVersion", "software-version"},
		{"BuildNumber", "build-number"},
		{"BuildDate", "build-date"},
	} {
		f.add("opcua."+name[1], text(build[name[0]]))
	}
	for _, name := range [][2]string{
		{"ApplicationUri", "application-uri"},
		{"ProductUri", "product-uri"},
		{"ApplicationName", "application-name"},
		{"ProductName", "product-name"},
		{"ManufacturerName", "manufacturer-name"},
		{"SoftwareVersion", "software-version"},
	} {
		f.add("opcua."+name[1], text(given[name[0]]))
	}
	for _, uri := range texts(given["NamespaceArray"]) {
		f.add("opcua.namespace", uri)
	}
}

func (f *facts) lldp(given map[string]json.RawMessage) {
	f.add("lldp.system-description", text(given["sysDescr"]))
	f.add("lldp.system-name", text(given["sysName"]))
	f.add("lldp.chassis-id", text(given["chassisId"]))
	med := object(given["med"])
	for _, name := range [][2]string{
		{"hardware", "hardware"},
		{"hw", "hardware"},
		{"firmware", "firmware"},
		{"fw", "firmware"},
		{"software", "software"},
		{"sw", "software"},
		{"serial", "serial"},
		{"manufacturer", "manufacturer"},
		{"mfg", "manufacturer"},
		{"model", "model"},
	} {
		f.add("lldp.med-"+name[1], text(med[name[0]]))
	}
}

// s7 takes the system status lists 0011 (modules) and 001C (components) by the index in front of each name.
func (f *facts) s7(given map[string]json.RawMessage) {
	for _, list := range []struct {
		name string
		keys map[string]string
	}{
		{"szl_0011", map[string]string{"0001": "order-number", "0006": "hardware-order-number", "0007": "firmware-version", "0081": "firmware-extension"}},
		{"szl_001c", map[string]string{
			"0001": "plc-name", "0002": "module-name", "0003": "plant", "0004": "copyright", "0005": "serial-number", "0007": "module-type-name",
		}},
	} {
		rows := object(given[list.name])
		for _, row := range sortedKeys(rows) {
			if key := list.keys[row[:min(4, len(row))]]; key != "" {
				f.add("s7."+key, text(rows[row]))
			}
		}
	}
}

// profinet takes the blocks of DCP, or the fields of an I&M record; ids are spelt in lower case.
func (f *facts) profinet(given map[string]json.RawMessage, prefix string) {
	for _, name := range sortedKeys(given) {
		value := text(given[name])
		switch name {
		case "vendor_id", "device_id", "manufacturer_id":
			value = strings.ToLower(value)
		}
		f.add(prefix+kebab(strings.Replace(name, "manufacturer", "vendor", 1)), value)
	}
}

// annotation takes the columns of an endpoint mapper's annotation apart (IEC 61158-6-10): device type in 25 places, order id in
// 20, hardware revision in 5, each with a blank behind, then the software revision: a letter and three numbers.
func (f *facts) annotation(whole string) {
	f.add("profinet.epm-annotation", whole)
	if len(whole) < 53 {
		return
	}
	f.add("profinet.epm-device-type", whole[:25])
	f.add("profinet.epm-order-id", whole[26:46])
	f.add("profinet.epm-hardware-revision", whole[47:52])
	f.add("profinet.epm-software-revision", strings.TrimSpace(whole[53:54])+strings.Join(strings.Fields(whole[54:]), "."))
}

func (f *facts) http(given map[string]json.RawMessage) {
	headers := object(given["headers"])
	for _, name := range sortedKeys(headers) {
		value := text(headers[name])
		switch strings.ToLower(name) {
		case "server":
			f.add("http.server", value)
		case "x-powered-by":
			f.add("http.powered-by", value)
		case "www-authenticate":
			if _, quoted, ok := strings.Cut(value, `realm="`); ok {
				realm, _, _ := strings.Cut(quoted, `"`)
				f.add("http.realm", realm)
			}
		}
	}
	f.add("http.title", html.UnescapeString(text(given["title"])))
	f.add("http.favicon-md5", text(given["favicon_md5"]))
}

// named is plain under a prefix, with some names changed.
func (f *facts) named(prefix string, given map[string]json.RawMessage, renamed map[string]string) {
	for _, name := range sortedKeys(given) {
		key := renamed[name]
		if key == "" {
			key = kebab(name)
		}
		f.add(prefix+key, text(given[name]))
	}
}

// plain is every other protocol: each field becomes a fact of its own, named after the field; one level of nesting is joined by
// a dash.
func (f *facts) plain(via string, given map[string]json.RawMessage) {
	for _, name := range sortedKeys(given) {
		if inner := object(given[name]); len(inner) > 0 {
			for _, sub := range sortedKeys(inner) {
				f.add(via+"."+kebab(name+"-"+sub), text(inner[sub]))
			}
			continue
		}
		for _, value := range texts(given[name]) {
			f.add(via+"."+kebab(name), value)
		}
	}
}

// kebab spells a field's name as keys do: vendor_id and vendorId become vendor-id.
func kebab(name string) string {
	var out strings.Builder
	lower := false
	for _, r := range name {
		if unicode.IsUpper(r) && lower {
			out.WriteByte('-')
		}
		lower = unicode.IsLower(r)
		if r == '_' {
			r = '-'
		}
		out.WriteRune(unicode.ToLower(r))
	}
	return out.String()
}

// text reads a string, or a number as its digits; anything else is empty.
func text(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return s
	}
	var n json.Number
	if json.Unmarshal(raw, &n) == nil {
		return n.String()
	}
	return ""
}

// texts reads a list of strings, or a single one.
func texts(raw json.RawMessage) []string {
	var list []json.RawMessage
	if json.Unmarshal(raw, &list) != nil {
		return []string{text(raw)}
	}
	var out []string
	for _, item := range list {
		out = append(out, text(item))
	}
	return out
}

func object(raw json.RawMessage) map[string]json.RawMessage {
	var out map[string]json.RawMessage
	_ = json.Unmarshal(raw, &out) // what is no object has no fields
	return out
}

func sortedKeys(m map[string]json.RawMessage) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}
