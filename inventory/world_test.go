package inventory

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
)

// epoch is when the tests' surveys begin.
var epoch = time.Date(2026, 5, 4, 8, 0, 0, 0, time.UTC)

// at is a time, in seconds after the epoch.
func at(seconds int) time.Time { return epoch.Add(time.Duration(seconds) * time.Second) }

// said is one fact of one observation. Its subject is written "@vlan mac ip path", each piece optional, "cell-2!" in front for
// another segment.
type said struct {
	about  string
	key    discovery.Key
	value  string
	at     int // seconds
	survey string
	teller string
	mode   discovery.Mode
}

func subject(t testing.TB, text string) discovery.Subject {
	t.Helper()
	s := discovery.Subject{Site: "works", Segment: "cell-1"}
	if segment, rest, ok := strings.Cut(text, "!"); ok {
		s.Segment, text = segment, rest
	}
	for word := range strings.FieldsSeq(text) {
		if mac, err := discovery.ParseMAC(word); err == nil {
			s.MAC = mac
		} else if ip, err := netip.ParseAddr(word); err == nil {
			s.IP = ip
		} else if strings.Contains(word, "=") {
			s.Path = word
		} else if vlan, err := strconv.ParseUint(strings.TrimPrefix(word, "@"), 10, 12); err == nil && strings.HasPrefix(word, "@") {
			s.VLAN = uint16(vlan)
		} else {
			t.Fatalf("subject %q: what is %q", text, word)
		}
	}
	return s
}

// sightings gathers what was said as the store does: repetitions add up.
func sightings(t testing.TB, list []said) []Sighting {
	t.Helper()
	type row struct {
		subject, teller discovery.Subject
		key             discovery.Key
		value           string
		mode            discovery.Mode
	}
	rows := map[row]*Evidence{}
	var order []row
	for _, f := range list {
		r := row{subject: subject(t, f.about), key: f.key, value: f.value, mode: max(f.mode, discovery.Heard)}
		if f.teller != "" {
			r.teller = subject(t, f.teller)
		}
		if f.survey == "" {
			f.survey = "s-1"
		}
		e := rows[r]
		if e == nil {
			e = &Evidence{
				Subject: r.subject, Teller: r.teller, Protocol: f.key.Protocol(), Mode: r.mode, Fact: discovery.NewFact(f.key, f.value),
				First: at(f.at), Last: at(f.at),
			}
			rows[r] = e
			order = append(order, r)
		}
		e.Count++
		if at(f.at).Before(e.First) {
			e.First = at(f.at)
		}
		if !at(f.at).Before(e.Last) {
			e.Last, e.Survey = at(f.at), f.survey
		}
	}
	bySubject := map[discovery.Subject]int{}
	var out []Sighting
	for _, r := range order {
		i, ok := bySubject[r.subject]
		if !ok {
			i = len(out)
			bySubject[r.subject] = i
			out = append(out, Sighting{Subject: r.subject})
		}
		out[i].Evidence = append(out[i].Evidence, *rows[r])
	}
	return out
}

// identify is a small engine: "dev.vendor" and the like are what they say, so are a few keys of real protocols.
func identify(facts []discovery.Fact) []discovery.Fact {
	var out []discovery.Fact
	for _, f := range facts {
		key, ok := map[discovery.Key]discovery.Key{
			"lldp.system-name": discovery.KeyName, "snmp.sysName": discovery.KeyName, "modbus.vendor-name": discovery.KeyVendor,
			"modbus.product-code": discovery.KeyModel, "modbus.major-minor-revision": discovery.KeyFirmware,
			"snmp.entPhysicalSerialNum": discovery.KeySerial, "snmp.entPhysicalModelName": discovery.KeyModel,
		}[f.Key]
		if f.Key.Protocol() == "dev" {
			key, ok = discovery.Key("id."+strings.TrimPrefix(string(f.Key), "dev.")), true
		}
		if f.Key == discovery.KeyMAC && strings.HasPrefix(f.Value, "00:1b:1b") {
			out = append(out, discovery.Fact{Key: discovery.KeyMACVendor, Value: "Siemens", Confidence: 0.9, Rule: "oui", From: []discovery.Key{f.Key}})
			continue
		}
		if ok {
			out = append(out, discovery.Fact{Key: key, Value: f.Value, Confidence: 0.9, Rule: "test", From: []discovery.Key{f.Key}})
		}
	}
	return out
}

// line is a thing in one line: its addresses, then what is told of it.
func line(t Thing) string {
	var words []string
	for _, a := range t.Asset.Addresses {
		words = append(words, strings.Trim(fmt.Sprintf("%s/%s", a.MAC, a.IP), "/"))
	}
	for _, w := range []string{t.Asset.Name, t.Asset.Model, t.Asset.Serial, t.Asset.Firmware, t.Asset.Role} {
		if w != "" {
			words = append(words, w)
		}
	}
	for _, c := range t.Asset.Components {
		words = append(words, "+"+c.Path)
	}
	return strings.Join(words, " ")
}

func lines(things []Thing) []string {
	var out []string
	for _, t := range things {
		out = append(out, line(t))
	}
	return out
}
