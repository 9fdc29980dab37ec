package inventory

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/walkdown-ot/walkdown/discovery"
)

// told are the cases of what switches and routers tell of themselves and of others.
func told() []trap {
	const sw, router = "10.0.0.250", "10.0.0.254"
	row := func(about string, at int) said {
		return said{about: about, key: discovery.KeyBinding, value: "table", at: at, teller: router, mode: discovery.Asked}
	}
	bound := func(about string, at int) said {
		return said{about: about, key: discovery.KeyBinding, value: "arp", at: at}
	}
	behind := func(about, port string, at int) said {
		return said{about: about, key: "snmp.dot1dTpFdbPort", value: port, at: at, teller: sw, mode: discovery.Asked}
	}
	ownMAC := func(about, mac string, at int) said {
		return said{about: about + " if=1", key: keyInterfaceMAC, value: mac, at: at, mode: discovery.Asked}
	}
	ownIP := func(about, ip string, at int) said {
		return said{about: about, key: keyOwnIP, value: ip, at: at, mode: discovery.Asked}
	}
	name := func(about, name string) said {
		return said{about: about, key: "snmp.sysName", value: name, at: 5, mode: discovery.Asked}
	}
	return []trap{
		{
			name: "a_host_that_only_a_router_and_a_switch_tell",
			said: []said{row(plcMAC+" 10.7.0.9", 0), behind(plcMAC, "Gi1/3", 5)},
			want: []string{plcMAC + "/10.7.0.9"},
		},
		{
			name: "what_a_host_shows_itself_beats_a_table_that_is_out_of_date",
			said: []said{bound(plcMAC+" 10.0.0.1", 0), row(hmiMAC+" 10.0.0.1", 60), {about: "10.0.0.1", key: "dev.name", value: "cpu", at: 70}},
			want: []string{plcMAC + "/10.0.0.1 cpu"},
		},
		{
			name: "a_table_beats_on_link",
			said: []said{row(plcMAC+" 10.7.0.9", 0), {about: routerMAC + " 10.7.0.9", key: discovery.KeyBinding, value: "on-link", at: 5}},
			want: []string{plcMAC + "/10.7.0.9"},
		},
		{
			name: "who_answers_arp_for_others_gathers_nothing",
			said: []said{
				row(routerMAC+" 10.7.0.1", 0), row(routerMAC+" 10.7.0.2", 0), row(routerMAC+" 10.7.0.3", 0), row(routerMAC+" 10.7.0.4", 0), row(routerMAC+" 10.7.0.5", 0),
			},
			want: []string{"10.7.0.1", "10.7.0.2", "10.7.0.3", "10.7.0.4", "10.7.0.5"},
		},
		{
			name:  "a_virtual_address_in_a_table",
			said:  []said{row(vrrpMAC+" 10.7.0.254", 0), row(routerMAC+" 10.7.0.252", 0)},
			want:  []string{routerMAC + "/10.7.0.252", vrrpMAC + "/10.7.0.254"},
			notes: vrrpMAC + " is shared by routers",
		},
		{
			name: "a_port_of_a_switch_that_another_one_has_learnt",
			said: []said{name("10.0.0.251", "sw-2"), ownMAC("10.0.0.251", plcMAC, 5), behind(plcMAC, "Gi1/1", 6)},
			want: []string{"10.0.0.251 " + plcMAC + " sw-2"},
		},
		{
			name: "a_made_up_or_shared_mac_joins_nothing",
			said: []said{
				name(router, "r-1"), ownMAC(router, vrrpMAC, 5), ownMAC(router, localMAC, 6), row(vrrpMAC+" 10.7.0.254", 0), behind(localMAC, "Gi1/2", 1),
			},
			want:  []string{router + " r-1", vrrpMAC + "/10.7.0.254", localMAC},
			notes: vrrpMAC + " is shared by routers",
		},
		{
			name: "a_router_that_is_asked_at_two_of_its_addresses",
			said: []said{
				name(router, "r-1"), ownIP(router, router, 5), ownIP(router, "10.9.0.254", 5),
				name("10.9.0.254", "r-1"), ownIP("10.9.0.254", router, 6), ownIP("10.9.0.254", "10.9.0.254", 6),
			},
			want: []string{router + " 10.9.0.254 r-1"},
		},
		{
			name: "another_address_of_a_switch",
			said: []said{name(sw, "sw-1"), ownIP(sw, "10.9.0.250", 5), {about: "10.9.0.250", key: "dev.firmware", value: "2.0", at: 6}},
			want: []string{sw + " 10.9.0.250 sw-1 2.0"},
		},
		{
			name: "a_default_address_that_two_tell_is_nobodys",
			said: []said{
				name(sw, "sw-1"), ownIP(sw, "192.168.1.254", 5), name("10.0.0.251", "sw-2"), ownIP("10.0.0.251", "192.168.1.254", 5),
				{about: "192.168.1.254", key: "dev.name", value: "laptop", at: 6},
			},
			want: []string{sw + " sw-1", "10.0.0.251 sw-2", "192.168.1.254 laptop"},
		},
		{
			name: "the_network_behind_a_router_may_be_used_here_too",
			said: []said{
				name(router, "r-1"), ownMAC(router, routerMAC, 5), ownIP(router, "192.168.0.1", 5), bound(hmiMAC+" 192.168.0.1", 6),
				{about: "192.168.0.1", key: "dev.name", value: "other", at: 7},
			},
			want: []string{router + " r-1", hmiMAC + "/192.168.0.1 other"},
		},
		{
			name: "serial_numbers_contradict_an_address",
			said: []said{
				{about: sw, key: "dev.vendor", value: "Moxa"},
				{about: sw, key: "dev.serial", value: "TBBI0001"},
				ownIP(sw, "10.9.0.250", 5),
				{about: "10.9.0.250", key: "dev.vendor", value: "Moxa"},
				{about: "10.9.0.250", key: "dev.serial", value: "TBBI0002"},
			},
			want: []string{sw + " TBBI0001", "10.9.0.250 TBBI0002"},
		},
		{
			name: "the_chassis_need_not_be_the_first_row",
			said: []said{
				{about: sw + " ent=149", key: keyEntClass, value: "chassis"},
				{about: sw + " ent=149", key: keyEntSerial, value: "FOC1"},
				{about: sw + " ent=22", key: keyEntClass, value: "module"},
				{about: sw + " ent=22", key: keyEntModel, value: "SFP"},
				ownMAC(sw, plcMAC, 1),
			},
			want: []string{sw + " FOC1 +ent=22"},
		},
		{
			name: "the_members_of_a_stack_are_parts",
			said: []said{
				{about: sw + " ent=1", key: keyEntClass, value: "stack"},
				{about: sw + " ent=1", key: keyEntModel, value: "stack of two"},
				{about: sw + " ent=1001", key: keyEntClass, value: "chassis"},
				{about: sw + " ent=1001", key: keyEntSerial, value: "FOC1"},
				{about: sw + " ent=2001", key: keyEntClass, value: "chassis"},
				{about: sw + " ent=2001", key: keyEntSerial, value: "FOC2"},
			},
			want: []string{sw + " stack of two +ent=1001 +ent=2001"},
		},
	}
}

func TestPorts(t *testing.T) {
	s := sightings(t, []said{
		{about: "10.0.0.1 if=10", key: keyPortName, value: "Gi1/10"},
		{about: "10.0.0.1 if=2", key: keyPortDescr, value: "GigabitEthernet1/2"},
		{about: "10.0.0.1 if=2", key: keyPortName, value: "Gi1/2"},
		{about: "10.0.0.1 if=2", key: keyPortAlias, value: "press 3"},
		{about: "10.0.0.1 if=2", key: keyInterfaceMAC, value: plcMAC},
		{about: "10.0.0.1 if=2", key: keyPortVLAN, value: "10", at: 1},
		{about: "10.0.0.1 if=2", key: keyPortVLAN, value: "20", at: 9, survey: "s-2"},
		{about: "10.0.0.1 if=3", key: keyInterfaceMAC, value: hmiMAC},
	})
	a := Rules{Identify: identify}.Resolve(s)[0].Asset
	want := []Port{{Name: "Gi1/2", Description: "press 3", MAC: plcMAC, VLAN: 20}, {Name: "Gi1/10"}}
	if diff := cmp.Diff(want, a.Ports); diff != "" || len(a.Components) > 0 {
		t.Errorf("%d components; ports (-want +got):\n%s", len(a.Components), diff)
	}
}
