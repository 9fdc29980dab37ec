package inventory

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/walkdown-ot/walkdown/discovery"
)

// byHand is what a person said.
func byHand(about string, at int, survey string, pairs ...string) []said {
	var out []said
	for i := 0; i < len(pairs); i += 2 {
		out = append(out, said{about: about, key: StatedKey(pairs[i]), value: pairs[i+1], at: at, survey: survey, mode: discovery.Person})
	}
	return out
}

func TestStated(t *testing.T) {
	const mac, ip = "28:63:36:aa:bb:01", "10.0.0.5"
	arp := said{about: mac + " " + ip, key: discovery.KeyBinding, value: "arp", at: 100, survey: "s-2"}
	for name, c := range map[string]struct {
		said []said
		want []string
		seen Seen // of the first thing
	}{
		"a_device_on_a_serial_line": {
			byHand("entered=feeder-7", 0, "s-1", "vendor", "Schneider", "model", "PM5560", "serial", "77000560"),
			[]string{"PM5560 77000560"},
			"",
		},
		"two_without_addresses_are_two": {
			slices.Concat(byHand("entered=a", 0, "s-1", "model", "X"), byHand("entered=b", 0, "s-1", "model", "X"), byHand("cell-2! entered=a", 0, "s-1", "model", "X")),
			[]string{"X", "X", "X"},
			"",
		},
		"by_mac_it_is_the_device_that_is_heard_later": {
			append(byHand(mac, 0, "s-1", "model", "PM5560", "serial", "77000560"), arp),
			[]string{mac + "/" + ip + " PM5560 77000560"},
			SeenPassive,
		},
		"by_ip_it_is_the_device_that_is_heard_later": {
			append(byHand(ip, 0, "s-1", "model", "PM5560"), arp),
			[]string{mac + "/" + ip + " PM5560"},
			SeenPassive,
		},
		"by_serial_number_it_is_the_device_that_is_heard_later": {
			append(byHand("entered=feeder-7", 0, "s-1", "vendor", "Schneider", "model", "PM5560", "serial", "77000560"), arp,
				said{about: mac + " " + ip, key: "dev.vendor", value: "Schneider", at: 100, survey: "s-2"}, said{about: mac + " " + ip, key: "dev.serial", value: "77000560", at: 100, survey: "s-2"},
				said{about: mac + " " + ip, key: "dev.model", value: "PM 5560", at: 100, survey: "s-2"}),
			[]string{mac + "/" + ip + " PM 5560 77000560"},
			SeenPassive,
		},
		"another_model_with_the_serial_number_is_another_device": {
			append(byHand("entered=feeder-7", 0, "s-1", "vendor", "Schneider", "model", "ATV340", "serial", "77000560"), arp,
				said{about: mac + " " + ip, key: "dev.vendor", value: "Schneider", at: 100, survey: "s-2"}, said{about: mac + " " + ip, key: "dev.serial", value: "77000560", at: 100, survey: "s-2"},
				said{about: mac + " " + ip, key: "dev.model", value: "PM5560", at: 100, survey: "s-2"}),
			[]string{"ATV340 77000560", mac + "/" + ip + " PM5560 77000560"},
			"",
		},
		"what_was_observed_goes_first": {
			append(byHand(mac, 500, "s-3", "model", "ATV340"), arp, said{about: mac + " " + ip, key: "dev.model", value: "PM5560", at: 100, survey: "s-2"}),
			[]string{mac + "/" + ip + " PM5560"},
			SeenPassive,
		},
		"the_last_word_counts": {
			append(byHand(mac, 0, "s-1", "model", "PM5560"), byHand(mac, 50, "s-2", "model", "PM5570")...),
			[]string{mac + " PM5570"},
			"",
		},
		"a_word_is_taken_back": {
			append(byHand(mac, 0, "s-1", "model", "PM5560", "name", "feeder"), byHand(mac, 50, "s-2", "model", "")...),
			[]string{mac + " feeder"},
			"",
		},
		"a_device_that_was_entered_by_mistake": {
			slices.Concat(byHand(mac, 0, "s-1", "model", "PM5560", "entered", "yes"), byHand(mac, 50, "s-2", "entered", "no"), byHand(ip, 60, "s-3", "model", "ATV340")),
			[]string{ip + " ATV340"},
			"",
		},
		"a_device_that_was_entered_by_mistake_and_entered_again": {
			slices.Concat(byHand(mac, 50, "s-2", "entered", "no"), byHand(mac, 80, "s-3", "model", "PM5560", "entered", "yes")),
			[]string{mac + " PM5560"},
			"",
		},
		"a_mistake_says_nothing_of_the_device_that_is_met_there_later": {
			append(slices.Concat(byHand(mac+" "+ip, 0, "s-1", "model", "PM5560", "entered", "yes"), byHand(mac+" "+ip, 50, "s-2", "entered", "no")), arp),
			[]string{mac + "/" + ip},
			SeenPassive,
		},
		"an_address_of_a_list_yields_to_what_is_heard": {
			[]said{
				{about: mac + " " + ip, key: discovery.KeyBinding, value: "table", at: 0, survey: "s-1", mode: discovery.Person},
				{about: "28:63:36:aa:bb:02 " + ip, key: discovery.KeyBinding, value: "arp", at: 100, survey: "s-2"},
				{about: mac, key: "person.model", value: "PM5560", survey: "s-1", mode: discovery.Person},
			},
			[]string{"28:63:36:aa:bb:02/" + ip, mac + " PM5560"},
			SeenPassive,
		},
	} {
		t.Run(name, func(t *testing.T) {
			things := Rules{Identify: identify}.Resolve(sightings(t, c.said))
			got := lines(things)
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Fatal(diff)
			}
			a := things[0].Asset
			if a.Seen != c.seen || a.FirstSeen.IsZero() != (c.seen == "") || a.LastSeen.IsZero() != (c.seen == "") || a.Addresses == nil {
				t.Errorf("seen %q from %v to %v at %v", a.Seen, a.FirstSeen, a.LastSeen, a.Addresses)
			}
			if len(a.Components) > 0 {
				t.Errorf("components %v", a.Components)
			}
		})
	}
}

// The word that lost stays among what was deduced, so that both are shown.
func TestStatedStaysBesideWhatWasObserved(t *testing.T) {
	const mac = "28:63:36:aa:bb:01"
	things := Rules{Identify: identify}.Resolve(sightings(t, append(byHand(mac, 500, "s-3", "model", "ATV340", "vendor", "Siemens"),
		said{about: mac, key: "dev.model", value: "PM5560", at: 100, survey: "s-2"}, said{about: mac, key: "dev.vendor", value: "Siemens", at: 100, survey: "s-2"})))
	var got []string
	for _, e := range things[0].Deduced {
		if e.Fact.Rule == ruleStated {
			got = append(got, string(e.Fact.Key)+"="+e.Fact.Value)
		}
	}
	if diff := cmp.Diff([]string{"id.model=ATV340"}, got); diff != "" {
		t.Error(diff)
	}
}
