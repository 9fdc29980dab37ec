package inventory_test

import (
	"errors"
	"testing"

	"github.com/walkdown-ot/walkdown/inventory"
)

func TestFinder(t *testing.T) {
	f := inventory.NewFinder(map[string]string{"a-0": "a-1"})
	things := devices("a-1 cell-1 192.168.0.5 mac=28:63:36:00:00:01", "a-2 cell-2 192.168.0.5 mac=28:63:36:00:00:02", "a-3 cell-2 192.168.0.6", "a-4 cell-2 192.168.0.7")
	things[0].Vendor, things[0].Serial = "Siemens", "S C-X4U12345"
	things[1].Vendor, things[1].Serial = "Siemens", "1111111"
	things[2].Vendor, things[2].Serial = "WAGO", "4711-08"
	things[3].Vendor, things[3].Serial = "Beckhoff", "4711-08"
	for _, a := range things {
		f.Add(a)
	}
	for name, c := range map[string]struct {
		who  inventory.Who
		want string // id by
		err  error
	}{
		"id":                        {inventory.Who{ID: "a-1", Serial: "4711-08"}, "a-1 id", nil},
		"id_of_before_a_merge":      {inventory.Who{ID: "a-0"}, "a-1 id", nil},
		"serial_in_other_spelling":  {inventory.Who{Serial: "sc-x4u12345"}, "a-1 serial", nil},
		"serial_of_two_by_vendor":   {inventory.Who{Serial: "4711 08", Vendor: "wago"}, "a-3 serial", nil},
		"serial_of_two":             {inventory.Who{Serial: "4711-08"}, "", inventory.ErrAmbiguous},
		"a_filler_is_no_serial":     {inventory.Who{Serial: "1111111"}, "", inventory.ErrUnidentified},
		"mac_in_other_spelling":     {inventory.Who{MACs: []string{"28-63-36-00-00-02"}}, "a-2 mac", nil},
		"mac_of_another_segment":    {inventory.Who{MACs: []string{"28:63:36:00:00:02"}, Segment: "cell-1"}, "a-2 mac", nil},
		"ip_with_segment":           {inventory.Who{IPs: []string{"192.168.0.5"}, Segment: "cell-2"}, "a-2 ip", nil},
		"ip_of_two_segments":        {inventory.Who{IPs: []string{"192.168.0.5"}}, "", inventory.ErrAmbiguous},
		"ip_of_one_segment":         {inventory.Who{IPs: []string{"192.168.0.6"}}, "a-3 ip", nil},
		"ip_in_the_wrong_segment":   {inventory.Who{IPs: []string{"192.168.0.6"}, Segment: "cell-1"}, "", inventory.ErrUnknown},
		"serial_and_mac_contradict": {inventory.Who{Serial: "S C-X4U12345", MACs: []string{"28:63:36:00:00:02"}}, "", inventory.ErrAmbiguous},
		"an_ip_may_have_moved":      {inventory.Who{Serial: "S C-X4U12345", IPs: []string{"192.168.0.6"}}, "a-1 serial", nil},
		"unknown":                   {inventory.Who{MACs: []string{"28:63:36:00:00:99"}}, "", inventory.ErrUnknown},
		"unknown_id":                {inventory.Who{ID: "a-99"}, "", inventory.ErrUnknown},
		"of_another_site":           {inventory.Who{Serial: "S C-X4U12345", Site: "elsewhere"}, "", inventory.ErrUnknown},
		"a_name_finds_nothing":      {inventory.Who{Name: "press"}, "", inventory.ErrUnidentified},
	} {
		t.Run(name, func(t *testing.T) {
			id, by, err := f.Find(c.who)
			got := id + " " + by
			if err != nil {
				got = ""
			}
			if got != c.want || !errors.Is(err, c.err) {
				t.Errorf("got %q, %v; want %q, %v", got, err, c.want, c.err)
			}
		})
	}
}
