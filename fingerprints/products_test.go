package fingerprints

import (
	"testing"

	"github.com/walkdown-ot/walkdown/discovery"
)

// The maker's list of products speaks where the device does not name its model, and agrees where it does.
func TestListedProducts(t *testing.T) {
	e, err := Default()
	if err != nil {
		t.Fatal(err)
	}
	const catalyst = "1.3.6.1.4.1.9.1.1006"
	for name, c := range map[string]struct {
		facts []discovery.Fact
		want  map[discovery.Key]string
		sure  float32
	}{
		"alone":      {say("snmp.sysObjectID", catalyst), map[discovery.Key]string{discovery.KeyVendor: "Cisco", discovery.KeyFamily: "Catalyst", discovery.KeyModel: "2960-8TCS"}, 0.8},
		"over_cdp":   {say("cdp.system-object-id", catalyst), map[discovery.Key]string{discovery.KeyVendor: "Cisco", discovery.KeyModel: "2960-8TCS"}, 0.8},
		"own_word":   {say("snmp.sysObjectID", catalyst, "snmp.entPhysicalModelName", "WS-C2960-8TC-S", "snmp.entPhysicalClass", "chassis"), map[discovery.Key]string{discovery.KeyModel: "WS-C2960-8TC-S"}, 0.88},
		"both_agree": {say("snmp.sysObjectID", "1.3.6.1.4.1.207.1.14.114", "snmp.sysDescr", "Allied Telesis AT-SBx8106, AW+ v5.4.7"), map[discovery.Key]string{discovery.KeyModel: "AT-SBx8106"}, 0.9},
		"order":      {say("snmp.sysObjectID", "1.3.6.1.4.1.11.2.3.7.11.139"), map[discovery.Key]string{discovery.KeyOrderNumber: "J9775A"}, 0.8},
	} {
		t.Run(name, func(t *testing.T) {
			best := map[discovery.Key]discovery.Fact{}
			for _, f := range e.Identify(c.facts) {
				if _, ok := best[f.Key]; !ok {
					best[f.Key] = f
				}
			}
			for key, want := range c.want {
				if best[key].Value != want {
					t.Errorf("%s is %q, want %q", key, best[key].Value, want)
				}
			}
			if got := best[discovery.KeyModel]; got.Value != "" && got.Confidence < c.sure {
				t.Errorf("sure to %.2f, want %.2f", got.Confidence, c.sure)
			}
		})
	}
}
