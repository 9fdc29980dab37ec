package fingerprints

import (
	"errors"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/walkdown-ot/walkdown/discovery"
)

// fates gives "rule: fate" of the answers for one field, in order.
func fates(answers []Answer, key discovery.Key) string {
	var out []string
	for _, a := range answers {
		if a.Key == key {
			out = append(out, a.Rule+": "+string(a.Fate))
		}
	}
	return strings.Join(out, ", ")
}

func TestExplain(t *testing.T) {
	engine := mustDefault(t)
	facts := say("lldp.med-manufacturer", "Moxa", "modbus.vendor-name", "WAGO", "lldp.med-serial", "123456", "snmp.sysObjectID", "1.3.6.1.4.1.8691.7.69")
	best, answers := engine.Explain(facts)
	if len(best) != len(engine.Identify(facts)) {
		t.Error("explaining changes the identity")
	}
	vendor, serial := fates(answers, discovery.KeyVendor), fates(answers, discovery.KeySerial)
	for _, want := range []string{"med-manufacturer: won", "table-enterprise: agrees", "modbus-vendor: overruled"} {
		if !strings.Contains(vendor, want) {
			t.Errorf("vendor: %s; want %s", vendor, want)
		}
	}
	if !strings.HasSuffix(serial, ": refused") || strings.Contains(serial, ",") {
		t.Errorf("serial: %s; want it refused", serial)
	}
	for _, a := range answers {
		if a.Rule == "med-manufacturer" && !strings.HasPrefix(a.Where, "rules/") {
			t.Errorf("rule %s stands in %q", a.Rule, a.Where)
		}
		if a.Fate != Won && a.Why == "" || a.Evidence == "" || len(a.From) == 0 {
			t.Errorf("no reason: %+v", a)
		}
	}
}

func TestUsersRulesWin(t *testing.T) {
	engine, err := New(Options{Rules: fstest.MapFS{
		"mine.yaml": {Data: []byte(`source: our own stores
rules:
  - id: our-panel
    when: ['snmp.sysDescr ~ ^Hirschmann BOBCAT']
    set: {vendor: Panel Shop, model: PS-100, type: hmi}
    confidence: 0.6
  - id: med-manufacturer
    when: ['lldp.med-manufacturer = X']
    set: {vendor: Panel Shop}
    confidence: 0.9
`)},
		"vendors.txt": {Data: []byte("Panel Shop; Panel Shop Ltd\n")},
	}})
	if err != nil {
		t.Fatal(err)
	}
	got := identity(engine.Identify(say("snmp.sysDescr", "Hirschmann BOBCAT", "snmp.sysObjectID", "1.3.6.1.4.1.248.11.2.1.39")))
	if got[discovery.KeyVendor] != "Panel Shop" || got[discovery.KeyModel] != "PS-100" || got[discovery.KeyType] != "hmi" {
		t.Errorf("ours won: %v", got)
	}
	if f := best(engine.Identify(say("snmp.sysDescr", "Hirschmann BOBCAT")), discovery.KeyModel); f.Confidence != 0.6 || f.Rule != "our-panel" {
		t.Errorf("the user's answer is weighed against ours: %+v", f)
	}
	if got := identity(engine.Identify(say("lldp.med-manufacturer", "Moxa"))); got[discovery.KeyVendor] != "" {
		t.Errorf("a rule of the same id does not take our place: %v", got)
	}
	if v := engine.Version(); v.Own != 2 || v.Rules != len(mustDefault(t).rules.all)+1 {
		t.Errorf("%d rules, %d own", v.Rules, v.Own)
	}
}

// TestUsersMistakes: each is a sentence with the file and the line.
func TestUsersMistakes(t *testing.T) {
	for name, c := range map[string]struct {
		files map[string]string
		want  string
	}{
		"not_yaml":        {map[string]string{"a.yaml": "source: x\nrules:\n  - [\n"}, "a.yaml:"},
		"unknown_key":     {map[string]string{"a.yaml": "source: x\nrules:\n  - id: a\n    colour: ['a.b ~ x']\n"}, `a.yaml:4: "colour" is no key`},
		"bad_pattern":     {map[string]string{"a.yaml": "source: x\nrules:\n  - id: a\n    when: ['a.b ~ (']\n    set: {model: m}\n    confidence: 0.9\n"}, `a.yaml:3: rule "a": condition`},
		"unknown_vendor":  {map[string]string{"a.yaml": "source: x\nrules:\n\n  - id: a\n    when: ['a.b ~ xyz']\n    set: {vendor: Nobody at all}\n    confidence: 0.9\n"}, `a.yaml:4: rule "a": vendor`},
		"twice":           {map[string]string{"a.yaml": "source: x\nrules:\n  - {id: a, when: ['a.b ~ xyz'], set: {model: m}, confidence: 0.9}\n", "rules/b.yaml": "source: x\nrules:\n  - {id: a, when: ['a.b ~ xyz'], set: {model: m}, confidence: 0.9}\n"}, `rules/b.yaml:3: rule "a": the id stands in a.yaml:3 too`},
		"instead_of_none": {map[string]string{"a.yaml": "source: x\nrules:\n  - {id: a, when: ['a.b ~ xyz'], set: {model: m}, confidence: 0.9, instead: [nobody-at-all]}\n"}, `a.yaml:3: rule "a" speaks instead of "nobody-at-all"`},
		"shadowed":        {map[string]string{"a.yaml": "source: x\nrules:\n  - {id: a, when: ['a.b ~ xyz'], set: {model: m}, confidence: 0.9}\n  - {id: b, when: ['a.b ~ xyz'], set: {model: n}, confidence: 0.8}\n"}, `a.yaml:4: rule "b" can never win: a (a.yaml:3)`},
		"bad_row":         {map[string]string{"cpe.txt": "# products\nSiemens | model\n"}, "cpe.txt:2: "},
		"bad_likely":      {map[string]string{"likely.txt": "Siemens: a b c\n"}, "likely.txt:1: "},
		"bad_oid_row":     {map[string]string{"a.yaml": "source: x\noids:\n  1.3.6.1.4.1.9.1: {type: toaster}\n"}, "a.yaml:3: "},
	} {
		t.Run(name, func(t *testing.T) {
			tree := fstest.MapFS{}
			for path, text := range c.files {
				tree[path] = &fstest.MapFile{Data: []byte(text)}
			}
			_, err := New(Options{Rules: tree})
			var mistake *MistakeError
			if !errors.As(err, &mistake) || !strings.HasPrefix(err.Error(), c.want) {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
}
