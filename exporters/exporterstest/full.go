package exporterstest

import (
	"net/netip"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/inventory"
)

// Full is an inventory in which every field of every type is used somewhere.
func Full() *Inventory {
	const (
		gateway   = "a-0000000000000003"
		meter     = "a-0000000000000004"
		panel     = "a-0000000000000006"
		plc       = "a-0000000000000001"
		router    = "a-0000000000000005"
		stranger  = "a-0000000000000007"
		twinPLC   = "a-0000000000000002"
		plcModel  = "CPU 1511-1 PN"
		plcVendor = "Siemens"
	)
	first := time.Date(2026, time.March, 2, 6, 0, 0, 0, time.UTC)
	last := time.Date(2026, time.March, 9, 6, 30, 0, 0, time.UTC)
	seen := func(a inventory.Asset) inventory.Asset {
		a.FirstSeen, a.LastSeen = first, last
		return a
	}
	plcIdentity := inventory.Identity{
		Vendor: plcVendor, Family: "SIMATIC S7-1500", Model: plcModel, OrderNumber: "6ES7 511-1AK02-0AB0",
		Hardware: "4", Firmware: "2.8.1", FirmwareRaw: "V2.8.1", Type: "plc",
		CPE:        "cpe:2.3:o:siemens:simatic_s7-1500_cpu_1511-1_pn_firmware:2.8.1:*:*:*:*:*:*:*",
		Confidence: 0.97, Confidences: map[string]float32{"vendor": 0.99, "family": 0.98, "model": 0.97, "hardware": 0.9, "firmware": 0.98, "cpe": 0.9},
	}
	withSerial := func(i inventory.Identity, serial string) inventory.Identity {
		i.Serial = serial
		return i
	}
	return &Inventory{
		Things: []inventory.Asset{
			seen(inventory.Asset{
				ID: plc, Site: "press-shop", Segment: "cell-1", Name: "press-3-cpu", Names: []string{"press-3-cpu", "PLC_1"},
				Identity:   withSerial(plcIdentity, "S C-X4UX12345678"),
				Addresses:  []inventory.Address{{MAC: "28:63:36:aa:bb:cc", IP: "10.20.30.11", VLAN: 20}, {MAC: "28:63:36:aa:bb:cd"}},
				Protocols:  []string{"modbus", "s7", "snmp"},
				Services:   []inventory.Service{{Transport: "tcp", Port: 102, Protocol: "s7"}, {Transport: "tcp", Port: 502, Protocol: "modbus"}, {Transport: "tcp", Port: 8080}},
				Neighbours: []inventory.Neighbour{{LocalPort: "X1 P1", Name: "cell-1-switch", RemotePort: "1/4", Via: "lldp"}, {Asset: panel, Via: "lldp"}},
				Components: []inventory.Component{
					{Path: "s7-rack=0/slot=4", Name: "DI 32", Identity: inventory.Identity{Vendor: plcVendor, OrderNumber: "6ES7 521-1BL00-0AB0", Serial: "S C-DI32", Hardware: "2", Confidence: 0.9}},
				},
				Annotations: map[string]string{
					"zone": "presses", "owner": "maintenance", "asset_number": "PR-3-001", "support_end": "2033-10-01", "criticality": "high",
					"location": "hall 2, cabinet 7", "remarks": "spare CPU in the store room",
				},
				Seen: inventory.SeenBoth,
			}),
			// The same product with the same factory name: it must stay another one.
			seen(inventory.Asset{
				ID: twinPLC, Site: "press-shop", Segment: "cell-2", Name: "press-3-cpu", Identity: withSerial(plcIdentity, "S C-X4UX12345679"),
				Addresses: []inventory.Address{{IP: "10.20.30.11"}, {IP: "10.20.40.11", Segment: "office"}}, Seen: inventory.SeenActive,
			}),
			seen(inventory.Asset{
				ID: gateway, Site: "press-shop", Segment: "cell-1",
				Identity: inventory.Identity{
					Vendor: "Schneider Electric", Model: "EGX150", Firmware: "5.1.0", FirmwareRaw: "V5.1.0", Software: "EGX 2.3", OS: "Linux 4.14", Type: "gateway",
					CPE: "cpe:2.3:o:schneider-electric:egx150_firmware:*:*:*:*:*:*:*:*", CPECandidate: "cpe:2.3:o:schneider-electric:egx150_firmware:5.1.0:*:*:*:*:*:*:*",
					Confidence: 0.9, Confidences: map[string]float32{"vendor": 0.95, "model": 0.9, "firmware": 0.9, "os": 0.5},
				},
				Addresses: []inventory.Address{{MAC: "00:80:f4:00:00:03", IP: "10.20.30.13", VLAN: 20}, {IP: "2001:db8::13"}},
				MACVendor: "Telemecanique Electrique", Protocols: []string{"modbus"},
				Services: []inventory.Service{{Transport: "tcp", Port: 502, Protocol: "modbus"}},
				Components: []inventory.Component{
					{Path: "modbus-unit=2", Identity: inventory.Identity{Vendor: "Schneider Electric", Family: "Altivar", Model: "ATV340U15N4E", Firmware: "3.1", FirmwareRaw: "V3.1", Type: "drive", Confidence: 0.9}},
				},
				Notes: []string{"answered, not understood: http", "showed distress while it was asked: unit 9 did not answer"}, Seen: inventory.SeenActive,
			}),
			seen(inventory.Asset{
				ID: meter, Site: "press-shop", Segment: "cell-1", Name: "feeder 7",
				Identity:  inventory.Identity{Vendor: "Schneider Electric", Model: "PM5560", Serial: "77000560", Firmware: "2.8.1", Type: "power-meter", Confidence: 0.9},
				Addresses: []inventory.Address{}, Via: gateway, Seen: inventory.SeenActive,
			}),
			seen(inventory.Asset{
				ID: router, Site: "press-shop", Segment: "cell-1",
				Identity: inventory.Identity{Type: "router"}, Role: "router", MACVendor: "Innominate Security Technologies AG",
				Addresses: []inventory.Address{{MAC: "00:0c:be:00:00:fe", IP: "10.20.30.1"}}, Seen: inventory.SeenPassive,
				Ports: []inventory.Port{
					{Name: "lan", Description: "to cell 1", MAC: "00:0c:be:00:00:fe", VLAN: 20},
					{Name: "wan"},
				},
			}),
			seen(inventory.Asset{
				ID: panel, Site: "press-shop", Segment: "cell-1", Name: "press-3-panel",
				Identity:   inventory.Identity{Vendor: plcVendor, Model: "TP1200 Comfort", Hardware: "11", Type: "hmi", Confidence: 0.8, Confidences: map[string]float32{"vendor": 0.9, "model": 0.8}},
				Addresses:  []inventory.Address{{MAC: "28:63:36:aa:bb:06", IP: "10.20.30.16"}},
				Neighbours: []inventory.Neighbour{{Asset: plc, Via: "lldp"}}, Seen: inventory.SeenPassive,
				Level: "2", LevelReason: "a hmi", Matchability: &inventory.Matchability{By: []string{"model"}, Missing: []string{"firmware", "cpe"}},
			}),
			seen(inventory.Asset{
				ID: stranger, Site: "press-shop", Segment: "cell-1", Addresses: []inventory.Address{{MAC: "02:00:00:00:00:07"}}, Seen: inventory.SeenPassive,
				ProposedType: "hmi", Level: "2", LevelReason: "asks 3 controllers",
			}),
		},
		Proofs: map[string][]inventory.Evidence{
			plc:     plcProofs(first, last),
			gateway: gatewayProofs(first, last),
		},
		Talks: []inventory.Conversation{
			{
				Client: plc, ClientIP: "10.20.30.11", ServerIP: "198.51.100.7", Transport: "tcp", Port: 8883, Packets: 40, Bytes: 9000,
				Frequency: "sporadic", FirstSeen: first, LastSeen: last, External: true,
			},
			{
				Client: panel, ClientIP: "10.20.30.16", Server: plc, ServerIP: "10.20.30.11", Transport: "tcp", Port: 102, Protocol: "s7", VLAN: 20,
				Packets: 1200, Bytes: 96000, Operations: []string{"read", "write"}, Frequency: "cyclic", MedianIntervalMS: 500,
				FirstSeen: first, LastSeen: last,
			},
			{
				ClientIP: "10.77.9.20", Server: gateway, ServerIP: "10.20.30.13", Transport: "tcp", Port: 502, Protocol: "modbus",
				Packets: 60, Bytes: 4000, Operations: []string{"read"}, Frequency: "periodic", MedianIntervalMS: 10_000, FirstSeen: first, LastSeen: last,
			},
			{
				Client: router, ClientIP: "203.0.113.5", Server: gateway, ServerIP: "10.20.30.13", Transport: "tcp", Port: 502, Protocol: "modbus",
				Packets: 2, Bytes: 120, Operations: []string{"write"}, Frequency: "one-off", FirstSeen: first, LastSeen: last, External: true,
			},
			{
				Client: plc, ClientMAC: "28:63:36:aa:bb:cc", Server: panel, ServerMAC: "28:63:36:aa:bb:06", Transport: "ethertype", Port: 0x8892,
				Protocol: "profinet", Packets: 90_000, Bytes: 5_400_000, Operations: []string{"read", "write"}, Frequency: "cyclic", MedianIntervalMS: 8,
				FirstSeen: first, LastSeen: last,
			},
		},
		Changed: []inventory.Change{
			{Time: last, Survey: "s-2", Asset: plc, Kind: "changed", Attribute: "firmware", Old: "2.8.0", New: "2.8.1", Via: "s7"},
			{Time: last, Survey: "s-2", Asset: stranger, Kind: "appeared", New: "02:00:00:00:00:07"},
			{Time: last, Survey: "s-2", Asset: plc, Kind: "external", Attribute: "tcp/8883", New: "198.51.100.7"},
		},
		Runs: []inventory.Survey{
			{
				ID: "s-1", Kind: "listen", Site: "press-shop", Segment: "cell-1", Sensor: "eth0", Started: first, Ended: first.Add(time.Hour), Outcome: "done",
				Counts: map[string]int{"frames": 90_000, "dropped": 0}, Version: "0.1.0",
			},
			{
				ID: "s-2", Kind: "survey", Site: "press-shop", Segment: "cell-1", Operator: "m.huber", Permission: "PTW-2026-113", Sensor: "eth0",
				Plug:  inventory.PlugInPoint{Switch: "00:0c:be:00:00:02", SwitchName: "cell-1-switch", Port: "1/8", GatewayMAC: "00:0c:be:00:00:fe", Address: "10.20.30.200/24"},
				Scope: []string{"10.20.30.0/24"}, Own: []string{"00:0c:be:00:00:c8", "10.20.30.200"}, Started: last.Add(-time.Hour), Ended: last,
				Outcome: "incomplete", Reasons: []string{"10.20.30.16 showed distress and was left alone"}, Counts: map[string]int{"questions": 22, "answered": 20},
				Troubles: []inventory.Trouble{{Protocol: "s7", Reason: "a message ends inside its header", Count: 2, Example: "10.20.30.11"}}, Version: "0.1.0",
			},
		},
		Sent: []inventory.LedgerEntry{
			{Time: last.Add(-31 * time.Minute), Survey: "s-2", Target: "10.20.30.11", Protocol: "enip", Request: "read-slot-identity", Bytes: "6f00", Outcome: "answered", RTTMS: 4},
			{Time: last.Add(-30 * time.Minute), Survey: "s-2", Target: "10.20.30.11", Protocol: "s7", Request: "connect", Setup: true, Bytes: "0300001611e0", Outcome: "answered", RTTMS: 3.25},
			{Time: last.Add(-29 * time.Minute), Survey: "s-2", Target: "10.20.30.16", Protocol: "modbus", Request: "identification", Bytes: "2b0e0100", Outcome: "reset", Note: "left alone for this run"},
		},
	}
}

func plcProofs(first, last time.Time) []inventory.Evidence {
	self := discovery.Subject{
		Site: "press-shop", Segment: "cell-1", IP: netip.MustParseAddr("10.20.30.11"),
		MAC: discovery.MAC{0x28, 0x63, 0x36, 0xaa, 0xbb, 0xcc}, VLAN: 20,
	}
	fact := func(mode discovery.Mode, f discovery.Fact) inventory.Evidence {
		return inventory.Evidence{
			Subject: self, Protocol: f.Key.Protocol(), Sensor: "eth0", Mode: mode, Fact: f, First: first, Last: last, Count: 3, Survey: "s-2",
		}
	}
	deduced := func(key discovery.Key, value string, confidence float32, rule string, from ...discovery.Key) inventory.Evidence {
		return fact(discovery.Deduced, discovery.Fact{Key: key, Value: value, Confidence: confidence, Rule: rule, From: from})
	}
	version := discovery.NewFact("s7.firmware", "V2.8.1")
	version.Raw = []byte{'V', 2, 8, 1}
	told := fact(discovery.Heard, discovery.NewFact("lldp.system-description", "Siemens, SIMATIC S7, CPU 1511-1 PN"))
	told.Teller = discovery.Subject{IP: netip.MustParseAddr("10.20.30.2")}
	const cpe = "cpe:2.3:o:siemens:simatic_s7-1500_cpu_1511-1_pn_firmware:2.8.1:*:*:*:*:*:*:*"
	return []inventory.Evidence{
		fact(discovery.Asked, discovery.NewFact("s7.module", "6ES7 511-1AK02-0AB0")),
		fact(discovery.Asked, version),
		told,
		fact(discovery.Person, discovery.NewFact(discovery.KeyHardware, "4")),
		deduced(discovery.KeyVendor, "Siemens", 0.99, "s7-order-number", "s7.module"),
		deduced(discovery.KeyVendor, "Siemens", 0.6, "oui", discovery.KeyMAC),
		deduced(discovery.KeyFamily, "SIMATIC S7-1500", 0.98, "s7-order-number", "s7.module"),
		deduced(discovery.KeyModel, "CPU 1511-1 PN", 0.97, "siemens-lldp", "lldp.system-description"),
		deduced(discovery.KeyModel, "CPU 1512", 0.2, "guess", "s7.module"), // the loser is not evidence for the winner
		deduced(discovery.KeyFirmware, "2.8.1", 0.98, "s7-firmware", "s7.firmware"),
		deduced(discovery.KeyCPE, cpe, 0.9, "siemens-cpe", discovery.KeyModel, discovery.KeyFirmware),
	}
}

func gatewayProofs(first, last time.Time) []inventory.Evidence {
	self := discovery.Subject{Site: "press-shop", Segment: "cell-1", IP: netip.MustParseAddr("10.20.30.13")}
	drive := self.At(discovery.PathModbusUnit, "2")
	fact := func(subject discovery.Subject, mode discovery.Mode, f discovery.Fact) inventory.Evidence {
		return inventory.Evidence{Subject: subject, Protocol: "modbus", Mode: mode, Fact: f, First: first, Last: last, Count: 1, Survey: "s-2"}
	}
	rule := func(subject discovery.Subject, key discovery.Key, value string, from discovery.Key) inventory.Evidence {
		return fact(subject, discovery.Deduced, discovery.Fact{Key: key, Value: value, Confidence: 0.9, Rule: "modbus-schneider", From: []discovery.Key{from}})
	}
	return []inventory.Evidence{
		fact(self, discovery.Asked, discovery.NewFact("modbus.product-code", "EGX150")),
		fact(self, discovery.Asked, discovery.NewFact("modbus.revision", "V5.1.0")),
		fact(drive, discovery.Asked, discovery.NewFact("modbus.product-code", "ATV340U15N4E")),
		fact(drive, discovery.Asked, discovery.NewFact("modbus.revision", "V3.1")),
		rule(self, discovery.KeyModel, "EGX150", "modbus.product-code"),
		rule(self, discovery.KeyFirmware, "5.1.0", "modbus.revision"),
		rule(drive, discovery.KeyModel, "ATV340U15N4E", "modbus.product-code"),
		rule(drive, discovery.KeyFirmware, "3.1", "modbus.revision"),
	}
}
