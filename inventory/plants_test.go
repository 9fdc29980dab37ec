package inventory

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/walkdown-ot/walkdown/discovery"
)

// device is what a device of the tests says under an address: a realistic set of facts of several protocols.
type device struct {
	vendor, model, serial, name string
	more                        [][2]string // other facts
}

// says is what the device is heard to say under a subject at a time, in a survey.
func (d device) says(about string, at int, survey string) []said {
	var out []said
	for _, f := range append([][2]string{
		{"dev.vendor", d.vendor}, {"dev.model", d.model}, {"dev.serial", d.serial}, {"snmp.sysName", d.name}, {"dev.firmware", "2.8.1"},
	}, d.more...) {
		if f[1] != "" {
			out = append(out, said{about: about, key: discovery.Key(f[0]), value: f[1], at: at, survey: survey, mode: discovery.Asked})
		}
	}
	return out
}

// plants are whole scenes: what a walkdown of real networks hears, and who is who in it.
func plants() []trap {
	const hour, day = 3600, 86400
	arp := func(about string, at int, survey string) []said {
		return []said{{about: about, key: discovery.KeyBinding, value: "arp", at: at, survey: survey}}
	}
	lease := func(about string, at int, survey string) []said {
		return []said{{about: about, key: discovery.KeyBinding, value: "dhcp", at: at, survey: survey}, {about: about, key: discovery.KeyBinding, value: "arp", at: at + 1, survey: survey}}
	}
	only := func(about string, at int, survey, key, value string) []said {
		return []said{{about: about, key: discovery.Key(key), value: value, at: at, survey: survey}}
	}
	join := slices.Concat[[]said]
	cpu := device{vendor: "Siemens", model: "CPU 1511-1 PN", serial: "SC-J4U12345", name: "press-3-cpu"}
	drive := device{vendor: "Siemens", model: "CU320-2 PN", serial: "T-P62012345", name: "press-3-drive"}
	meter := device{vendor: "Schneider Electric", model: "PM5560", serial: "0451234567"}
	const (
		mac1, mac2, mac3 = "28:63:36:aa:00:01", "28:63:36:aa:00:02", "28:63:36:bb:44:10"
		apMAC            = "00:0e:8c:01:02:03"
		dongle           = "00:e0:4c:68:00:01"
		nic1, nic2       = "8c:ec:4b:00:00:01", "8c:ec:4b:77:00:02"
	)
	pc := func(name, serial string) device {
		return device{vendor: "Dell", model: "OptiPlex 7060", serial: serial, name: name}
	}
	scenes := []trap{
		{
			name: "a_device_that_went_to_another_cell_is_the_same",
			said: join(arp(mac1+" 10.0.0.1", 0, "s-1"), cpu.says("10.0.0.1", 1, "s-1"),
				arp("cell-2!"+mac1+" 10.2.0.1", 30*day, "s-2"), cpu.says("cell-2!10.2.0.1", 30*day+1, "s-2")),
			want: []string{mac1 + "/10.0.0.1 " + mac1 + "/10.2.0.1 press-3-cpu CPU 1511-1 PN SC-J4U12345 2.8.1"},
		},
		{
			name: "a_lease_that_goes_round_is_not_kept",
			said: join(lease(nic1+" 10.0.0.101", 0, "s-1"), pc("eng-1", "5XK1").says("10.0.0.101", 5, "s-1"),
				lease(nic1+" 10.0.0.117", 3*day, "s-2"), pc("eng-1", "5XK1").says("10.0.0.117", 3*day+5, "s-2"),
				lease(nic2+" 10.0.0.101", 3*day+hour, "s-2"), pc("eng-2", "7QQ2").says("10.0.0.101", 3*day+hour+5, "s-2"),
				lease(nic1+" 10.0.0.130", 9*day, "s-3")),
			want: []string{nic1 + "/10.0.0.130 eng-1 OptiPlex 7060 5XK1 2.8.1", nic2 + "/10.0.0.101 eng-2 OptiPlex 7060 7QQ2 2.8.1"},
		},
		{
			name: "two_addresses_of_one_card_are_both_kept",
			said: join(lease(nic1+" 10.0.0.101", 0, "s-1"), arp(nic1+" 192.168.0.241", 5, "s-1"), arp(nic1+" 192.168.0.241", 3*day, "s-2"), lease(nic1+" 10.0.0.101", 3*day, "s-2")),
			want: []string{nic1 + "/10.0.0.101 " + nic1 + "/192.168.0.241"},
		},
		{
			name: "the_processors_of_one_plc_have_its_name",
			said: join(arp(mac1+" 10.0.0.1", 0, ""), cpu.says("10.0.0.1", 1, ""), arp(mac3+" 10.9.0.1", 2, ""), cpu.says("10.9.0.1", 3, "")),
			want: []string{mac1 + "/10.0.0.1 " + mac3 + "/10.9.0.1 press-3-cpu CPU 1511-1 PN SC-J4U12345 2.8.1"},
		},
		{
			name: "two_cards_in_one_cip_chassis",
			said: join(arp("00:00:bc:10:00:01 10.0.0.1", 0, ""), arp("00:00:bc:77:00:02 10.9.0.1", 0, ""),
				only("10.0.0.1", 1, "", "enip.serial", "0x0051823f"), only("10.9.0.1", 1, "", "enip.serial", "0x00a1b2c3"),
				only("10.0.0.1 slot=3", 2, "", "enip.physical-address", "00:00:bc:77:00:02"), only("10.0.0.1 slot=3", 2, "", "dev.model", "1756-ENBT/A")),
			want: []string{"00:00:bc:10:00:01/10.0.0.1 00:00:bc:77:00:02/10.9.0.1 +slot=3"},
		},
		{
			name: "a_card_in_another_chassis_that_it_forwards_to",
			said: join(arp("00:00:bc:10:00:01 10.0.0.1", 0, ""), arp("00:00:bc:77:00:02 10.9.0.1", 0, ""),
				only("10.0.0.1 slot=3/cip-port=2/slot=0", 2, "", "enip.physical-address", "00:00:bc:77:00:02")),
			want: []string{"00:00:bc:10:00:01/10.0.0.1 +slot=3/cip-port=2/slot=0", "00:00:bc:77:00:02/10.9.0.1"},
		},
		{
			name: "cip_vendor_and_serial_without_a_known_vendor",
			said: join(only("10.0.0.1", 0, "", "enip.vendor-id", "1251"), only("10.0.0.1", 0, "", "enip.serial", "0x60d1a2b3"),
				only("cell-2!10.2.0.1", 5, "", "enip.vendor-id", "1251"), only("cell-2!10.2.0.1", 5, "", "enip.serial", "0x60d1a2b3"),
				only("10.0.0.7", 0, "", "enip.vendor-id", "1251"), only("10.0.0.7", 0, "", "enip.serial", "0x00000001"),
				only("10.0.0.8", 0, "", "enip.vendor-id", "1251"), only("10.0.0.8", 0, "", "enip.serial", "0x00000001")),
			want: []string{"10.0.0.1 10.2.0.1", "10.0.0.7", "10.0.0.8"},
		},
		{
			name: "a_redundant_pair_that_shares_an_address",
			said: join(arp(mac1+" 10.0.0.10", 0, ""), arp(mac3+" 10.0.0.10", 20, ""), arp(mac1+" 10.0.0.10", 40, ""), arp(mac3+" 10.0.0.10", 60, ""),
				arp(mac1+" 10.0.0.11", 0, ""), cpu.says("10.0.0.11", 1, ""),
				arp(mac3+" 10.0.0.12", 0, ""), device{vendor: "Siemens", model: "CPU 1511-1 PN", serial: "SC-J4U99999", name: "press-3-cpu"}.says("10.0.0.12", 1, "")),
			want: []string{
				mac1 + "/10.0.0.10 " + mac1 + "/10.0.0.11 press-3-cpu CPU 1511-1 PN SC-J4U12345 2.8.1",
				mac3 + "/10.0.0.10 " + mac3 + "/10.0.0.12 press-3-cpu CPU 1511-1 PN SC-J4U99999 2.8.1",
			},
			notes: "a duplicate address or a redundant pair",
		},
		{
			name: "a_redundant_pair_behind_a_router_answers_in_turn",
			said: join(cpu.says("10.0.0.10", 0, "s-1"), device{vendor: "Siemens", model: "CPU 1511-1 PN", serial: "SC-J4U99999"}.says("10.0.0.10", 60, "s-1"),
				cpu.says("10.0.0.10", day, "s-2"), cpu.says("cell-2!10.2.0.1", day, "s-2")),
			want: []string{"10.0.0.10 press-3-cpu CPU 1511-1 PN SC-J4U12345 2.8.1", "10.2.0.1 press-3-cpu CPU 1511-1 PN SC-J4U12345 2.8.1"},
		},
		{
			name: "two_cells_with_the_same_virtual_gateway",
			said: join(arp(vrrpMAC+" 192.168.0.1", 0, ""), only("192.168.0.1", 1, "", "snmp.sysName", "gw-a"),
				arp("cell-2!"+vrrpMAC+" 192.168.0.1", hour, "s-2"), only("cell-2!192.168.0.1", hour, "s-2", "snmp.sysName", "gw-b")),
			want:  []string{vrrpMAC + "/192.168.0.1 gw-a", vrrpMAC + "/192.168.0.1 gw-b"},
			notes: "is shared by routers",
		},
		{
			name: "hsrp_of_two_routers",
			said: join(arp("00:00:0c:07:ac:0a 10.0.0.254", 0, ""), arp(routerMAC+" 10.0.0.252", 0, ""), arp("00:1d:9c:44:00:fe 10.0.0.253", 0, ""),
				only("00:1d:9c:44:00:fe 10.0.0.254", 1, "", "dev.name", "answers-now")),
			want:  []string{routerMAC + "/10.0.0.252", "00:1d:9c:44:00:fe/10.0.0.253", "00:00:0c:07:ac:0a/10.0.0.254 answers-now"},
			notes: "is shared by routers",
		},
		{
			name: "devices_behind_an_address_translator_are_not_the_router",
			said: join(arp(routerMAC+" 10.20.1.1", 0, ""), only(routerMAC, 0, "", "snmp.sysName", "mguard-7"),
				arp(routerMAC+" 10.20.1.5", 0, ""), cpu.says("10.20.1.5", 1, ""), arp(routerMAC+" 10.20.1.6", 0, ""), drive.says("10.20.1.6", 2, ""),
				// Inside, the same two are heard at the machine builder's addresses.
				arp("cell-2!"+mac1+" 192.168.0.5", hour, "s-2"), cpu.says("cell-2!192.168.0.5", hour+1, "s-2"),
				arp("cell-2!"+mac3+" 192.168.0.6", hour, "s-2"), drive.says("cell-2!192.168.0.6", hour+1, "s-2")),
			want: []string{
				routerMAC + "/10.20.1.1 mguard-7",
				"10.20.1.5 " + mac1 + "/192.168.0.5 press-3-cpu CPU 1511-1 PN SC-J4U12345 2.8.1",
				"10.20.1.6 " + mac3 + "/192.168.0.6 press-3-drive CU320-2 PN T-P62012345 2.8.1",
			},
			notes: "answers ARP for 2 addresses of other devices",
		},
		{
			name: "a_gateway_answers_under_one_address_for_two_devices_in_turn",
			said: join(cpu.says("10.20.1.5", 0, "s-1"), drive.says("10.20.1.5", 20, "s-1"), arp("cell-2!"+mac1+" 192.168.0.5", hour, "s-2"), cpu.says("cell-2!192.168.0.5", hour, "s-2")),
			want: []string{"10.20.1.5 press-3-drive CU320-2 PN T-P62012345 2.8.1", mac1 + "/192.168.0.5 press-3-cpu CPU 1511-1 PN SC-J4U12345 2.8.1"},
		},
		{
			name: "wireless_clients_that_share_the_mac_of_their_bridge",
			said: join(arp(apMAC+" 10.0.0.21", 0, ""), cpu.says("10.0.0.21", 1, ""), arp(apMAC+" 10.0.0.22", 0, ""), drive.says("10.0.0.22", 1, ""),
				arp(apMAC+" 10.0.0.23", 0, ""), device{vendor: "Moxa", model: "AWK-1131A", name: "bridge"}.says("10.0.0.23", 1, "")),
			want: []string{
				"10.0.0.21 press-3-cpu CPU 1511-1 PN SC-J4U12345 2.8.1", "10.0.0.22 press-3-drive CU320-2 PN T-P62012345 2.8.1",
				"10.0.0.23 bridge AWK-1131A 2.8.1",
			},
			notes: "is reached through " + apMAC,
		},
		{
			name: "one_device_may_speak_under_two_addresses_of_its_card",
			said: join(arp(mac1+" 10.0.0.1", 0, ""), cpu.says("10.0.0.1", 1, ""), arp(mac1+" 10.9.0.1", 0, ""), cpu.says("10.9.0.1", 2, "")),
			want: []string{mac1 + "/10.0.0.1 " + mac1 + "/10.9.0.1 press-3-cpu CPU 1511-1 PN SC-J4U12345 2.8.1"},
		},
		{
			name: "an_engine_id_that_was_cloned_with_the_disk",
			said: join(arp(nic1+" 10.0.0.1", 0, ""), only("10.0.0.1", 1, "", "snmp.engineID", "80001f8880a1b2c3d4e5f60718"), only("10.0.0.1", 1, "", "snmp.sysName", "debian"),
				arp("8c:ec:4b:99:00:01 10.0.0.2", 0, ""), only("10.0.0.2", 1, "", "snmp.engineID", "80001f8880a1b2c3d4e5f60718"), only("10.0.0.2", 1, "", "snmp.sysName", "scada-2")),
			want: []string{nic1 + "/10.0.0.1 debian", "8c:ec:4b:99:00:01/10.0.0.2 scada-2"}, notes: "the names differ",
		},
		{
			name: "an_engine_id_without_a_name_on_two_live_macs",
			said: join(arp(nic1+" 10.0.0.1", 0, ""), only("10.0.0.1", 1, "", "snmp.engineID", "80001f8880a1b2c3d4e5f60718"),
				arp("8c:ec:4b:99:00:01 10.0.0.2", 0, ""), only("10.0.0.2", 1, "", "snmp.engineID", "80001f8880a1b2c3d4e5f60718")),
			want: []string{nic1 + "/10.0.0.1", "8c:ec:4b:99:00:01/10.0.0.2"}, notes: "nothing else says that they are one",
		},
		{
			name: "a_router_with_one_engine_and_two_cards",
			said: join(arp("00:1d:9c:00:00:fe 10.0.0.254", 0, ""), only("10.0.0.254", 1, "", "snmp.engineID", "8000000903001d9c0000fe"), only("10.0.0.254", 1, "", "snmp.ipAdEntAddr", "10.1.0.254"),
				arp("cell-2!00:1d:9c:44:00:fe 10.1.0.254", 0, ""), only("cell-2!10.1.0.254", 1, "", "snmp.engineID", "8000000903001d9c0000fe"),
				only("cell-2!10.1.0.254", 1, "", "snmp.ifPhysAddress", "00:1d:9c:00:00:fe")),
			want: []string{"00:1d:9c:00:00:fe/10.0.0.254 00:1d:9c:44:00:fe/10.1.0.254"},
		},
		{
			name: "an_application_uri_in_every_machine_of_a_builder",
			said: join(arp(nic1+" 10.0.0.1", 0, ""), only("10.0.0.1", 1, "", "opcua.application-uri", "urn:machine:uaserver"),
				arp("8c:ec:4b:99:00:01 10.0.0.2", 0, ""), only("10.0.0.2", 1, "", "opcua.application-uri", "urn:machine:uaserver"),
				only("cell-2!10.0.0.1", 1, "", "opcua.application-uri", "urn:machine:uaserver")),
			want: []string{nic1 + "/10.0.0.1", "8c:ec:4b:99:00:01/10.0.0.2", "10.0.0.1"}, notes: "has the OPC UA ApplicationUri of",
		},
		{
			name: "a_bacnet_instance_that_two_controllers_were_given",
			said: join(only("10.0.0.1", 0, "", "bacnet.device-instance", "1001"), only("10.0.0.1", 0, "", "dev.name", "ahu-1"),
				only("10.0.0.2", 5, "", "bacnet.device-instance", "1001"), only("10.0.0.2", 5, "", "dev.name", "ahu-2")),
			want: []string{"10.0.0.1 ahu-1", "10.0.0.2 ahu-2"}, notes: "has the BACnet device instance of",
		},
		{
			name: "a_bacnet_device_that_got_another_address",
			said: join(only("10.0.0.1", 0, "s-1", "bacnet.device-instance", "1001"), only("10.0.0.1", 0, "s-1", "dev.name", "ahu-1"),
				only("10.0.0.9", day, "s-2", "bacnet.device-instance", "1001"), only("10.0.0.9", day, "s-2", "dev.name", "ahu-1")),
			want: []string{"10.0.0.1 10.0.0.9 ahu-1"},
		},
		{
			name: "the_bacnet_instance_of_who_was_given_none",
			said: join(only("10.0.0.1", 0, "s-1", "bacnet.device-instance", "4194303"), only("10.0.0.9", day, "s-2", "bacnet.device-instance", "4194303")),
			want: []string{"10.0.0.1", "10.0.0.9"},
		},
		{
			name: "host_names_of_a_disk_image",
			said: join(arp(nic1+" 10.0.0.1", 0, ""), only("10.0.0.1", 1, "", "dev.name", "HMI-STD"), arp("8c:ec:4b:99:00:01 10.0.0.2", 0, ""), only("10.0.0.2", 1, "", "dev.name", "HMI-STD")),
			want: []string{nic1 + "/10.0.0.1 HMI-STD", "8c:ec:4b:99:00:01/10.0.0.2 HMI-STD"},
		},
		{
			name: "a_placeholder_that_nobody_knows_on_live_macs_of_one_model",
			said: join(arp("00:90:e8:10:00:01 10.0.0.1", 0, ""), device{vendor: "Moxa", model: "NPort 5110", serial: "SN-0815"}.says("10.0.0.1", 1, ""),
				arp("00:90:e8:55:00:02 10.0.0.2", 0, ""), device{vendor: "Moxa", model: "NPort 5110", serial: "SN-0815"}.says("10.0.0.2", 1, "")),
			want:  []string{"00:90:e8:10:00:01/10.0.0.1 NPort 5110 SN-0815 2.8.1", "00:90:e8:55:00:02/10.0.0.2 NPort 5110 SN-0815 2.8.1"},
			notes: "nothing else says that they are one",
		},
		{
			name: "two_switches_that_came_with_one_chassis_name",
			said: join(only("00:80:63:10:00:01", 0, "", "lldp.chassis-id", "switch"), only("00:80:63:10:00:02", 0, "", "lldp.chassis-id", "switch"),
				only("00:90:e8:77:00:01", 5, "", "lldp.chassis-id", "switch")),
			want:  []string{"00:80:63:10:00:01 00:80:63:10:00:02", "00:90:e8:77:00:01"}, // two ports of the one
			notes: "has the LLDP chassis id of",
		},
		{
			name: "a_stack_of_two_switches_with_one_name",
			said: join(only("00:80:63:10:00:01", 0, "", "lldp.chassis-id", "stack-1"), only("00:80:63:10:00:01", 0, "", "lldp.system-name", "stack-1"),
				only("00:90:e8:77:00:01", 5, "", "lldp.chassis-id", "stack-1"), only("00:90:e8:77:00:01", 0, "", "lldp.system-name", "stack-1")),
			want: []string{"00:80:63:10:00:01 00:90:e8:77:00:01 stack-1"},
		},
		{
			name: "the_ports_of_a_profinet_device_and_its_own_mac",
			said: join(only(mac1, 0, "", "profinet.name-of-station", "press-3-io"), only(mac1, 0, "", "dev.model", "ET 200SP"),
				only(mac2, 5, "", "lldp.chassis-id", "press-3-io"), only("28:63:36:aa:00:03", 5, "", "lldp.profinet-chassis-mac", mac1)),
			want: []string{mac1 + " " + mac2 + " 28:63:36:aa:00:03 ET 200SP"},
		},
		{
			name: "a_profinet_device_that_replaces_another_one_takes_its_name_only",
			said: join(arp(mac1+" 10.0.0.3", 0, "s-1"), only(mac1, 0, "s-1", "profinet.name-of-station", "press-3-io"), device{vendor: "Siemens", model: "ET 200SP", serial: "S-1111"}.says(mac1, 1, "s-1"),
				arp(mac3+" 10.0.0.3", 9*day, "s-2"), only(mac3, 9*day, "s-2", "profinet.name-of-station", "press-3-io"), device{vendor: "Siemens", model: "ET 200SP", serial: "S-2222"}.says(mac3, 9*day, "s-2")),
			want: []string{mac3 + "/10.0.0.3 ET 200SP S-2222 2.8.1", mac1 + " ET 200SP S-1111 2.8.1"},
		},
		{
			name: "a_network_dongle_that_went_to_another_computer",
			said: join(arp(nic1+" 10.0.0.1", 0, "s-1"), pc("pc-a", "AAA111").says("10.0.0.1", 1, "s-1"), arp(dongle+" 192.168.0.99", 5, "s-1"), pc("pc-a", "AAA111").says("192.168.0.99", 6, "s-1"),
				arp(nic2+" 10.0.0.2", 9*day, "s-2"), pc("pc-b", "BBB222").says("10.0.0.2", 9*day+1, "s-2"), arp(dongle+" 192.168.0.99", 9*day+5, "s-2"), pc("pc-b", "BBB222").says("192.168.0.99", 9*day+6, "s-2")),
			want: []string{
				nic1 + "/10.0.0.1 pc-a OptiPlex 7060 AAA111 2.8.1",
				nic2 + "/10.0.0.2 " + dongle + "/192.168.0.99 pc-b OptiPlex 7060 BBB222 2.8.1",
			},
			notes: "took over " + dongle + " from another device",
		},
		{
			name: "a_computer_that_was_only_ever_seen_through_the_dongle_stays",
			said: join(arp(dongle+" 192.168.0.99", 5, "s-1"), pc("pc-a", "AAA111").says("192.168.0.99", 6, "s-1"),
				arp(dongle+" 192.168.0.50", 9*day, "s-2"), pc("pc-b", "BBB222").says("192.168.0.50", 9*day+6, "s-2"),
				arp(dongle+" 192.168.0.51", 19*day, "s-3"), pc("pc-c", "CCC333").says("192.168.0.51", 19*day+6, "s-3")),
			want: []string{
				"pc-a OptiPlex 7060 AAA111 2.8.1", "pc-b OptiPlex 7060 BBB222 2.8.1", dongle + "/192.168.0.51 pc-c OptiPlex 7060 CCC333 2.8.1",
			},
			notes: "was at " + dongle + " until",
		},
		{
			name: "a_device_that_was_replaced_at_an_address_behind_a_router",
			said: join(meter.says("10.8.0.5", 0, "s-1"), device{vendor: "Schneider Electric", model: "PM5560", serial: "0457654321"}.says("10.8.0.5", 40*day, "s-2")),
			want: []string{"PM5560 0451234567 2.8.1", "10.8.0.5 PM5560 0457654321 2.8.1"}, notes: "took over 10.8.0.5 from another device",
		},
		{
			name: "another_spelling_of_a_serial_number_is_no_other_device",
			said: join(device{vendor: "Siemens", model: "CPU 315", serial: "S C-J4U12345"}.says("10.8.0.5", 0, "s-1"), device{vendor: "Siemens", model: "CPU 315", serial: "SC-J4U12345 rev 2"}.says("10.8.0.5", 40*day, "s-2")),
			want: []string{"10.8.0.5 CPU 315 SC-J4U12345 rev 2 2.8.1"},
		},
		{
			name: "a_mac_that_was_copied_with_the_firmware",
			said: join(arp("00:0a:dc:00:00:01 192.168.0.5", 0, "s-1"), meter.says("192.168.0.5", 1, "s-1"),
				arp("cell-2!00:0a:dc:00:00:01 192.168.0.5", 2*hour, "s-2"), device{vendor: "Schneider Electric", model: "PM5560", serial: "0457654321"}.says("cell-2!192.168.0.5", 2*hour+1, "s-2")),
			want: []string{"00:0a:dc:00:00:01/192.168.0.5 PM5560 0451234567 2.8.1", "00:0a:dc:00:00:01/192.168.0.5 PM5560 0457654321 2.8.1"},
		},
		{
			name: "the_clock_jumps_a_year_while_two_devices_with_one_filler_are_heard",
			said: join(arp("00:90:e8:10:00:01 10.0.0.1", 0, "s-1"), device{vendor: "Moxa", serial: "SN-0815"}.says("10.0.0.1", 1, "s-1"),
				arp("00:90:e8:55:00:02 10.0.0.2", 365*day, "s-1"), device{vendor: "Moxa", serial: "SN-0815"}.says("10.0.0.2", 365*day, "s-1")),
			want:  []string{"00:90:e8:10:00:01/10.0.0.1 SN-0815 2.8.1", "00:90:e8:55:00:02/10.0.0.2 SN-0815 2.8.1"},
			notes: "they were seen at the same time",
		},
		{
			name: "the_clock_jumps_a_year_and_back",
			said: join(arp(mac1+" 10.0.0.1", 0, "s-1"), cpu.says("10.0.0.1", 1, "s-1"), arp(mac1+" 10.0.0.1", 365*day, "s-1"), cpu.says("10.0.0.1", 365*day, "s-1"),
				arp(mac1+" 10.0.0.1", 60, "s-2"), cpu.says("10.0.0.1", 60, "s-2")),
			want: []string{mac1 + "/10.0.0.1 press-3-cpu CPU 1511-1 PN SC-J4U12345 2.8.1"},
		},
		{
			name: "a_person_who_corrects_a_serial_number_replaces_no_device",
			said: join([]said{
				{about: "10.8.0.5", key: "person.vendor", value: "Moeller", mode: discovery.Person},
				{about: "10.8.0.5", key: "person.serial", value: "77000560", mode: discovery.Person},
				{about: "10.8.0.5", key: "person.serial", value: "66000111", mode: discovery.Person, at: day, survey: "s-2"},
			}),
			want: []string{"10.8.0.5 66000111"},
		},
		{
			name: "the_card_that_a_computer_names_behind_a_router",
			said: join(only("10.8.0.9", 0, "", "nbns.unit-id", nic1), only("10.8.0.9", 0, "", "dev.name", "HMI-7"), arp("cell-2!"+nic1+" 10.8.0.9", hour, "s-2")),
			want: []string{"10.8.0.9 " + nic1 + "/10.8.0.9 HMI-7"},
		},
	}

	// A core switch answers ARP for a whole network behind it, and has an address of its own.
	var proxy trap
	proxy.name, proxy.notes = "who_answers_arp_for_a_network_behind_it_gathers_nothing", "answers ARP for 13 addresses of other devices"
	proxy.said = join(only(routerMAC, 0, "", "snmp.sysName", "core-1"))
	proxy.want = append(proxy.want, routerMAC+" core-1")
	for i := 1; i <= 13; i++ {
		ip := fmt.Sprintf("10.30.0.%d", i)
		proxy.said = append(proxy.said, join(arp(routerMAC+" "+ip, i, ""), only(ip, i, "", "dev.name", fmt.Sprintf("io-%d", i)))...)
		proxy.want = append(proxy.want, fmt.Sprintf("%s io-%d", ip, i))
	}

	// A laptop of the maintenance gets another lease every week: that is no proxy.
	var churn trap
	churn.name = "thirty_leases_in_a_year_are_one_computer"
	for i := range 30 {
		churn.said = append(churn.said, lease(fmt.Sprintf("%s 10.0.0.%d", nic1, 100+i), i*12*day, fmt.Sprintf("s-%d", i+1))...)
	}
	churn.want = []string{nic1 + "/10.0.0.129"}

	// The machine builder's network is the same in every cell, with the same names and the same local MACs.
	var equal trap
	equal.name = "ten_cells_with_equal_networks"
	for i := range 10 {
		cell := fmt.Sprintf("cell-%d!", i+10)
		plc := device{vendor: "Siemens", model: "CPU 1212C", serial: fmt.Sprintf("SC-X%05d", 40+i), name: "plc_1"}
		equal.said = append(equal.said, join(
			arp(fmt.Sprintf("%s28:63:36:c0:%02x:01 192.168.0.1", cell, i), i*600, "s-1"), plc.says(cell+"192.168.0.1", i*600+1, "s-1"),
			arp(cell+localMAC+" 192.168.0.2", i*600, "s-1"), only(cell+"192.168.0.2", i*600, "s-1", "dev.name", "hmi_1"),
			only(cell+"192.168.0.3", i*600, "s-1", "lldp.chassis-id", "io_1"),
		)...)
		equal.want = append(equal.want, fmt.Sprintf("28:63:36:c0:%02x:01/192.168.0.1 plc_1 CPU 1212C SC-X%05d 2.8.1", i, 40+i), localMAC+"/192.168.0.2 hmi_1", "192.168.0.3")
	}

	// One walk around: the laptop is plugged in at ten points, and the plant's own server, whose MAC is heard at each, is one.
	var walk trap
	walk.name = "the_same_server_at_ten_plug_in_points"
	addresses := ""
	for i := range 10 {
		point := fmt.Sprintf("point-%02d!", i)
		walk.said = append(walk.said, join(arp(point+nic1+" 10.0.0.1", i*900, fmt.Sprintf("s-%d", i+1)), pc("historian", "HIST01").says(point+"10.0.0.1", i*900+1, fmt.Sprintf("s-%d", i+1)),
			only(point+nic1, i*900, fmt.Sprintf("s-%d", i+1), "lldp.system-name", "historian"))...)
		addresses += nic1 + "/10.0.0.1 "
	}
	walk.want = []string{addresses + "historian OptiPlex 7060 HIST01 2.8.1"}

	// Two mirror ports hand on each frame, one with the tag of its VLAN and one without, a moment later.
	var doubled trap
	doubled.name = "every_frame_heard_twice"
	for _, s := range join(arp(mac1+" 10.0.0.1", 0, ""), cpu.says(mac1+" 10.0.0.1", 1, ""), arp(mac3+" 10.0.0.2", 0, ""), drive.says("10.0.0.2", 1, "")) {
		again := s
		again.about, again.at = "@20 "+s.about, s.at+1
		doubled.said = append(doubled.said, s, again)
	}
	doubled.want = []string{mac1 + "/10.0.0.1 press-3-cpu CPU 1511-1 PN SC-J4U12345 2.8.1", mac3 + "/10.0.0.2 press-3-drive CU320-2 PN T-P62012345 2.8.1"}

	return append(scenes, proxy, churn, equal, walk, doubled)
}

func TestDecisionsOfPeople(t *testing.T) {
	mac := func(v string) Mark { return Mark{Kind: MarkMAC, Site: "works", Value: v} }
	ip := func(v string) Mark { return Mark{Kind: MarkIP, Site: "works", Segment: "cell-1", Value: v} }
	d := func(n int, kind string, ours, theirs []Mark) Decision {
		return Decision{ID: fmt.Sprintf("d-%d", n), UID: fmt.Sprint(n), Time: at(n), Kind: kind, Operator: "ann", Addresses: ours, Others: theirs}
	}
	plate := func(about, serial string) []said {
		return device{vendor: "Siemens", model: "CPU 315", serial: serial}.says(about, 1, "")
	}
	three := slices.Concat(
		[]said{{about: plcMAC + " 10.0.0.1", key: discovery.KeyBinding, value: "arp"}, {about: plcMAC2 + " 10.0.0.2", key: discovery.KeyBinding, value: "arp"}},
		plate("10.0.0.1", "SC-4711"), plate("10.0.0.2", "SC-4711"), []said{{about: "10.0.0.3", key: "dev.name", value: "x"}})
	one, alone := plcMAC+"/10.0.0.1 "+plcMAC2+"/10.0.0.2 CPU 315 SC-4711 2.8.1", "10.0.0.3 x"
	undone := d(1, Split, []Mark{mac(plcMAC)}, []Mark{mac(plcMAC2)})
	undone.Undone = at(9)
	for _, c := range []struct {
		name      string
		said      []said
		decisions []Decision
		want      []string
	}{
		{"nobody_decided", three, nil, []string{alone, one}},
		{
			"split_where_the_rules_join", three,
			[]Decision{d(1, Split, []Mark{mac(plcMAC)}, []Mark{mac(plcMAC2)})},
			[]string{plcMAC + "/10.0.0.1 CPU 315 SC-4711 2.8.1", plcMAC2 + "/10.0.0.2 CPU 315 SC-4711 2.8.1", alone},
		},
		{
			"joined_where_the_rules_do_not", three,
			[]Decision{d(1, Merged, []Mark{mac(plcMAC)}, []Mark{ip("10.0.0.3")})},
			[]string{plcMAC + "/10.0.0.1 " + plcMAC2 + "/10.0.0.2 10.0.0.3 x CPU 315 SC-4711 2.8.1"},
		},
		{"a_decision_that_was_taken_back", three, []Decision{undone}, []string{alone, one}},
		{
			"the_later_one_counts", three,
			[]Decision{d(1, Split, []Mark{mac(plcMAC)}, []Mark{mac(plcMAC2)}), d(2, Merged, []Mark{mac(plcMAC)}, []Mark{mac(plcMAC2)})},
			[]string{alone, one},
		},
		{
			"the_later_split_counts", three,
			[]Decision{d(2, Split, []Mark{mac(plcMAC)}, []Mark{mac(plcMAC2)}), d(1, Merged, []Mark{mac(plcMAC)}, []Mark{mac(plcMAC2), ip("10.0.0.3")})},
			[]string{plcMAC + "/10.0.0.1 10.0.0.3 x CPU 315 SC-4711 2.8.1", plcMAC2 + "/10.0.0.2 CPU 315 SC-4711 2.8.1"},
		},
		{
			"an_address_that_got_a_mac_since", append(slices.Clone(three), said{about: hmiMAC + " 10.0.0.3", key: discovery.KeyBinding, value: "arp", at: 5}),
			[]Decision{d(1, Merged, []Mark{mac(plcMAC)}, []Mark{ip("10.0.0.3")})},
			[]string{plcMAC + "/10.0.0.1 " + plcMAC2 + "/10.0.0.2 " + hmiMAC + "/10.0.0.3 x CPU 315 SC-4711 2.8.1"},
		},
		{
			"contradicting_serial_numbers_are_the_persons_matter", slices.Concat(plate("10.0.0.1", "SC-1111"), plate("10.0.0.2", "SC-2222")),
			[]Decision{d(1, Merged, []Mark{ip("10.0.0.1")}, []Mark{ip("10.0.0.2")})},
			[]string{"10.0.0.1 10.0.0.2 CPU 315 SC-1111 2.8.1"},
		},
		{
			"an_ip_that_a_bridge_answers_for", slices.Concat([]said{
				{about: plcMAC + " 10.0.0.1", key: discovery.KeyBinding, value: "arp"}, {about: plcMAC + " 10.0.0.2", key: discovery.KeyBinding, value: "arp"},
			}, []said{{about: "10.0.0.2", key: "dev.name", value: "client", at: 1}, {about: plcMAC, key: "dev.model", value: "bridge", at: 1}}),
			[]Decision{d(1, Split, []Mark{mac(plcMAC)}, []Mark{ip("10.0.0.2")})},
			[]string{plcMAC + "/10.0.0.1 bridge", "10.0.0.2 client"},
		},
		{"about_nobody_here", three, []Decision{d(1, Split, []Mark{mac(hmiMAC)}, []Mark{mac(plcMAC2)})}, []string{alone, one}},
	} {
		t.Run(c.name, func(t *testing.T) {
			rules := Rules{Identify: identify, Decisions: c.decisions}
			got := lines(rules.Resolve(sightings(t, c.said)))
			slices.Sort(got)
			slices.Sort(c.want)
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("things (-want +got):\n%s", diff)
			}
		})
	}
}

func TestWhyAddressesAreOneAsset(t *testing.T) {
	cpu := device{vendor: "Siemens", model: "CPU 315", serial: "SC-4711"}
	things := Rules{
		Identify:  identify,
		Decisions: []Decision{{ID: "d-1", Kind: Merged, Operator: "ann", Reason: "same cabinet", Addresses: []Mark{{Kind: MarkMAC, Site: "works", Value: plcMAC}}, Others: []Mark{{Kind: MarkMAC, Site: "works", Value: hmiMAC}}}},
	}.Resolve(sightings(t, slices.Concat([]said{
		{about: plcMAC + " 10.0.0.1", key: discovery.KeyBinding, value: "arp"},
		{about: plcMAC2 + " 10.0.0.2", key: discovery.KeyBinding, value: "arp"},
		{about: hmiMAC + " 10.0.0.3", key: discovery.KeyBinding, value: "arp"},
	}, cpu.says("10.0.0.1", 1, ""), cpu.says("10.0.0.2", 1, ""))))
	want := []Join{
		{By: "decision", Value: "d-1 by ann: same cabinet", Addresses: []string{plcMAC, hmiMAC}},
		{By: "serial number", Value: "SIEMENS/SC4711", Addresses: []string{plcMAC, plcMAC2}},
	}
	if len(things) != 1 {
		t.Fatalf("%d things", len(things))
	}
	for i := range things[0].Asset.Joined {
		slices.Sort(things[0].Asset.Joined[i].Addresses)
		slices.Sort(want[i].Addresses)
	}
	if diff := cmp.Diff(want, things[0].Asset.Joined); diff != "" {
		t.Errorf("joined (-want +got):\n%s", diff)
	}
}

// BenchmarkClones resolves devices that all have one SNMP engine id: a disk image that a maker ships.
func BenchmarkClones(b *testing.B) {
	const devices = 10_000
	list := make([]Sighting, 0, devices)
	for i := range devices {
		s := discovery.Subject{Site: "works", Segment: "cell-1", MAC: discovery.MAC{0x28, 0x63, byte(i >> 12), byte(i >> 4), byte(i << 4), 1}}
		list = append(list, Sighting{Subject: s, Evidence: []Evidence{
			{Subject: s, Mode: discovery.Asked, Fact: discovery.NewFact(keyEngineID, "80001f8880a1b2c3d4e5f60718"), First: at(i), Last: at(i + 5)},
		}})
	}
	for b.Loop() {
		if things := (Rules{Identify: identify}).Resolve(list); len(things) != devices {
			b.Fatal(len(things))
		}
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/devices, "µs/device")
}
