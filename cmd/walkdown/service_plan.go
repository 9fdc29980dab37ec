package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/kardianos/service"
)

// servicePlan is what the service is to run.
type servicePlan struct {
	program, config, db, user string
	arguments                 []string
	writes                    []string // folders
	calendar                  []string // of a timer of systemd; none: it runs always
	jitter                    time.Duration
}

// planService looks at the configuration as the service will.
func (a *app) planService(timer bool) (servicePlan, error) {
	var p servicePlan
	if a.common.Config == "" {
		return p, usage("for example: walkdown service install --config /etc/walkdown.yaml", "a service needs a configuration: --config FILE")
	}
	file, err := loadConfig(a.common.Config)
	if err != nil {
		return p, err
	}
	for _, key := range []string{"interface", "schedule"} {
		if _, ok := file.values[key]; !ok {
			return p, usage("docs/configuration.md has an example", "the configuration %s has no %s", a.common.Config, key)
		}
	}
	if p.program, err = os.Executable(); err != nil {
		return p, fmt.Errorf("look for this program: %w", err)
	}
	if p.config, err = filepath.Abs(a.common.Config); err != nil {
		return p, err
	}
	if p.db, err = filepath.Abs(a.common.DB); err != nil {
		return p, err
	}
	if info, err := os.Stat(filepath.Dir(p.db)); err != nil || !info.IsDir() {
		return p, failed(fmt.Errorf("the folder of the inventory %s is not there", p.db), "make it, or name another inventory with db: in the configuration")
	}
	p.writes = []string{filepath.Dir(p.db)}
	if own, ok := file.values["own-traffic"].(string); ok {
		if own, err = filepath.Abs(own); err != nil {
			return p, err
		}
		p.writes = append(p.writes, filepath.Dir(own))
	}
	p.arguments = []string{"run", "--config", p.config, "--db", p.db}
	line, _, _, err := parse(a, p.arguments)
	if err != nil {
		return p, err
	}
	calendar, err := line.Run.check()
	if err != nil {
		return p, err
	}
	if timer {
		p.arguments = slices.Insert(p.arguments, 1, "--once")
		if p.calendar, err = calendar.onCalendar(); err != nil {
			return p, err
		}
		p.jitter = line.Run.Jitter
	}
	p.user, err = configOwner(p.config)
	return p, err
}

// service is the plan for the system's service manager.
func (p servicePlan) service(unit string) (service.Service, error) {
	options := service.KeyValue{
		"KeepAlive": true, "RunAtLoad": true, // launchd
		"OnFailure": "restart", "OnFailureDelayDuration": "60s", // Windows
	}
	if unit != "" {
		options["SystemdScript"] = unit
	}
	return service.New(newProgram(nil), &service.Config{
		Name: serviceName, DisplayName: "walkdown", Description: "Keeps the inventory of a plant: surveys on a calendar.",
		Executable: p.program, Arguments: p.arguments, Option: options,
	})
}

// unit is the systemd unit: the rights to capture and to write beside the inventory, and nothing else.
func (p servicePlan) unit() (string, error) {
	for _, path := range slices.Concat([]string{p.program}, p.arguments, p.writes) {
		if strings.ContainsAny(path, "\"\\\n\r") || strings.Contains(path, "{{") {
			return "", usage("", "a systemd unit cannot name %q: rename it", path)
		}
	}
	quote := func(text string) string {
		text = strings.NewReplacer("%", "%%", "$", "$$").Replace(text)
		if strings.ContainsAny(text, " \t';") {
			return `"` + text + `"`
		}
		return text
	}
	words := []string{quote(p.program)}
	for _, word := range p.arguments {
		words = append(words, quote(word))
	}
	var folders []string
	for _, folder := range p.writes {
		folders = append(folders, `"`+strings.ReplaceAll(folder, "%", "%%")+`"`)
	}
	ownTmp := "PrivateTmp=yes\n"
	if slices.ContainsFunc(slices.Concat([]string{p.program}, p.arguments, p.writes), inTmp) {
		ownTmp = "" // it could not see them
	}
	// What always runs is started again when it fails. What a timer starts has done what it could when it was incomplete.
	ends, start := "Restart=on-failure\nRestartSec=60\nRestartPreventExitStatus=2\nSuccessExitStatus=130\n", "\n[Install]\nWantedBy=multi-user.target\n"
	if len(p.calendar) > 0 {
		ends, start = "Type=oneshot\nSuccessExitStatus=3 130\n", ""
	}
	return `[Unit]
Description=walkdown: keeps the inventory of a plant
Documentation=https://github.com/walkdown-ot/walkdown
After=network-online.target
Wants=network-online.target

[Service]
ExecStart=` + strings.Join(words, " ") + `
User=` + p.user + `
` + ends + `TimeoutStopSec=30
UMask=0077
# Frames are captured and sent; nothing else of root's is needed. Who cannot set the clock may still be asked how right it is: ProtectClock
# would forbid that too, and each survey keeps it.
AmbientCapabilities=CAP_NET_RAW CAP_NET_ADMIN
CapabilityBoundingSet=CAP_NET_RAW CAP_NET_ADMIN
NoNewPrivileges=yes
ProtectSystem=strict
ReadWritePaths=` + strings.Join(folders, " ") + `
ProtectHome=read-only
` + ownTmp + `PrivateDevices=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
RestrictAddressFamilies=AF_INET AF_INET6 AF_PACKET AF_NETLINK AF_UNIX
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
MemoryDenyWriteExecute=yes
SystemCallArchitectures=native
` + start, nil
}

// inTmp reports whether a path lies in one of the folders that PrivateTmp replaces.
func inTmp(path string) bool {
	return slices.ContainsFunc([]string{"/tmp/", "/var/tmp/"}, func(folder string) bool { return strings.HasPrefix(path+"/", folder) })
}
