package fingerprints

import (
	"errors"
	"math/rand/v2"
	"regexp/syntax"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/walkdown-ot/walkdown/discovery"
)

func TestOrderNumbers(t *testing.T) {
	engine := mustDefault(t)
	for text, want := range map[string]OrderNumber{
		// Siemens, with and without blanks, with options
		"6ES7 516-3AN01-0AB0":         {"6ES7 516-3AN01-0AB0", "Siemens", "SIMATIC S7-1500", "CPU 1516-3 PN/DP", "plc"},
		"6ES75163AN010AB0":            {"6ES7 516-3AN01-0AB0", "Siemens", "SIMATIC S7-1500", "CPU 1516-3 PN/DP", "plc"},
		"6ES7516-3AN01-0AB0":          {"6ES7 516-3AN01-0AB0", "Siemens", "SIMATIC S7-1500", "CPU 1516-3 PN/DP", "plc"},
		"6es7 511-1fk02-0ab0":         {"6ES7 511-1FK02-0AB0", "Siemens", "SIMATIC S7-1500", "CPU 1511F-1 PN", "plc"},
		"6ES7 510-1DJ01-0AB0":         {"6ES7 510-1DJ01-0AB0", "Siemens", "SIMATIC ET 200SP", "CPU 1510SP-1 PN", "plc"},
		"6AG1 516-3AN01-7AB0":         {"6AG1 516-3AN01-7AB0", "Siemens", "SIMATIC S7-1500", "CPU 1516-3 PN/DP", "plc"},
		"6ES7 212-1HE31-0XB0":         {"6ES7 212-1HE31-0XB0", "Siemens", "SIMATIC S7-1200", "CPU 1212C", "plc"},
		"6ES7 215-1AF40-0XB0":         {"6ES7 215-1AF40-0XB0", "Siemens", "SIMATIC S7-1200", "CPU 1215FC", "plc"},
		"6ES7 315-2AG10-0AB0":         {"6ES7 315-2AG10-0AB0", "Siemens", "SIMATIC S7-300", "CPU 315-2 DP", "plc"},
		"6ES7 315-2EH14-0AB0":         {"6ES7 315-2EH14-0AB0", "Siemens", "SIMATIC S7-300", "CPU 315-2 PN/DP", "plc"},
		"6ES7 313-5BG04-0AB0":         {"6ES7 313-5BG04-0AB0", "Siemens", "SIMATIC S7-300", "CPU 313C", "plc"},
		"6ES7 414-3EM07-0AB0":         {"6ES7 414-3EM07-0AB0", "Siemens", "SIMATIC S7-400", "CPU 414-3 PN/DP", "plc"},
		"6ES7 151-8AB01-0AB0":         {"6ES7 151-8AB01-0AB0", "Siemens", "SIMATIC ET 200S", "IM151-8 PN/DP CPU", "plc"},
		"6ES7 155-6AU00-0CN0":         {"6ES7 155-6AU00-0CN0", "Siemens", "SIMATIC ET 200SP", "IM 155-6 PN HF", "remote-io"},
		"6GK7 343-1EX30-0XE0":         {"6GK7 343-1EX30-0XE0", "Siemens", "CP 343", "CP 343-1", "comm-module"},
		"6GK5 208-0BA00-2TB2":         {"6GK5 208-0BA00-2TB2", "Siemens", "SCALANCE XB200", "SCALANCE XB208", "switch"},
		"6GK5 204-2BB10-2AA3":         {"6GK5 204-2BB10-2AA3", "Siemens", "SCALANCE X200", "SCALANCE X204-2", "switch"},
		"6GK5 646-2GS00-2AC2":         {"6GK5 646-2GS00-2AC2", "Siemens", "SCALANCE S", "SCALANCE SC646-2C", "firewall"},
		"6AG1 214-1AG40-4XB0":         {"6AG1 214-1AG40-4XB0", "Siemens", "SIMATIC S7-1200", "CPU 1214C", "plc"},
		"6AG1 343-1EX30-7XE0":         {"6AG1 343-1EX30-7XE0", "Siemens", "CP 343", "", "comm-module"},
		"6AG1 151-3BA23-2AB0":         {"6AG1 151-3BA23-2AB0", "Siemens", "SIMATIC ET 200S", "", "remote-io"},
		"6EP1 933-2EC41":              {"6EP1 933-2EC41", "Siemens", "SITOP UPS500", "", "ups"},
		"6SL3 040-1MA01-0AA0":         {"6SL3 040-1MA01-0AA0", "Siemens", "SINAMICS", "", "drive"},
		"6AV2 124-0JC01-0AX0":         {"6AV2 124-0JC01-0AX0", "Siemens", "SIMATIC HMI Comfort", "TP900 Comfort", "hmi"},
		"6SL3244-0BB12-1FA0":          {"6SL3 244-0BB12-1FA0", "Siemens", "SINAMICS G120", "", "drive"},
		"6SL3210-1KE18-8UF1-Z":        {"6SL3 210-1KE18-8UF1-Z", "Siemens", "SINAMICS G120C", "", "drive"},
		"6SL3210-1KE18-8UF1Z A01 B02": {"6SL3 210-1KE18-8UF1-Z A01+B02", "Siemens", "SINAMICS G120C", "", "drive"},
		"6GF3440-0CD10":               {"6GF3 440-0CD10", "Siemens", "SIMATIC MV", "", "identification"},
		"Siemens 6ED1052-1MD08-0BA1":  {"6ED1 052-1MD08-0BA1", "Siemens", "LOGO!", "", "plc"},
		// Rockwell, with and without the series
		"1756-L71/B LOGIX5571": {"1756-L71/B", "Rockwell Automation", "ControlLogix 5570", "1756-L71", "plc"},
		"1756-L73":             {"1756-L73", "Rockwell Automation", "ControlLogix 5570", "1756-L73", "plc"},
		"1756-L85E":            {"1756-L85E", "Rockwell Automation", "ControlLogix 5580", "1756-L85E", "plc"},
		"1756-L72S/B":          {"1756-L72S/B", "Rockwell Automation", "GuardLogix 5570", "1756-L72S", "plc"},
		"1769-L33ER/A":         {"1769-L33ER/A", "Rockwell Automation", "CompactLogix 5370", "1769-L33ER", "plc"},
		"1769-L16ER-BB1B":      {"1769-L16ER-BB1B", "Rockwell Automation", "CompactLogix 5370", "1769-L16ER-BB1B", "plc"},
		"1769-L35E":            {"1769-L35E", "Rockwell Automation", "CompactLogix", "1769-L35E", "plc"},
		"5069-L320ER":          {"5069-L320ER", "Rockwell Automation", "CompactLogix 5380", "5069-L320ER", "plc"},
		"5069-L306ERS2":        {"5069-L306ERS2", "Rockwell Automation", "Compact GuardLogix 5380", "5069-L306ERS2", "plc"},
		"1763-L16DWD":          {"1763-L16DWD", "Rockwell Automation", "MicroLogix 1100", "1763-L16DWD", "plc"},
		"2080-LC50-24QBB":      {"2080-LC50-24QBB", "Rockwell Automation", "Micro800", "2080-LC50-24QBB", "plc"},
		"1747-L551/C SLC-5/05": {"1747-L551/C", "Rockwell Automation", "SLC 500", "1747-L551", "plc"},
		"20-COMM-E":            {"20-COMM-E", "Rockwell Automation", "PowerFlex", "20-COMM-E", "comm-module"},
		"1756-EN2T/A":          {"1756-EN2T/A", "Rockwell Automation", "ControlLogix", "1756-EN2T", "comm-module"},
		"1734-AENT/B":          {"1734-AENT/B", "Rockwell Automation", "POINT I/O", "1734-AENT", "remote-io"},
		"2711P-T10C4D9":        {"2711P-T10C4D9", "Rockwell Automation", "PanelView Plus", "2711P-T10C4D9", "hmi"},
		"1783-BMS10CGL":        {"1783-BMS10CGL", "Rockwell Automation", "Stratix 5700", "1783-BMS10CGL", "switch"},
		// Schneider Electric
		"BMEP584040":                 {"BMEP584040", "Schneider Electric", "Modicon M580", "BME P58 4040", "plc"},
		"BME P58 4040":               {"BMEP584040", "Schneider Electric", "Modicon M580", "BME P58 4040", "plc"},
		"BMX P34 2020":               {"BMXP342020", "Schneider Electric", "Modicon M340", "BMX P34 2020", "plc"},
		"BMX NOE 0100":               {"BMXNOE0100", "Schneider Electric", "Modicon M340", "BMX NOE0100", "comm-module"},
		"TM221CE24T":                 {"TM221CE24T", "Schneider Electric", "Modicon M221", "", "plc"},
		"TSXP57454M":                 {"TSXP57454M", "Schneider Electric", "Modicon Premium", "", "plc"},
		"140CPU67160":                {"140CPU67160", "Schneider Electric", "Modicon Quantum", "140 CPU 67160", "plc"},
		"140 CPU 671 60":             {"140CPU67160", "Schneider Electric", "Modicon Quantum", "140 CPU 67160", "plc"},
		"METSEPM5560":                {"METSEPM5560", "Schneider Electric", "PowerLogic PM5000", "PM5560", "power-meter"},
		"METSEPM3255":                {"METSEPM3255", "Schneider Electric", "PowerLogic PM3000", "PM3255", "power-meter"},
		"ATV212H075M3X":              {"ATV212H075M3X", "Schneider Electric", "Altivar 212", "", "drive"},
		"ATV71HU15M3":                {"ATV71HU15M3", "Schneider Electric", "Altivar 71", "", "drive"},
		"PM710":                      {"PM710", "Schneider Electric", "PowerLogic", "PM710", "power-meter"},
		"TCSESM083F23F0":             {"TCSESM083F23F0", "Schneider Electric", "ConneXium", "", "switch"},
		"ILC 151 ETH/XC":             {"", "Phoenix Contact", "Inline", "ILC 151 ETH/XC", "plc"},
		"AXC F 2152":                 {"", "Phoenix Contact", "PLCnext Control", "AXC F 2152", "plc"},
		"AXL F BK PN":                {"", "Phoenix Contact", "Axioline F", "AXL F BK PN", "remote-io"},
		"750-8212/025-000":           {"750-8212/025-000", "WAGO", "PFC200", "750-8212/025-000", "plc"},
		"750-8212":                   {"750-8212", "WAGO", "PFC200", "750-8212", "plc"},
		"WAGO 750-841":               {"750-841", "WAGO", "WAGO I/O System 750", "750-841", "plc"},
		"750-375":                    {"750-375", "WAGO", "WAGO I/O System 750", "750-375", "remote-io"},
		"752-8303/8000-002":          {"752-8303/8000-002", "WAGO", "Edge Controller", "752-8303/8000-002", "plc"},
		"CX9020-0115":                {"CX9020-0115", "Beckhoff", "CX", "CX9020-0115", "plc"},
		"EK1100":                     {"EK1100", "Beckhoff", "EtherCAT Coupler", "EK1100", "remote-io"},
		"C6015-0010":                 {"C6015-0010", "Beckhoff", "C60xx", "C6015-0010", "workstation"},
		"PM573-ETH":                  {"PM573-ETH", "ABB", "AC500", "PM573-ETH", "plc"},
		"ACS880-01":                  {"ACS880-01", "ABB", "ACS880", "", "drive"},
		"PM866AK01":                  {"PM866AK01", "ABB", "AC 800M", "PM866AK01", "plc"},
		"NX102-1200":                 {"NX102-1200", "Omron", "Sysmac NX", "NX102-1200", "plc"},
		"CJ2M-CPU33":                 {"CJ2M-CPU33", "Omron", "SYSMAC CJ", "CJ2M-CPU33", "plc"},
		"CP1L-EM40DT-D":              {"CP1L-EM40DT-D", "Omron", "SYSMAC CP", "CP1L-EM40DT-D", "plc"},
		"FX5UC-32MT/DSS":             {"FX5UC-32MT/DSS", "Mitsubishi Electric", "MELSEC iQ-F", "FX5UC-32MT/DSS", "plc"},
		"Q03UDVCPU":                  {"Q03UDVCPU", "Mitsubishi Electric", "MELSEC-Q", "Q03UDVCPU", "plc"},
		"R04CPU":                     {"R04CPU", "Mitsubishi Electric", "MELSEC iQ-R", "R04CPU", "plc"},
		"EDS-405A":                   {"EDS-405A", "Moxa", "EDS", "EDS-405A", "switch"},
		"EDS-G516E-T":                {"EDS-G516E-T", "Moxa", "EDS", "EDS-G516E-T", "switch"},
		"NPort 5110A":                {"NPORT5110A", "Moxa", "NPort", "NPort 5110A", "serial-server"},
		"EDR-G902":                   {"EDR-G902", "Moxa", "EDR", "EDR-G902", "router"},
		"RS20-0800M2M2SDAEHH":        {"RS20-0800M2M2SDAEHH", "Hirschmann", "RailSwitch RS20", "", "switch"},
		"BRS40-00169999-STCZ99HHSES": {"BRS40-00169999-STCZ99HHSES", "Hirschmann", "BOBCAT", "", "switch"},
		"MACH102-8TP":                {"MACH102-8TP", "Hirschmann", "MACH", "", "switch"},
		"MS4128-L3E":                 {"MS4128-L3E", "Hirschmann", "MICE", "", "switch"},
		// what is none
		"":                         {},
		"2404267":                  {}, // seven digits are everybody's
		"6ES7":                     {},
		"Linux 4.19":               {},
		"1756":                     {},
		"CPU 315-2 DP":             {},
		"EK1100 is not what I am ": {"EK1100", "Beckhoff", "EtherCAT Coupler", "EK1100", "remote-io"},
	} {
		got, ok := engine.OrderNumber(text, "")
		if diff := cmp.Diff(want, got); diff != "" || ok != (want.Vendor != "") {
			t.Errorf("%q (-want +got):\n%s", text, diff)
		}
	}
	if got, _ := engine.OrderNumber("2404267", "Phoenix Contact"); got.Model != "AXC F 2152" || got.Type != "plc" {
		t.Errorf("an article number of a known maker: %+v", got)
	}
	if got, ok := engine.OrderNumber("2404267", "Siemens"); ok {
		t.Errorf("an article number of another maker: %+v", got)
	}
}

// TestOrderNumberAlone: what the whole engine makes of a number that no other fact comes with.
func TestOrderNumberAlone(t *testing.T) {
	engine := mustDefault(t)
	for _, c := range []struct {
		facts                       []discovery.Fact
		vendor, family, model, kind string
	}{
		{say("modbus.product-code", "PM710"), "Schneider Electric", "PowerLogic", "PM710", "power-meter"},
		{say("profinet.im-order-id", "6ES75163AN010AB0"), "Siemens", "SIMATIC S7-1500", "CPU 1516-3 PN/DP", "plc"},
		{say("enip.product-name", "1756-L85E/B"), "Rockwell Automation", "ControlLogix 5580", "1756-L85E/B", "plc"},
		{say("snmp.entPhysicalModelName", "BRS40-00169999-STCZ99HHSES", "snmp.entPhysicalClass", "chassis"), "Hirschmann", "BOBCAT", "BRS40-00169999-STCZ99HHSES", "switch"},
	} {
		got := identity(engine.Identify(c.facts))
		want := map[discovery.Key]string{
			discovery.KeyVendor: c.vendor, discovery.KeyFamily: c.family, discovery.KeyModel: c.model, discovery.KeyType: c.kind,
		}
		for key, value := range want {
			if got[key] != value {
				t.Errorf("%v: %s is %q, want %q", c.facts, key, got[key], value)
			}
		}
	}
	if got := best(engine.Identify(say("profinet.im-order-id", "6ES75163AN010AB0")), discovery.KeyOrderNumber); got.Value != "6ES7 516-3AN01-0AB0" {
		t.Errorf("the number is printed as %q", got.Value)
	}
}

// TestOrderRowsCanWin finds rows that stand behind wider ones, which no number can ever reach: of a few numbers made after its
// own pattern, each row must read one.
func TestOrderRowsCanWin(t *testing.T) {
	rows := mustDefault(t).orders
	random := rand.New(rand.NewPCG(5, 2))
	for i, row := range rows {
		parsed, err := parsePattern(row.pattern().String())
		if err != nil {
			t.Fatal(err)
		}
		won := false
		for try := 0; try < 200 && !won; try++ {
			var number strings.Builder
			sample(parsed.Simplify(), random, &number)
			first := slices.IndexFunc(rows, func(r orderRow) bool {
				_, ok := r.read(number.String())
				return ok && (!r.bound || r.vendor == row.vendor)
			})
			won = first == i
		}
		if !won {
			t.Errorf("%s:%d can never win: %s", row.at.file, row.at.line, row.at.text)
		}
	}
}

// sample writes a text that the pattern matches.
func sample(re *syntax.Regexp, random *rand.Rand, out *strings.Builder) {
	switch re.Op {
	case syntax.OpLiteral:
		out.WriteString(string(re.Rune))
	case syntax.OpCharClass:
		pair := 2 * random.IntN(len(re.Rune)/2)
		out.WriteRune(re.Rune[pair] + rune(random.IntN(int(min(re.Rune[pair+1], 'z')-re.Rune[pair])+1)))
	case syntax.OpAlternate:
		sample(re.Sub[random.IntN(len(re.Sub))], random, out)
	case syntax.OpQuest, syntax.OpStar:
		if random.IntN(2) == 0 {
			sample(re.Sub[0], random, out)
		}
	case syntax.OpAnyCharNotNL, syntax.OpAnyChar:
		out.WriteByte('X')
	default:
		for _, sub := range re.Sub {
			sample(sub, random, out)
		}
	}
}

func TestOrderNumberMistakes(t *testing.T) {
	words := mustDefault(t).words
	for name, text := range map[string]string{
		"cells":   "Siemens | x | y",
		"vendor":  "Nobody at all | x | | | | plc",
		"type":    "Siemens | x | | | | toaster",
		"pattern": "Siemens | ( | | | | plc",
		"capture": "Siemens | x | ${n} | | | plc",
	} {
		if _, err := readOrderNumbers(fstest.MapFS{"order-numbers.txt": {Data: []byte(text)}}, &words); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func FuzzOrderNumber(f *testing.F) {
	engine := mustDefault(f)
	f.Add("6ES7 516-3AN01-0AB0-Z A01+B02", "")
	f.Add("2404267", "Phoenix Contact")
	f.Fuzz(func(t *testing.T, text, vendor string) {
		got, ok := engine.OrderNumber(text, vendor)
		if ok != (got.Number != "") || ok && got.Vendor == "" {
			t.Errorf("%q: %+v, %v", text, got, ok)
		}
		if again, ok := NormaliseMLFB(got.Number); ok && again != got.Number {
			t.Errorf("%q is normalised to %q, and that to %q", text, got.Number, again)
		}
	})
}

// TestUsersTables: the rows of a user's folder go before ours, also before the patterns of order numbers.
func TestUsersTables(t *testing.T) {
	engine, err := New(Options{Tables: fstest.MapFS{
		"siemens-order-prefixes.csv": {Data: []byte("prefix,family,type\n6ES7 516,Works standard controller,safety-controller\n")},
		"cip-device-types.csv":       {Data: []byte("number,name,type\n199,Press of our own,actuator\n")},
	}})
	if err != nil {
		t.Fatal(err)
	}
	if got, ok := engine.OrderNumber("6ES7516-3AN01-0AB0", ""); !ok || got.Family != "Works standard controller" || got.Type != "safety-controller" {
		t.Errorf("got %+v, %v", got, ok)
	}
	if got := identity(engine.Identify(say("enip.device-type", "199")))[discovery.KeyType]; got != "actuator" {
		t.Errorf("device type 199 is %q", got)
	}
	_, err = New(Options{Tables: fstest.MapFS{"cip-device-types.csv": {Data: []byte("14,Controller,controler\n")}}})
	var mistake *TablesError
	if !errors.As(err, &mistake) || mistake.Error() != `type "controler" is not in the vocabulary` {
		t.Errorf("a type that there is not: %v", err)
	}
}

// TestTableTypes: the types of the embedded tables are words of the vocabulary.
func TestTableTypes(t *testing.T) {
	engine := mustDefault(t)
	kinds := append(engine.tables.CIPTypes.Types(), engine.tables.SiemensOrders.Types()...)
	if len(kinds) < 200 {
		t.Fatalf("only %d rows have a type", len(kinds))
	}
	for _, kind := range kinds {
		if !engine.words.types[kind] {
			t.Errorf("type %q is not in the vocabulary", kind)
		}
	}
}
