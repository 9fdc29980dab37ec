package inventory

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"
)

// Gap is something that is not known of an asset, and what would close it.
type Gap struct {
	Field    string `json:"field"` // its name in the JSON contract, or that of the human field
	Title    string `json:"title"`
	Priority string `json:"priority,omitempty"` // of the CISA guidance: "high", "medium", "low"; absent for ours
	// Close are the exact next commands, the gentlest first; "annotate" stands last where only a person may know.
	Close []string `json:"close"`
}

// FieldGap is a field with how many assets lack it.
type FieldGap struct {
	Field    string `json:"field"`
	Title    string `json:"title"`
	Priority string `json:"priority,omitempty"`
	Unknown  int    `json:"unknown"` // assets that lack it
	Of       int    `json:"of"`      // assets that it applies to
	// Close is the question that closes most of them, else to listen, else people; as a command with PLACE in it for the addresses.
	Close string `json:"close"`
	// Assets are some of those that Close is for, by their first address, where it is not for people.
	Assets []string `json:"assets,omitempty"`
}

// Asked says whether an asset was asked over a protocol already and has nothing to add. Nil: nobody was.
type Asked func(a Asset, protocol string) bool

// wireField is a field that the wire can tell.
type wireField struct {
	name, title, priority string
	known                 func(Asset) bool
	// applies says to which assets it applies; nil: to all.
	applies func(Asset) bool
}

// gapFields are the fields in the order in which they are told: what identifies a device comes first, firmware and serial number
// among it, whatever the guidance's priority.
func gapFields() []wireField {
	has := func(value func(Asset) string) func(Asset) bool {
		return func(a Asset) bool { return value(a) != "" }
	}
	address := func(of func(Address) bool) func(Asset) bool {
		return func(a Asset) bool { return slices.ContainsFunc(a.Addresses, of) }
	}
	return []wireField{
		{"vendor", "manufacturer", "high", has(func(a Asset) string { return a.Vendor }), nil},
		{"model", "model or order number", "high", has(func(a Asset) string { return cmp.Or(a.Model, a.OrderNumber) }), nil},
		{"firmware", "firmware or software version", "medium", has(func(a Asset) string { return cmp.Or(a.Firmware, a.FirmwareRaw, a.Software) }), nil},
		{"serial", "serial number", "low", has(func(a Asset) string { return a.Serial }), nil},
		{"type", "role or type", "high", has(func(a Asset) string { return cmp.Or(a.Type, a.Annotations[FieldRole]) }), nil},
		{"name", "host name", "high", has(func(a Asset) string { return a.Name }), nil},
		{"ip", "IP address", "high", address(func(x Address) bool { return x.IP != "" }), func(a Asset) bool { return a.Via == "" && a.Seen != "" }},
		{"mac", "MAC address", "high", address(func(x Address) bool { return x.MAC != "" }), func(a Asset) bool { return a.Via == "" && a.Seen != "" }},
		{"os", "operating system", "high", has(func(a Asset) string { return a.OS }), runsPrograms},
		{"protocols", "protocols", "high", func(a Asset) bool { return len(a.Protocols) > 0 }, func(a Asset) bool { return a.Seen != "" }},
		{"services", "ports and services", "high", func(a Asset) bool { return len(a.Services) > 0 }, func(a Asset) bool { return a.Seen != "" }},
		{"vlan", "VLAN", "medium", address(func(x Address) bool { return x.VLAN != 0 }), func(a Asset) bool { return a.Seen != "" }},
	}
}

// runsPrograms reports whether an asset is a computer, which has an operating system and user accounts that people look after.
func runsPrograms(a Asset) bool {
	switch kind := cmp.Or(a.Type, a.ProposedType); kind {
	case "hmi", "scada-server", "historian", "engineering-workstation":
		return true
	default:
		return isComputer(kind)
	}
}

// humanApplies says to which assets a human field applies: what only computers have is no gap of a drive, and notes are none at all.
func humanApplies(name string, a Asset) bool {
	switch name {
	case "user_accounts", "antivirus", "hypervisor", "hypervisor_location", "logging", "virtual", "baseline_image":
		return runsPrograms(a)
	case "remarks", "communication", "time_source", "time_zone", "monitoring", FieldRole, FieldPartner, "contract":
		return false // derivable, or a gap only where a person says so
	}
	return true
}

// gapTable is what gaps are looked for by, made once.
type gapTable struct {
	wire  []wireField
	human []Field
	ask   []askable
}

func newGapTable() gapTable { return gapTable{gapFields(), Fields(), askables()} }

// GapsOf are the fields that are not known of an asset. What a person stated is known.
func GapsOf(a Asset, asked Asked) []Gap { return newGapTable().gaps(a, asked) }

func (t gapTable) gaps(a Asset, asked Asked) []Gap {
	if a.Role == "sensor" || isOutsider(a) {
		return nil
	}
	var out []Gap
	for _, f := range t.wire {
		if f.known(a) || f.applies != nil && !f.applies(a) {
			continue
		}
		out = append(out, Gap{f.name, f.title, f.priority, t.closing(a, f.name, asked)})
	}
	for _, f := range t.human {
		if a.Annotations[f.Name] == "" && humanApplies(f.Name, a) {
			out = append(out, Gap{f.Name, f.Title, f.Priority, []string{annotateCommand}})
		}
	}
	return out
}

// isOutsider reports whether an asset is somebody's on the internet, of whom nothing needs to be known.
func isOutsider(a Asset) bool {
	return len(a.Addresses) > 0 && !slices.ContainsFunc(a.Addresses, func(address Address) bool {
		ip, err := netip.ParseAddr(address.IP)
		return err != nil || address.MAC != "" || !IsPublic(ip)
	})
}

const (
	annotateCommand = "walkdown annotate"
	listenCommand   = "walkdown listen -i INTERFACE"
)

// askable says what a protocol may tell, and whether it needs to be allowed (safety class C).
type askable struct {
	protocol string
	allow    bool
	tells    []string
}

// askables are in the order of gentleness.
func askables() []askable {
	return []askable{
		{"snmp", false, []string{"name", "vendor", "model", "firmware", "serial", "type"}},
		{"modbus", false, []string{"vendor", "model", "firmware", "type"}},
		{"s7", false, []string{"vendor", "model", "serial", "firmware", "type", "name"}},
		{"enip", false, []string{"vendor", "model", "serial", "firmware", "type"}},
		{"opcua", false, []string{"vendor", "model", "firmware", "serial", "name"}},
		{"bacnet", false, []string{"vendor", "model", "firmware", "name", "type"}},
		{"fins", false, []string{"vendor", "model", "firmware", "type"}},
		{"fox", false, []string{"vendor", "model", "firmware", "name", "os"}},
		{"profinet", true, []string{"vendor", "model", "firmware", "serial", "name", "type"}},
		{"http", true, []string{"vendor", "model", "firmware", "name", "type"}},
		{"tls", true, []string{"vendor", "name"}},
		{"ssh", true, []string{"os"}},
		{"ads", true, []string{"vendor", "name", "os", "firmware"}},
		{"mms", true, []string{"vendor", "model", "firmware", "serial"}},
		{"slmp", true, []string{"vendor", "model"}},
		{"hartip", true, []string{"vendor", "model", "serial"}},
		{"codesys2", true, []string{"vendor", "os"}},
		{"pcworx", true, []string{"vendor", "model", "firmware", "type"}},
		{"srtp", true, []string{"vendor", "model", "name", "type"}},
		{"dnp3", true, []string{"vendor", "model", "firmware", "serial", "name"}},
		{"mdns", true, []string{"vendor", "model", "name"}},
		{"knx", true, []string{"vendor", "serial", "name", "type"}},
	}
}

// closing are the commands that may close a gap of an asset: questions over protocols that it is known to speak and was not asked,
// then the system group of SNMP, which nearly everybody may be asked, then a person.
func (t gapTable) closing(a Asset, field string, asked Asked) []string {
	ip := ""
	for _, address := range a.Addresses {
		if addr, err := netip.ParseAddr(address.IP); err == nil && !addr.IsLinkLocalUnicast() {
			ip = netip.PrefixFrom(addr, addr.BitLen()).String()
			break
		}
	}
	switch {
	case cmp.Or(a.Type, a.ProposedType) == "safety-controller" && field != "ip" && field != "mac":
		return []string{annotateCommand} // never asked
	case ip == "" || field == "protocols" || field == "services" || field == "vlan":
		return []string{listenCommand, annotateCommand}
	case field == "mac":
		return []string{"walkdown ask -i INTERFACE --ask " + ip, listenCommand}
	}
	var out []string
	add := func(q askable) {
		command := "walkdown ask --ask " + ip + " --protocols " + q.protocol
		if q.allow {
			command += " --allow " + q.protocol
		}
		out = append(out, command)
	}
	done := func(protocol string) bool { return asked != nil && asked(a, protocol) }
	for _, q := range t.ask {
		if slices.Contains(q.tells, field) && speaks(a, q.protocol) && !done(q.protocol) {
			add(q)
		}
	}
	if snmp := t.ask[0]; len(out) == 0 && slices.Contains(snmp.tells, field) && !done(snmp.protocol) {
		add(snmp)
	}
	return append(out, annotateCommand)
}

// speaks reports whether an asset is known to speak a protocol or to listen for it.
func speaks(a Asset, protocol string) bool {
	return slices.Contains(a.Protocols, protocol) ||
		slices.ContainsFunc(a.Services, func(s Service) bool { return s.Protocol == protocol })
}

// GapCounter adds up the gaps of assets by field.
type GapCounter struct {
	Assets   int // that were counted
	Complete int // of them without a gap that a question may close

	table  gapTable
	asked  Asked
	fields map[string]*FieldGap
	close  map[string]map[string]*closer // by field and command without the address
}

// closer is a command that closes gaps.
type closer struct {
	count  int
	assets []string
}

// NewGapCounter makes an empty one.
func NewGapCounter(asked Asked) *GapCounter {
	return &GapCounter{table: newGapTable(), asked: asked, fields: map[string]*FieldGap{}, close: map[string]map[string]*closer{}}
}

// gapExamples is how many assets a field names.
const gapExamples = 5

// Add counts the gaps of an asset, and gives them.
func (g *GapCounter) Add(a Asset) []Gap {
	if a.Role == "sensor" || isOutsider(a) {
		return nil
	}
	g.Assets++
	for _, f := range g.table.wire {
		if f.applies == nil || f.applies(a) {
			g.field(f.name, f.title, f.priority).Of++
		}
	}
	for _, f := range g.table.human {
		if humanApplies(f.Name, a) {
			g.field(f.Name, f.Title, f.Priority).Of++
		}
	}
	gaps := g.table.gaps(a, g.asked)
	open := false
	for _, gap := range gaps {
		f := g.field(gap.Field, gap.Title, gap.Priority)
		f.Unknown++
		command := generalised(gap.Close[0])
		if g.close[gap.Field] == nil {
			g.close[gap.Field] = map[string]*closer{}
		}
		by := g.close[gap.Field][command]
		if by == nil {
			by = &closer{}
			g.close[gap.Field][command] = by
		}
		by.count++
		if command != annotateCommand {
			open = true
			if len(by.assets) < gapExamples {
				by.assets = append(by.assets, cmp.Or(firstIP(a), a.ID))
			}
		}
	}
	if !open {
		g.Complete++
	}
	return gaps
}

func (g *GapCounter) field(name, title, priority string) *FieldGap {
	f := g.fields[name]
	if f == nil {
		f = &FieldGap{Field: name, Title: title, Priority: priority}
		g.fields[name] = f
	}
	return f
}

// rankOf puts questions before listening, and people last.
func rankOf(command string) int {
	switch command {
	case annotateCommand:
		return 2
	case listenCommand:
		return 1
	}
	return 0
}

// generalised is a command with PLACE for its address.
func generalised(command string) string {
	words := strings.Fields(command)
	for i := 1; i < len(words); i++ {
		if words[i-1] == "--ask" {
			words[i] = "PLACE"
		}
	}
	return strings.Join(words, " ")
}

// Fields gives the fields that any asset lacks, in the order in which they matter.
func (g *GapCounter) Fields() []FieldGap {
	var out []FieldGap
	add := func(name string) {
		f := g.fields[name]
		if f == nil || f.Unknown == 0 {
			return
		}
		told := *f
		var best *closer
		for command, by := range g.close[name] {
			if best == nil || cmp.Or(rankOf(command)-rankOf(told.Close), best.count-by.count, cmp.Compare(command, told.Close)) < 0 {
				told.Close, told.Assets, best = command, by.assets, by
			}
		}
		out = append(out, told)
	}
	for _, f := range g.table.wire {
		add(f.name)
	}
	for _, f := range g.table.human {
		add(f.Name)
	}
	return out
}
