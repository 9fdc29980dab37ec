package inventory

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/walkdown-ot/walkdown/discovery"
)

func TestIDsGoOn(t *testing.T) {
	mac := func(v string) Mark { return Mark{Kind: MarkMAC, Site: "works", Value: v} }
	ip := func(v string) Mark { return Mark{Kind: MarkIP, Site: "works", Segment: "cell-1", Value: v} }
	serial := func(v string) Mark { return Mark{Kind: MarkSerial, Site: "works", Value: v} }
	thing := func(marks ...Mark) Thing { return Thing{Marks: marks} }
	for _, c := range []struct {
		name   string
		before []Known
		things []Thing
		want   Matching
	}{
		{
			name:   "new",
			things: []Thing{thing(ip("10.0.0.1"))},
			want:   Matching{IDs: []string{"n1"}, New: []bool{true}},
		},
		{
			name:   "an_ip_gets_a_mac",
			before: []Known{{ID: "a", Born: "1", Marks: []Mark{ip("10.0.0.1")}}},
			things: []Thing{thing(mac("m1"), ip("10.0.0.1"))},
			want:   Matching{IDs: []string{"a"}, New: []bool{false}},
		},
		{
			name:   "merged_into_the_older",
			before: []Known{{ID: "young", Born: "2", Marks: []Mark{serial("S/1"), mac("m1")}}, {ID: "old", Born: "1", Marks: []Mark{mac("m2")}}},
			things: []Thing{thing(serial("S/1"), mac("m1"), mac("m2"))},
			want:   Matching{IDs: []string{"old"}, New: []bool{false}, Merged: []Merge{{From: "young", Into: "old"}}},
		},
		{
			name:   "split_at_the_strongest_mark",
			before: []Known{{ID: "a", Born: "1", Marks: []Mark{serial("S/1"), mac("m1"), mac("m2")}}},
			things: []Thing{thing(mac("m2")), thing(serial("S/1"), mac("m1"))},
			want:   Matching{IDs: []string{"n1", "a"}, New: []bool{true, false}, Split: []Merge{{From: "a", Into: "n1"}}},
		},
		{
			name:   "a_moved_ip_splits_nothing",
			before: []Known{{ID: "a", Born: "1", Marks: []Mark{mac("m1"), ip("10.0.0.1")}}},
			things: []Thing{thing(mac("m1")), thing(mac("m2"), ip("10.0.0.1"))},
			want:   Matching{IDs: []string{"a", "n1"}, New: []bool{false, true}},
		},
		{
			name:   "what_was_taken_for_a_host_is_a_router",
			before: []Known{{ID: "a", Born: "1", Marks: []Mark{mac("m1"), ip("10.9.0.1")}}},
			things: []Thing{thing(mac("m1")), thing(ip("10.9.0.1"))},
			want:   Matching{IDs: []string{"a", "n1"}, New: []bool{false, true}, Split: []Merge{{From: "a", Into: "n1"}}},
		},
		{
			name:   "a_copied_serial_does_not_lead_an_asset_into_another",
			before: []Known{{ID: "a", Born: "1", Marks: []Mark{serial("S/1"), mac("m1")}}, {ID: "b", Born: "2", Marks: []Mark{serial("S/1"), mac("m2")}}},
			things: []Thing{thing(serial("S/1"), mac("m1")), thing(serial("S/1"), mac("m2"))},
			want:   Matching{IDs: []string{"a", "b"}, New: []bool{false, false}},
		},
		{
			name:   "what_a_decision_cuts_off_is_the_new_one_even_with_the_stronger_marks",
			before: []Known{{ID: "a", Born: "1", Marks: []Mark{serial("S/1"), mac("m1"), mac("m2"), ip("10.0.0.2")}}},
			things: []Thing{thing(mac("m1")), {Marks: []Mark{serial("S/1"), mac("m2"), ip("10.0.0.2")}, Apart: true}},
			want:   Matching{IDs: []string{"a", "n1"}, New: []bool{false, true}, Split: []Merge{{From: "a", Into: "n1"}}},
		},
		{
			name:   "what_a_decision_cut_off_goes_on",
			before: []Known{{ID: "a", Born: "1", Marks: []Mark{serial("S/1"), mac("m1")}}, {ID: "n1", Born: "2", Marks: []Mark{serial("S/1"), mac("m2")}}},
			things: []Thing{thing(serial("S/1"), mac("m1")), {Marks: []Mark{serial("S/1"), mac("m2")}, Apart: true}},
			want:   Matching{IDs: []string{"a", "n1"}, New: []bool{false, false}},
		},
		{
			name:   "who_takes_over_an_address_is_no_part_of_who_had_it",
			before: []Known{{ID: "a", Born: "1", Marks: []Mark{serial("S/1"), mac("m1")}}},
			things: []Thing{thing(serial("S/1")), {Marks: []Mark{serial("S/2"), mac("m1")}, Took: []Mark{mac("m1")}}},
			want:   Matching{IDs: []string{"a", "n1"}, New: []bool{false, true}},
		},
		{
			name: "what_was_merged_in_comes_out_under_its_own_id",
			before: []Known{{
				ID: "a", Born: "1", Marks: []Mark{serial("S/2"), mac("m1"), mac("m2"), ip("10.0.0.2")},
				Took: []Past{{ID: "b", Born: "2", Marks: []Mark{serial("S/2"), mac("m2")}}},
			}},
			things: []Thing{thing(mac("m1")), thing(serial("S/2"), mac("m2"), ip("10.0.0.2"))},
			want: Matching{
				IDs: []string{"a", "b"}, New: []bool{false, false}, Split: []Merge{{From: "a", Into: "b"}},
				Revived: []Past{{ID: "b", Born: "2", Marks: []Mark{serial("S/2"), mac("m2")}}},
			},
		},
		{
			name: "each_gets_its_own_id_whichever_side_a_decision_cuts",
			before: []Known{{
				ID: "a", Born: "1", Marks: []Mark{serial("S/2"), mac("m1"), mac("m2"), ip("10.0.0.1"), ip("10.0.0.2")},
				Took: []Past{{ID: "b", Born: "2", Marks: []Mark{mac("m1")}}},
			}},
			things: []Thing{thing(mac("m1"), ip("10.0.0.1")), {Marks: []Mark{serial("S/2"), mac("m2"), ip("10.0.0.2")}, Apart: true}},
			want: Matching{
				IDs: []string{"b", "a"}, New: []bool{false, false}, Split: []Merge{{From: "a", Into: "b"}},
				Revived: []Past{{ID: "b", Born: "2", Marks: []Mark{mac("m1")}}},
			},
		},
		{
			name: "what_was_merged_in_stays",
			before: []Known{{
				ID: "a", Born: "1", Marks: []Mark{serial("S/2"), mac("m1"), mac("m2")},
				Took: []Past{{ID: "b", Born: "2", Marks: []Mark{serial("S/2"), mac("m2")}}},
			}},
			things: []Thing{thing(serial("S/2"), mac("m1"), mac("m2"))},
			want:   Matching{IDs: []string{"a"}, New: []bool{false}},
		},
		{
			name:   "gone",
			before: []Known{{ID: "a", Born: "1", Marks: []Mark{mac("m1")}}},
			want:   Matching{IDs: []string{}, New: []bool{}, Gone: []string{"a"}},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			n := 0
			got := Match(c.before, c.things, func() string { n++; return fmt.Sprintf("n%d", n) })
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("matching (-want +got):\n%s", diff)
			}
		})
	}
}

// compared puts two states of the inventory beside each other.
func compared(before, after []Asset) []Change {
	var d Differ
	was := map[string]Asset{}
	for _, a := range before {
		was[a.ID] = a
		d.Was(a)
	}
	for _, a := range after {
		for _, address := range a.Addresses {
			at := spotOf(a, address)
			d.Holds(at.site, at.segment, address)
		}
	}
	for _, a := range after {
		d.Compare(was[a.ID], a)
	}
	return d.Changes()
}

func TestDiffer(t *testing.T) {
	base := func(change func(*Asset)) Asset {
		a := Asset{
			ID: "a", Site: "works", Segment: "cell-1", Name: "cpu", Identity: Identity{Vendor: "Siemens", Firmware: "2.8"},
			Addresses: []Address{{MAC: plcMAC, IP: "10.0.0.1"}}, Services: []Service{{Transport: "tcp", Port: 102}},
			Components: []Component{{Path: "modbus-unit=3", Identity: Identity{Model: "PM3"}}},
		}
		change(&a)
		return a
	}
	same := func(*Asset) {}
	for _, c := range []struct {
		name          string
		before, after []Asset
		want          []Change
	}{
		{"appeared", nil, []Asset{base(same)}, []Change{{Asset: "a", Kind: Appeared, New: plcMAC + " 10.0.0.1"}}},
		{"entered_without_an_address", nil, []Asset{{ID: "b", Name: "feeder 7"}}, []Change{{Asset: "b", Kind: Appeared, New: "feeder 7"}}},
		{"nothing", []Asset{base(same)}, []Asset{base(same)}, nil},
		{
			"noise",
			[]Asset{base(same)},
			[]Asset{base(func(a *Asset) {
				a.LastSeen, a.Confidence, a.Notes, a.Names, a.Protocols, a.Seen = at(9), 0.5, []string{"n"}, []string{"x"}, []string{"s7"}, SeenBoth
			})},
			nil,
		},
		{
			"a_port_is_recognised",
			[]Asset{base(same)},
			[]Asset{base(func(a *Asset) { a.Services = []Service{{Transport: "tcp", Port: 102, Protocol: "s7"}} })},
			nil,
		},
		{
			"a_port_speaks_another_protocol",
			[]Asset{base(func(a *Asset) { a.Services = []Service{{Transport: "tcp", Port: 102, Protocol: "s7"}} })},
			[]Asset{base(func(a *Asset) { a.Services = []Service{{Transport: "tcp", Port: 102, Protocol: "mms"}} })},
			[]Change{{Asset: "a", Kind: Changed, Attribute: "service", Old: "tcp/102 s7", New: "tcp/102 mms"}},
		},
		{
			"a_module_is_swapped",
			[]Asset{base(func(a *Asset) { a.Components[0].Serial = "1" })},
			[]Asset{base(func(a *Asset) { a.Components[0].Serial = "2" })},
			[]Change{{Asset: "a", Kind: Changed, Attribute: "modbus-unit=3 serial", Old: "1", New: "2"}},
		},
		{
			"firmware",
			[]Asset{base(same)},
			[]Asset{base(func(a *Asset) { a.Firmware = "2.9" })},
			[]Change{{Asset: "a", Kind: Changed, Attribute: "firmware", Old: "2.8", New: "2.9"}},
		},
		{
			"a_card_was_swapped",
			[]Asset{base(same)},
			[]Asset{base(func(a *Asset) { a.Addresses = []Address{{MAC: plcMAC2, IP: "10.0.0.1"}, {MAC: plcMAC}} })},
			[]Change{
				{Asset: "a", Kind: Changed, Attribute: "mac", New: plcMAC2},
				{Asset: "a", Kind: Moved, Attribute: "address", Old: plcMAC + " 10.0.0.1", New: plcMAC2 + " 10.0.0.1"},
			},
		},
		{
			"an_ip_went_to_another_asset",
			[]Asset{base(same), {ID: "b", Site: "works", Segment: "cell-1", Addresses: []Address{{MAC: hmiMAC}}}},
			[]Asset{
				base(func(a *Asset) { a.Addresses = []Address{{MAC: plcMAC}} }),
				{ID: "b", Site: "works", Segment: "cell-1", Addresses: []Address{{MAC: hmiMAC, IP: "10.0.0.1"}}},
			},
			[]Change{
				{Asset: "b", Kind: Moved, Attribute: "address", Old: plcMAC + " 10.0.0.1", New: hmiMAC + " 10.0.0.1"},
			},
		},
		{
			"service_and_component",
			[]Asset{base(same)},
			[]Asset{base(func(a *Asset) {
				a.Services = append(a.Services, Service{Transport: "tcp", Port: 502, Protocol: "modbus"})
				a.Components = []Component{{Path: "modbus-unit=3", Identity: Identity{Model: "PM5"}}, {Path: "modbus-unit=4"}}
			})},
			[]Change{
				{Asset: "a", Kind: Changed, Attribute: "component", New: "modbus-unit=4"},
				{Asset: "a", Kind: Changed, Attribute: "modbus-unit=3 model", Old: "PM3", New: "PM5"},
				{Asset: "a", Kind: Changed, Attribute: "service", New: "tcp/502 modbus"},
			},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, compared(c.before, c.after)); diff != "" {
				t.Errorf("changes (-want +got):\n%s", diff)
			}
		})
	}
}

func TestNeighbours(t *testing.T) {
	got := Neighbours([]Wire{
		{Asset: "sw", Remote: "plc", Link: discovery.Link{LocalPort: "port 3", RemotePort: "x1", Via: "lldp"}},
		{Asset: "plc", Remote: "sw", Link: discovery.Link{LocalPort: "x1", Via: "lldp"}},
		{Asset: "plc", Remote: "sw", Link: discovery.Link{LocalPort: "x1", RemotePort: "port 3", Via: "lldp"}},
		{Asset: "sw", Link: discovery.Link{LocalPort: "port 4", RemoteName: "camera", Via: "lldp"}},
		{Asset: "sw", Link: discovery.Link{LocalPort: "port 5", Via: "lldp"}},
	})
	want := map[string][]Neighbour{
		"sw":  {{LocalPort: "port 3", Asset: "plc", RemotePort: "x1", Via: "lldp"}, {LocalPort: "port 4", Name: "camera", Via: "lldp"}},
		"plc": {{LocalPort: "x1", Asset: "sw", RemotePort: "port 3", Via: "lldp"}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("neighbours (-want +got):\n%s", diff)
	}
}

func TestFoldTellsServicesAndProtocols(t *testing.T) {
	s := sightings(t, []said{
		{about: "10.0.0.1", key: discovery.KeyService, value: "tcp/502 modbus"},
		{about: "10.0.0.1", key: "modbus.vendor-name", value: "Schneider Electric", mode: discovery.Asked, at: 5},
		{about: "10.0.0.1", key: "snmp.sysName", value: "m340", teller: "10.0.0.254"},
	})
	s[0].Talks = []Talk{
		{Service: Service{Transport: "tcp", Port: 502}, Server: true, Mode: discovery.Heard, First: at(1), Last: at(9)},
		{Service: Service{Transport: "tcp", Port: 44818, Protocol: "enip"}, Mode: discovery.Heard, First: at(1), Last: at(9)},
	}
	a := Rules{Identify: identify}.Resolve(s)[0].Asset
	want := Asset{
		Site: "works", Segment: "cell-1", Name: "m340", Names: []string{"m340"},
		Identity:  Identity{Vendor: "Schneider Electric", Confidence: 0.9, Confidences: map[string]float32{"vendor": 0.9}},
		Addresses: []Address{{IP: "10.0.0.1"}}, Protocols: []string{"enip", "modbus"}, Services: []Service{{Transport: "tcp", Port: 502, Protocol: "modbus"}},
		FirstSeen: at(0), LastSeen: at(9), Seen: SeenBoth,
	}
	if diff := cmp.Diff(want, a); diff != "" {
		t.Errorf("asset (-want +got):\n%s", diff)
	}
}

func TestParseService(t *testing.T) {
	for text, want := range map[string]Service{
		"tcp/502 modbus": {Transport: "tcp", Port: 502, Protocol: "modbus"}, "udp/161": {Transport: "udp", Port: 161},
		"tcp/99999": {}, "icmp/1": {}, "": {}, "tcp": {},
	} {
		if got, ok := ParseService(text); got != want || ok != (want != Service{}) {
			t.Errorf("%q: got %v %v", text, got, ok)
		}
	}
}
