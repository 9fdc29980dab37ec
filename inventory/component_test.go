package inventory

import "testing"

func TestSlotEcho(t *testing.T) {
	slot := func(path, model, serial string) Component {
		return Component{Path: path, Identity: Identity{Vendor: "Rockwell Automation", Model: model, Serial: serial}}
	}
	for name, c := range map[string]struct {
		list   []Component
		kept   int
		echoes int
	}{
		"every_slot_the_same": {[]Component{slot("cip-port=1/slot=0", "1756-ENBT", "00a1"), slot("cip-port=1/slot=1", "1756-ENBT", "00a1"), slot("cip-port=1/slot=2", "1756-ENBT", "00a1")}, 0, 3},
		"a_real_rack":         {[]Component{slot("cip-port=1/slot=0", "1756-L61", "00a2"), slot("cip-port=1/slot=1", "1756-ENBT", "00a1")}, 2, 0},
		"two_of_one_kind":     {[]Component{slot("cip-port=1/slot=0", "1756-L61", "00a2"), slot("cip-port=1/slot=1", "1756-L61", "00a3")}, 2, 0},
		"without_serial":      {[]Component{slot("cip-port=1/slot=0", "1756-IB16", ""), slot("cip-port=1/slot=1", "1756-IB16", "")}, 2, 0},
		"another_rack":        {[]Component{slot("cip-port=1/slot=0", "1756-ENBT", "00a1"), slot("cip-port=2/slot=0", "1756-ENBT", "00a1")}, 2, 0},
		"units_are_no_slots":  {[]Component{slot("modbus-unit=1", "PM710", "00a1"), slot("modbus-unit=2", "PM710", "00a1")}, 2, 0},
	} {
		kept, echoes := withoutEchoes(c.list)
		if len(kept) != c.kept || echoes != c.echoes {
			t.Errorf("%s: %d kept, %d echoes, want %d and %d", name, len(kept), echoes, c.kept, c.echoes)
		}
	}
}
