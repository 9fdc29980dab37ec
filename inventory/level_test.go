package inventory

import (
	"slices"
	"strings"
	"testing"
)

func TestPropose(t *testing.T) {
	for name, c := range map[string]struct {
		asset       Asset
		roles       Roles
		level, kind string
		reason      string // a part of it
	}{
		"plc":                    {asset: Asset{Identity: Identity{Type: "plc"}}, roles: Roles{Asks: map[string]int{"s7": 2}, Serves: map[string]int{"modbus": 3}}, level: "1", reason: "type is plc"},
		"remote_io":              {asset: Asset{Identity: Identity{Type: "remote-io"}}, level: "1", reason: "belongs to a controller"},
		"hmi":                    {asset: Asset{Identity: Identity{Type: "hmi"}}, roles: Roles{Asks: map[string]int{"s7": 1}}, level: "2", reason: "asks one controller over s7"},
		"client_of_many":         {roles: Roles{Asks: map[string]int{"s7": 9, "modbus": 4}}, level: "2", kind: "scada-server", reason: "asks 9 controllers over modbus, s7"},
		"computer_that_asks":     {asset: Asset{Identity: Identity{Type: "server"}}, roles: Roles{Asks: map[string]int{"enip": 12}}, level: "2", reason: "asks 12 controllers"},
		"client_of_one":          {roles: Roles{Asks: map[string]int{"enip": 1}}, level: "2", kind: "hmi", reason: "panel or an engineering station"},
		"server_of_opcua":        {roles: Roles{Asks: map[string]int{"modbus": 5}, Serves: map[string]int{"opcua": 2}}, level: "3", kind: "historian", reason: "serves OPC UA to 2 clients"},
		"gateway_to_the_office":  {roles: Roles{Asks: map[string]int{"modbus": 1}, Serves: map[string]int{"opcua": 1}}, level: "3", kind: "gateway", reason: "serves OPC UA to one client"},
		"unknown_that_answers":   {roles: Roles{Serves: map[string]int{"modbus": 1}}, level: "1", reason: "answers one client over modbus"},
		"unknown_that_speaks":    {asset: Asset{Protocols: []string{"arp", "profinet", "snmp"}}, level: "1", reason: "it speaks profinet"},
		"office_client_of_opcua": {asset: Asset{Identity: Identity{Type: "workstation"}}, roles: Roles{Asks: map[string]int{"opcua": 2}}, level: "3", reason: "2 OPC UA servers"},
		"way_in":                 {asset: Asset{Identity: Identity{Type: "remote-access"}}, level: "3.5", reason: "way in"},
		"switch_has_none":        {asset: Asset{Identity: Identity{Type: "switch"}, Protocols: []string{"profinet"}}, roles: Roles{Serves: map[string]int{"profinet": 1}}},
		"printer_has_none":       {asset: Asset{Identity: Identity{Type: "printer"}}},
		"nothing_known":          {},
		"sensor_is_no_asset":     {asset: Asset{Role: "sensor"}, roles: Roles{Asks: map[string]int{"modbus": 40}}},
		"office_protocols_only":  {asset: Asset{Protocols: []string{"dns", "http"}}, roles: Roles{Asks: map[string]int{"dns": 1, "http": 30}}},
	} {
		t.Run(name, func(t *testing.T) {
			got := Propose(c.asset, c.roles)
			if got.Level != c.level || got.Type != c.kind || !strings.Contains(got.Reason, c.reason) || (got.Level == "") != (got.Reason == "") {
				t.Errorf("got %+v, want level %q, type %q, %q", got, c.level, c.kind, c.reason)
			}
		})
	}
}

func TestMatchability(t *testing.T) {
	sure := map[string]float32{"vendor": 0.99, "model": 0.97, "order_number": 0.97, "firmware": 0.98}
	for name, c := range map[string]struct {
		id          Identity
		by, missing []string
	}{
		"all":         {Identity{Vendor: "Siemens", Model: "CPU 1516-3 PN/DP", OrderNumber: "6ES7 516-3AN01-0AB0", Serial: "S C-1", Firmware: "2.6.0", CPE: "cpe:2.3:o:x:y:2.6.0:*:*:*:*:*:*:*", Confidences: sure}, []string{"cpe", "order_number", "model", "serial"}, nil},
		"no_version":  {Identity{Vendor: "Moxa", Model: "EDS-405A", Confidences: sure}, []string{"model"}, []string{"firmware", "cpe"}},
		"unsure":      {Identity{Vendor: "Moxa", Model: "EDS-405A", Firmware: "3.8", Confidences: map[string]float32{"vendor": 0.9, "model": 0.5, "firmware": 0.9}}, []string{"model"}, []string{"cpe", "confidence"}},
		"nothing":     {Identity{}, nil, []string{"vendor", "product", "firmware", "cpe"}},
		"only_vendor": {Identity{Vendor: "ABB", Confidences: sure}, nil, []string{"product", "firmware", "cpe"}},
		"no_vendor":   {Identity{Model: "X1", Firmware: "1", Confidences: sure}, nil, []string{"vendor", "cpe"}},
	} {
		got := MatchabilityOf(c.id)
		if !slices.Equal(got.By, c.by) || !slices.Equal(got.Missing, c.missing) {
			t.Errorf("%s: %+v, want by %v, missing %v", name, got, c.by, c.missing)
		}
	}
}
