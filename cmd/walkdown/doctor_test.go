package main

import "testing"

func TestAFirewallThatDropsAnswersIsTold(t *testing.T) {
	if f := firewallFinding(nil); f[0].State != "ok" || f[0].Hint != "" {
		t.Errorf("off: %+v", f)
	}
	if f := firewallFinding([]string{"private", "public"}); f[0].State != "warn" || f[0].Hint == "" {
		t.Errorf("on: %+v", f)
	}
}
