package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/kardianos/service"
)

// serviceName is what the system calls the service.
const serviceName = "walkdown"

type serviceCmd struct {
	Install serviceInstallCmd `cmd:"" help:"Let the system start walkdown run --config FILE, now and after every boot."`
	Remove  serviceRemoveCmd  `cmd:"" help:"Stop it and take the service away. The inventory and the configuration stay."`
	Status  serviceStatusCmd  `cmd:"" help:"Whether the service is there and runs."`
}

type serviceInstallCmd struct {
	Print bool `help:"Only print the systemd unit; install nothing."`
}

// Help is shown below the flags.
func (serviceInstallCmd) Help() string {
	return "The schedule and everything else stands in the file of --config, which stays where it is, with its owner and mode. On Linux with\n" +
		"systemd the unit runs as the owner of that file, with the rights to capture and nothing else; on Windows and macOS as the system."
}

// Run installs the service.
func (c serviceInstallCmd) Run(a *app) error {
	plan, err := a.planService()
	if err != nil {
		return err
	}
	unit := ""
	if runtime.GOOS == "linux" || c.Print {
		if unit, err = plan.unit(); err != nil {
			return err
		}
	}
	if c.Print {
		_, err := fmt.Fprint(a.stdout, unit)
		return err
	}
	if err := serviceManager(); err != nil {
		return err
	}
	s, err := plan.service(unit)
	if err != nil {
		return err
	}
	if err := s.Install(); err != nil {
		return rightsHint(fmt.Errorf("install the service: %w", err))
	}
	where := ""
	if unit != "" {
		where = " as /etc/systemd/system/" + serviceName + ".service"
	}
	a.say("installed the service %s%s:\n%s", serviceName, where, indent(strings.Join(append([]string{plan.program}, plan.arguments...), " ")))
	if unit != "" {
		a.say("%s", indent(strings.TrimSpace(unit)))
	}
	if err := s.Start(); err != nil {
		return fmt.Errorf("start the service: %w", err)
	}
	a.say("it runs; `walkdown surveys --db %s` shows what it did", plan.db)
	return nil
}

type serviceRemoveCmd struct{}

// Run stops and removes the service.
func (serviceRemoveCmd) Run(a *app) error {
	if err := serviceManager(); err != nil {
		return err
	}
	s, err := servicePlan{}.service("")
	if err != nil {
		return err
	}
	status, err := s.Status()
	if errors.Is(err, service.ErrNotInstalled) {
		a.say("there is no service %s", serviceName)
		return nil
	}
	if err == nil && status == service.StatusRunning {
		if err := s.Stop(); err != nil {
			return rightsHint(fmt.Errorf("stop the service: %w", err))
		}
	}
	if err := s.Uninstall(); err != nil {
		return rightsHint(fmt.Errorf("remove the service: %w", err))
	}
	a.say("removed the service %s; the inventory and the configuration are where they were", serviceName)
	return nil
}

type serviceStatusCmd struct{}

// Run says whether the service runs.
func (serviceStatusCmd) Run(a *app) error {
	if err := serviceManager(); err != nil {
		return err
	}
	s, err := servicePlan{}.service("")
	if err != nil {
		return err
	}
	status, err := s.Status()
	text := "stopped"
	switch {
	case errors.Is(err, service.ErrNotInstalled):
		text = "not installed"
	case err != nil:
		return rightsHint(fmt.Errorf("ask for the service: %w", err))
	case status == service.StatusRunning:
		text = "running"
	}
	_, err = fmt.Fprintln(a.stdout, text)
	return err
}

// serviceManager says in one sentence when this system has none that walkdown knows.
func serviceManager() error {
	if runtime.GOOS == "linux" && service.Platform() != "linux-systemd" {
		return failed(errors.New("systemd does not run here, as in most containers, so there is nothing to install into"),
			"let whatever starts programs here start `walkdown run --config FILE`; `walkdown service install --print` shows the unit")
	}
	return nil
}

// rightsHint knows what refused rights mean.
func rightsHint(err error) error {
	if errors.Is(err, fs.ErrPermission) || strings.Contains(err.Error(), "Access is denied") {
		return failed(err, "services belong to the administrator: use sudo, or an elevated prompt on Windows")
	}
	return err
}

// servicePlan is what the service is to run.
type servicePlan struct {
	program, config, db, user string
	arguments                 []string
}

// planService looks at the configuration as the service will.
func (a *app) planService() (servicePlan, error) {
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
	schedule, ok := file.values["schedule"].([]any)
	if !ok {
		schedule = []any{file.values["schedule"]}
	}
	for _, text := range schedule {
		if _, err := parseCalendar([]string{fmt.Sprint(text)}); err != nil {
			return p, err
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
	p.user, err = configOwner(p.config)
	p.arguments = []string{"run", "--config", p.config, "--db", p.db}
	return p, err
}

// service is the plan for the system's service manager.
func (p servicePlan) service(unit string) (service.Service, error) {
	options := service.KeyValue{"KeepAlive": true, "RunAtLoad": true}
	if unit != "" {
		options["SystemdScript"] = unit
	}
	return service.New(&program{}, &service.Config{
		Name: serviceName, DisplayName: "walkdown", Description: "Keeps the inventory of a plant: surveys on a calendar.",
		Executable: p.program, Arguments: p.arguments, Option: options,
	})
}

// unit is the systemd unit: the rights to capture and to write beside the inventory, and nothing else.
func (p servicePlan) unit() (string, error) {
	for _, path := range append([]string{p.program}, p.arguments...) {
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
	folder := strings.ReplaceAll(filepath.Dir(p.db), "%", "%%")
	return `[Unit]
Description=walkdown: keeps the inventory of a plant
Documentation=https://github.com/walkdown-ot/walkdown
After=network-online.target
Wants=network-online.target

[Service]
ExecStart=` + strings.Join(words, " ") + `
User=` + p.user + `
Restart=on-failure
RestartSec=60
TimeoutStopSec=30
SuccessExitStatus=130
UMask=0077
# Frames are captured and sent; nothing else of root's is needed.
AmbientCapabilities=CAP_NET_RAW CAP_NET_ADMIN
CapabilityBoundingSet=CAP_NET_RAW CAP_NET_ADMIN
NoNewPrivileges=yes
ProtectSystem=strict
ReadWritePaths="` + folder + `"
ProtectHome=read-only
PrivateTmp=yes
PrivateDevices=yes
ProtectClock=yes
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

[Install]
WantedBy=multi-user.target
`, nil
}

func indent(text string) string { return "  " + strings.ReplaceAll(text, "\n", "\n  ") }

// program is what the service manager of Windows starts and stops; elsewhere a signal ends it.
type program struct {
	run  func(ctx context.Context) error
	stop context.CancelFunc
	done chan error
}

// Start begins in the background, as the service manager wants it.
func (p *program) Start(service.Service) error {
	ctx, stop := context.WithCancel(context.Background())
	p.stop, p.done = stop, make(chan error, 1)
	go func() { p.done <- p.run(ctx) }()
	return nil
}

// Stop ends it in order.
func (p *program) Stop(service.Service) error {
	p.stop()
	return <-p.done
}

// underServiceManager runs f until the context ends, or the service manager of Windows wants it to.
func (a *app) underServiceManager(f func(ctx context.Context) error) error {
	if runtime.GOOS != "windows" || service.Interactive() {
		return f(a.ctx)
	}
	s, err := service.New(&program{run: f}, &service.Config{Name: serviceName})
	if err != nil {
		return err
	}
	return s.Run()
}
