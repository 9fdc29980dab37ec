package main

import (
	"golang.org/x/sys/windows/registry"
)

// firewall looks whether the system's firewall is on, which drops what a device answers to a broadcast: such answers come from an
// address that was not asked. The profiles stand in the registry under SharedAccess.
func firewall() []finding {
	const policy = `SYSTEM\CurrentControlSet\Services\SharedAccess\Parameters\FirewallPolicy\`
	var on []string
	for _, profile := range []struct{ key, name string }{{"DomainProfile", "domain"}, {"StandardProfile", "private"}, {"PublicProfile", "public"}} {
		key, err := registry.OpenKey(registry.LOCAL_MACHINE, policy+profile.key, registry.QUERY_VALUE)
		if err != nil {
			continue
		}
		value, _, err := key.GetIntegerValue("EnableFirewall")
		if err == nil && value != 0 {
			on = append(on, profile.name)
		}
		if err := key.Close(); err != nil {
			return []finding{{What: "firewall", State: "warn", Text: err.Error()}}
		}
	}
	return firewallFinding(on)
}
