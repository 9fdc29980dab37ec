package inventory

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/walkdown-ot/walkdown/discovery"
)

const (
	plcMAC    = "00:1b:1b:00:00:01"
	plcMAC2   = "00:1b:1b:00:00:02"
	hmiMAC    = "00:0c:29:00:00:03"
	routerMAC = "00:1d:9c:00:00:fe"
	vrrpMAC   = "00:00:5e:00:01:0a"
	localMAC  = "02:11:22:00:00:01"
)

// trap is a case of who is who: what was said, and the things that must come of it.
type trap struct {
	name  string
	said  []said
	want  []string
	notes string // a piece of a note that some thing must have; "" = no thing has a note
}

func traps() []trap {
	const day = 86400
	bound := func(about string, at int) said {
		return said{about: about, key: discovery.KeyBinding, value: "arp", at: at}
	}
	onLink := func(about string, at int) said {
		return said{about: about, key: discovery.KeyBinding, value: "on-link", at: at}
	}
	plate := func(about, serial, model string, at int) []said {
		out := []said{{about: about, key: "dev.vendor", value: "Siemens", at: at}, {about: about, key: "dev.serial", value: serial, at: at}}
		if model != "" {
			out = append(out, said{about: about, key: "dev.model", value: model, at: at})
		}
		return out
	}
	join := slices.Concat[[]said]
	return []trap{
		{
			name: "arp_binds_an_ip_to_a_mac",
			said: []said{bound(plcMAC+" 10.0.0.1", 0), {about: "10.0.0.1", key: "dev.name", value: "cpu", at: 1}, {about: plcMAC, key: "dev.firmware", value: "2.8", at: 2}},
			want: []string{plcMAC + "/10.0.0.1 cpu 2.8"},
		},
		{
			name: "a_routers_mac_gathers_nothing",
			said: []said{
				{about: routerMAC, key: discovery.KeyRole, value: "router"},
				bound(routerMAC+" 10.0.0.254", 0),
				{about: routerMAC + " 10.9.0.1", key: "dev.name", value: "far-1"},
				onLink(routerMAC+" 10.9.0.2", 0),
				{about: routerMAC + " 10.9.0.2", key: "dev.name", value: "far-2"},
			},
			want: []string{routerMAC + "/10.0.0.254 router", "10.9.0.1 far-1", "10.9.0.2 far-2"},
		},
		{
			name: "a_mac_with_many_on_link_ips_is_a_router_nobody_saw_through",
			said: []said{
				onLink(routerMAC+" 10.9.0.1", 0), onLink(routerMAC+" 10.9.0.2", 0), onLink(routerMAC+" 10.9.0.3", 0),
				onLink(routerMAC+" 10.9.0.4", 0), onLink(routerMAC+" 10.9.0.5", 0),
			},
			want: []string{"10.9.0.1", "10.9.0.2", "10.9.0.3", "10.9.0.4", "10.9.0.5"},
		},
		{
			name: "on_link_binds_where_nothing_better_is_known",
			said: []said{onLink(plcMAC+" 10.0.0.1", 0), {about: "10.0.0.1", key: "dev.name", value: "cpu"}},
			want: []string{plcMAC + "/10.0.0.1 cpu"},
		},
		{
			name: "arp_beats_on_link",
			said: []said{bound(plcMAC+" 10.0.0.1", 0), onLink(routerMAC+" 10.0.0.1", 5), {about: routerMAC + " 10.0.0.1", key: "dev.name", value: "cpu", at: 5}},
			want: []string{plcMAC + "/10.0.0.1 cpu"},
		},
		{
			name:  "a_virtual_mac_is_nobodys",
			said:  []said{bound(vrrpMAC+" 10.0.0.254", 0), bound(routerMAC+" 10.0.0.252", 0), {about: "10.0.0.254", key: "dev.name", value: "vip", at: 1}},
			want:  []string{routerMAC + "/10.0.0.252", vrrpMAC + "/10.0.0.254 vip"},
			notes: vrrpMAC + " is shared by routers",
		},
		{
			name: "a_virtual_mac_with_a_nameplate_is_the_router_that_answers",
			said: join(
				[]said{bound(vrrpMAC+" 10.0.0.254", 0), bound(routerMAC+" 10.0.0.252", 0)},
				plate("10.0.0.254", "FOC1234", "C3560", 1), plate("10.0.0.252", "FOC1234", "C3560", 1)),
			want:  []string{routerMAC + "/10.0.0.252 " + vrrpMAC + "/10.0.0.254 C3560 FOC1234"},
			notes: vrrpMAC + " is shared by routers",
		},
		{
			name: "a_virtual_address_never_joins_its_two_routers",
			said: []said{
				bound(vrrpMAC+" 10.0.0.254", 0), bound(routerMAC+" 10.0.0.252", 0), bound(plcMAC+" 10.0.0.253", 0),
				{about: "10.0.0.254", key: "snmp.engineID", value: "8000000903001d9c0000fe"},
				{about: "10.0.0.254", key: "snmp.engineID", value: "8000000903001b1b000001"},
				{about: "10.0.0.252", key: "snmp.engineID", value: "8000000903001d9c0000fe"},
				{about: "10.0.0.253", key: "snmp.engineID", value: "8000000903001b1b000001"},
			},
			want:  []string{routerMAC + "/10.0.0.252", plcMAC + "/10.0.0.253", vrrpMAC + "/10.0.0.254"},
			notes: vrrpMAC + " is shared by routers",
		},
		{
			name: "a_locally_administered_mac_counts_in_its_segment_only",
			said: []said{bound(localMAC+" 10.0.0.1", 0), bound("cell-2!"+localMAC+" 10.0.0.1", 0)},
			want: []string{localMAC + "/10.0.0.1", localMAC + "/10.0.0.1"},
		},
		{
			name: "an_ip_that_moved_takes_nothing_along",
			said: []said{
				bound(plcMAC+" 10.0.0.1", 0),
				{about: "10.0.0.1", key: "dev.name", value: "old", at: 10},
				bound(plcMAC+" 10.0.0.1", 20),
				bound(hmiMAC+" 10.0.0.1", 5*day),
				{about: "10.0.0.1", key: "dev.name", value: "new", at: 5*day + 10},
			},
			want: []string{hmiMAC + "/10.0.0.1 new", plcMAC + " old"},
		},
		{
			name:  "an_ip_on_two_live_macs_joins_nothing",
			said:  []said{bound(plcMAC+" 10.0.0.1", 0), bound(hmiMAC+" 10.0.0.1", 1), bound(plcMAC+" 10.0.0.1", 30), bound(hmiMAC+" 10.0.0.1", 31)},
			want:  []string{hmiMAC + "/10.0.0.1", plcMAC + "/10.0.0.1"},
			notes: "10.0.0.1 is held by " + plcMAC + " too",
		},
		{
			name:  "two_answers_to_one_arp_request_are_two_holders",
			said:  []said{bound(plcMAC+" 10.0.0.1", 0), bound(hmiMAC+" 10.0.0.1", 0)},
			want:  []string{hmiMAC + "/10.0.0.1", plcMAC + "/10.0.0.1"},
			notes: "a duplicate address or a redundant pair",
		},
		{
			name: "segments_never_join_by_ip",
			said: []said{{about: "10.0.0.1", key: "dev.name", value: "a"}, {about: "cell-2!10.0.0.1", key: "dev.name", value: "b"}},
			want: []string{"10.0.0.1 a", "10.0.0.1 b"},
		},
		{
			name: "segments_join_by_mac",
			said: []said{bound(plcMAC+" 10.0.0.1", 5), bound("cell-2!"+plcMAC+" 10.0.0.1", 9)},
			want: []string{plcMAC + "/10.0.0.1 " + plcMAC + "/10.0.0.1"},
		},
		{
			name: "segments_join_by_serial",
			said: join(plate("10.0.0.1", "SC-4711", "CPU 315", 0), plate("cell-2!10.5.0.1", "SC 4711", "CPU 315", 5)),
			want: []string{"10.0.0.1 10.5.0.1 CPU 315 SC 4711"},
		},
		{
			name: "one_plc_with_two_cps",
			said: join([]said{bound(plcMAC+" 10.0.0.1", 0), bound(plcMAC2+" 10.1.0.1", 0)}, plate("10.0.0.1", "SC-4711", "CPU 315", 1), plate("10.1.0.1", "SC-4711", "CPU 315", 2)),
			want: []string{plcMAC + "/10.0.0.1 " + plcMAC2 + "/10.1.0.1 CPU 315 SC-4711"},
		},
		{
			name:  "two_live_macs_with_a_serial_and_no_model",
			said:  join([]said{bound(plcMAC+" 10.0.0.1", 0), bound(plcMAC2+" 10.1.0.1", 0)}, plate("10.0.0.1", "SC-4711", "", 1), plate("10.1.0.1", "SC-4711", "", 2)),
			want:  []string{plcMAC + "/10.0.0.1 SC-4711", plcMAC2 + "/10.1.0.1 SC-4711"},
			notes: "has the serial number of " + plcMAC2,
		},
		{
			name:  "two_models_with_one_serial",
			said:  join(plate("10.0.0.1", "SC-4711", "CPU 315", 1), plate("10.1.0.1", "SC-4711", "CP 343", 2)),
			want:  []string{"10.0.0.1 CPU 315 SC-4711", "10.1.0.1 CP 343 SC-4711"},
			notes: "the models differ",
		},
		{
			name: "a_swapped_network_card",
			said: join([]said{bound(plcMAC+" 10.0.0.1", 0), bound(plcMAC2+" 10.0.0.1", 9*day)},
				plate(plcMAC+" 10.0.0.1", "SC-4711", "", 1), plate(plcMAC2+" 10.0.0.1", "SC-4711", "", 9*day+1)),
			want: []string{plcMAC2 + "/10.0.0.1 " + plcMAC + " SC-4711"},
		},
		{
			name: "fillers_are_no_serial_numbers",
			said: join(plate("10.0.0.1", "0", "M", 0), plate("10.0.0.2", "0", "M", 0), plate("10.0.0.3", "123456", "M", 0), plate("10.0.0.4", "123456", "M", 0),
				plate("10.0.0.5", "To be filled by O.E.M.", "M", 0), plate("10.0.0.6", "To be filled by O.E.M.", "M", 0),
				plate("10.0.0.7", "XXXXXXXX", "M", 0), plate("10.0.0.8", "XXXXXXXX", "M", 0)),
			want: []string{
				"10.0.0.1 M 0", "10.0.0.2 M 0", "10.0.0.3 M 123456", "10.0.0.4 M 123456", "10.0.0.5 M To be filled by O.E.M.",
				"10.0.0.6 M To be filled by O.E.M.", "10.0.0.7 M XXXXXXXX", "10.0.0.8 M XXXXXXXX",
			},
		},
		{
			name: "a_serial_without_a_vendor_is_no_mark",
			said: []said{{about: "10.0.0.1", key: "dev.serial", value: "SC-4711"}, {about: "10.0.0.2", key: "dev.serial", value: "SC-4711"}},
			want: []string{"10.0.0.1 SC-4711", "10.0.0.2 SC-4711"},
		},
		{
			name: "a_switch_is_managed_at_another_address_than_its_port",
			said: []said{
				{about: plcMAC, key: "lldp.system-name", value: "sw1"},
				{about: plcMAC, key: "lldp.management-address", value: "10.0.0.1"},
				bound(plcMAC2+" 10.0.0.1", 0),
			},
			want: []string{plcMAC2 + "/10.0.0.1 " + plcMAC + " sw1"},
		},
		{
			name: "a_management_address_that_two_tell_is_nobodys",
			said: []said{
				{about: plcMAC, key: "lldp.management-address", value: "10.0.0.1"},
				{about: hmiMAC, key: "lldp.management-address", value: "10.0.0.1"},
				bound(plcMAC2+" 10.0.0.1", 0),
			},
			want: []string{hmiMAC, plcMAC, plcMAC2 + "/10.0.0.1"}, notes: "several devices tell it",
		},
		{
			name: "a_management_address_counts_in_its_segment",
			said: []said{{about: "cell-2!" + plcMAC, key: "lldp.management-address", value: "10.0.0.1"}, bound(plcMAC2+" 10.0.0.1", 0)},
			want: []string{plcMAC, plcMAC2 + "/10.0.0.1"},
		},
		{
			name: "the_ports_of_a_switch",
			said: []said{
				{about: plcMAC, key: "lldp.chassis-id", value: "x208"},
				{about: plcMAC, key: "lldp.system-name", value: "sw1"},
				{about: plcMAC2, key: "lldp.chassis-id", value: "x208"},
				{about: plcMAC2, key: "lldp.system-name", value: "sw1"},
				{about: hmiMAC, key: "lldp.chassis-id", value: plcMAC},
			},
			want: []string{hmiMAC + " " + plcMAC + " " + plcMAC2 + " sw1"},
		},
		{
			name: "a_chassis_name_counts_in_its_segment",
			said: []said{{about: plcMAC, key: "lldp.chassis-id", value: "sw1"}, {about: "cell-2!" + plcMAC2, key: "lldp.chassis-id", value: "sw1"}},
			want: []string{plcMAC, plcMAC2},
		},
		{
			name: "one_engine_id_at_two_addresses",
			said: []said{{about: "10.0.0.1", key: "snmp.engineID", value: "80001f8803001b1b000001"}, {about: "cell-2!10.2.0.1", key: "snmp.engineID", value: "0x80001F8803001B1B000001"}},
			want: []string{"10.0.0.1 10.2.0.1"},
		},
		{
			name: "an_engine_id_made_of_an_ip_counts_in_its_segment",
			said: []said{{about: "10.0.0.1", key: "snmp.engineID", value: "80001f88010a000001"}, {about: "cell-2!10.0.0.1", key: "snmp.engineID", value: "80001f88010a000001"}},
			want: []string{"10.0.0.1", "10.0.0.1"},
		},
		{
			name: "an_application_that_was_given_another_address",
			said: []said{{about: "10.0.0.1", key: "opcua.application-uri", value: "urn:plc7:server"}, {about: "10.1.0.1", key: "opcua.application-uri", value: "urn:plc7:server", at: day}},
			want: []string{"10.0.0.1 10.1.0.1"},
		},
		{
			name: "a_toolkits_application_name",
			said: []said{
				{about: "10.0.0.1", key: "opcua.application-uri", value: "urn:unconfigured:application"},
				{about: "10.1.0.1", key: "opcua.application-uri", value: "urn:unconfigured:application"},
			},
			want: []string{"10.0.0.1", "10.1.0.1"},
		},
		{
			name: "an_application_on_two_live_macs",
			said: []said{
				{about: plcMAC + " 10.0.0.1", key: "opcua.application-uri", value: "urn:plc7:server"},
				bound(plcMAC+" 10.0.0.1", 0),
				{about: plcMAC2 + " 10.0.0.2", key: "opcua.application-uri", value: "urn:plc7:server"},
				bound(plcMAC2+" 10.0.0.2", 0),
			},
			want:  []string{plcMAC + "/10.0.0.1", plcMAC2 + "/10.0.0.2"},
			notes: "OPC UA ApplicationUri",
		},
		{
			name: "a_new_firmware_replaces_the_old_one",
			said: []said{{about: "10.0.0.1", key: "dev.firmware", value: "1.0", at: 0, survey: "s-1"}, {about: "10.0.0.1", key: "dev.firmware", value: "0.9", at: 60, survey: "s-2"}},
			want: []string{"10.0.0.1 0.9"},
		},
		{
			name: "the_only_unit_is_the_device",
			said: []said{{about: "10.0.0.1 modbus-unit=1", key: "modbus.product-code", value: "M340"}},
			want: []string{"10.0.0.1 M340"},
		},
		{
			name: "units_that_say_the_same_are_the_device",
			said: []said{{about: "10.0.0.1 modbus-unit=1", key: "modbus.product-code", value: "M340"}, {about: "10.0.0.1 modbus-unit=255", key: "modbus.product-code", value: "M340"}},
			want: []string{"10.0.0.1 M340"},
		},
		{
			name: "units_that_differ_are_behind_a_gateway",
			said: []said{{about: "10.0.0.1 modbus-unit=20", key: "modbus.product-code", value: "PM5"}, {about: "10.0.0.1 modbus-unit=3", key: "modbus.product-code", value: "PM3"}},
			want: []string{"10.0.0.1 +modbus-unit=3 +modbus-unit=20"},
		},
		{
			name: "a_unit_beside_the_gateways_own_nameplate",
			said: []said{{about: "10.0.0.1", key: "modbus.product-code", value: "GW"}, {about: "10.0.0.1 modbus-unit=3", key: "modbus.product-code", value: "PM3"}},
			want: []string{"10.0.0.1 GW +modbus-unit=3"},
		},
		{
			name: "a_unit_that_says_what_the_device_says",
			said: []said{
				{about: "10.0.0.1", key: "modbus.product-code", value: "M340"},
				{about: "10.0.0.1", key: "modbus.vendor-name", value: "Schneider"},
				{about: "10.0.0.1 modbus-unit=1", key: "modbus.product-code", value: "M340"},
			},
			want: []string{"10.0.0.1 M340"},
		},
		{
			name: "another_server_that_a_server_lists",
			said: []said{{about: "10.0.0.1", key: "dev.model", value: "LDS"}, {about: "10.0.0.1 endpoint=urn:plc7", key: "dev.model", value: "CPU"}},
			want: []string{"10.0.0.1 LDS +endpoint=urn:plc7"},
		},
		{
			name: "the_chassis_row_is_the_device_and_modules_are_parts",
			said: []said{
				{about: "10.0.0.1 ent=1", key: "snmp.entPhysicalModelName", value: "IE-4000"},
				{about: "10.0.0.1 ent=7", key: "snmp.entPhysicalSerialNum", value: "PSU77"},
				{about: "10.0.0.1 ent=9", key: "snmp.entPhysicalDescr", value: "port"},
			},
			want: []string{"10.0.0.1 IE-4000 +ent=7"},
		},
		{
			name: "a_public_address_that_was_only_talked_to_is_nobody_here",
			said: []said{{about: "8.8.8.8", key: discovery.KeyService, value: "udp/53 dns"}, bound(plcMAC+" 141.2.3.4", 0), {about: "141.2.3.5", key: "dev.name", value: "ours"}},
			want: []string{"141.2.3.5 ours", plcMAC + "/141.2.3.4"},
		},
		{
			name: "no_host_no_asset",
			said: []said{{about: "224.0.0.5", key: "dev.name", value: "x"}, {about: "01:00:5e:00:00:05", key: "dev.name", value: "x"}, {about: "0.0.0.0", key: "dev.name", value: "x"}},
			want: nil,
		},
		{
			name:  "garbage_is_told",
			said:  []said{{about: "10.0.0.1", key: discovery.KeyNotUnderstood, value: "modbus: length 70000"}},
			want:  []string{"10.0.0.1"},
			notes: "answered, not understood: modbus: length 70000",
		},
	}
}

func TestWhoIsWho(t *testing.T) {
	for _, c := range slices.Concat(traps(), told(), plants()) {
		t.Run(c.name, func(t *testing.T) {
			things := Rules{Identify: identify}.Resolve(sightings(t, c.said))
			got := lines(things)
			want := slices.Clone(c.want)
			slices.Sort(got)
			slices.Sort(want)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("things (-want +got):\n%s", diff)
			}
			var notes []string
			for _, thing := range things {
				notes = append(notes, thing.Asset.Notes...)
			}
			if all := strings.Join(notes, "\n"); c.notes == "" && all != "" || !strings.Contains(all, c.notes) {
				t.Errorf("notes: got %q, want %q", all, c.notes)
			}
		})
	}
}

// TestOrderDoesNotMatter resolves everything that the traps say, in many orders and cuts, in one plant.
func TestOrderDoesNotMatter(t *testing.T) {
	var all []said
	for i, c := range slices.Concat(traps(), told(), plants()) {
		for _, s := range c.said {
			// Each trap in a segment of its own; MACs and serial numbers are shared by all.
			if segment, rest, ok := strings.Cut(s.about, "!"); ok {
				s.about = c.name + segment + "!" + rest
			} else {
				s.about = c.name + "!" + s.about
			}
			s.at += i
			all = append(all, s)
		}
	}
	rules := Rules{Identify: identify}
	want := rules.Resolve(sightings(t, all))
	random := rand.New(rand.NewPCG(1, 2))
	for range 50 {
		random.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		given := sightings(t, all)
		random.Shuffle(len(given), func(i, j int) { given[i], given[j] = given[j], given[i] })
		if diff := cmp.Diff(want, rules.Resolve(given), cmp.Comparer(func(a, b discovery.Subject) bool { return a == b })); diff != "" {
			t.Fatalf("another order gave other things (-first +this):\n%s", diff)
		}
	}
}

func TestTheSensorIsNoAsset(t *testing.T) {
	mac, err := discovery.ParseMAC(hmiMAC)
	if err != nil {
		t.Fatal(err)
	}
	things := Rules{Sensor: []discovery.MAC{mac}}.Resolve(sightings(t, []said{
		{about: hmiMAC + " 10.0.0.9", key: discovery.KeyBinding, value: "arp"},
		{about: "10.0.0.9", key: "dev.name", value: "laptop", at: 1},
		{about: plcMAC + " 10.0.0.1", key: discovery.KeyBinding, value: "arp"},
	}))
	if got := lines(things); !slices.Equal(got, []string{plcMAC + "/10.0.0.1"}) {
		t.Errorf("got %q", got)
	}
}
