package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"strings"
	"time"

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
	Timer bool `help:"On Linux: let a timer of systemd start each survey, instead of a program that always runs."`
	Print bool `help:"Only print what systemd is told; install nothing."`
}

// Help is shown below the flags.
func (serviceInstallCmd) Help() string {
	return "The schedule and everything else stands in the file of --config, which stays where it is, with its owner and mode. On Linux with\n" +
		"systemd the unit runs as the owner of that file, with the rights to capture and nothing else; on Windows and macOS as the system.\n" +
		"Installed again, the service is replaced and starts anew: so it takes a configuration or a program that was changed."
}

// Run installs the service.
func (c serviceInstallCmd) Run(a *app) error {
	if c.Timer && runtime.GOOS != "linux" && !c.Print {
		return usage("", "timers are of systemd: install it without --timer")
	}
	plan, err := a.planService(c.Timer)
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
		_, err := fmt.Fprint(a.stdout, plan.printed(unit))
		return err
	}
	if err := serviceManager(); err != nil {
		return err
	}
	s, err := plan.service(unit)
	if err != nil {
		return err
	}
	before, err := takeAway(s)
	if err != nil {
		return err
	}
	if err := s.Install(); err != nil {
		return rightsHint(fmt.Errorf("install the service: %w", err))
	}
	where, done := "", "installed"
	if unit != "" {
		where = " as /etc/systemd/system/" + serviceName + ".service"
	}
	if before {
		done = "replaced"
	}
	a.say("%s the service %s%s:\n%s", done, serviceName, where, indent(strings.Join(append([]string{plan.program}, plan.arguments...), " ")))
	if unit != "" {
		a.say("%s", indent(strings.TrimSpace(unit)))
	}
	if len(plan.calendar) > 0 {
		a.say("%s", indent(strings.TrimSpace(plan.timerUnit())))
		if err := startTimer(plan.timerUnit()); err != nil {
			return rightsHint(err)
		}
		a.say("systemd starts it; `systemctl list-timers %s.timer` says when, `walkdown surveys --db %s` shows what it did", serviceName, plan.db)
		return nil
	}
	if err := s.Start(); err != nil {
		return failed(fmt.Errorf("start the service: %w", err), whereItSays())
	}
	if err := stays(s); err != nil {
		return err
	}
	a.say("it runs; `walkdown surveys --db %s` shows what it did", plan.db)
	return nil
}

// stays waits until a service that was started has had the time to fail: over its configuration, or a folder that it may not write.
func stays(s service.Service) error {
	const proven, look = 2 * time.Second, 200 * time.Millisecond
	for range proven / look {
		time.Sleep(look)
		state, err := serviceState(s)
		if err != nil {
			return err
		}
		if state != stateRunning && state != stateStarting {
			return failed(fmt.Errorf("the service is installed and does not stay up: it is %s", state), whereItSays())
		}
	}
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
	there, err := takeAway(s)
	if err != nil {
		return err
	}
	if !there {
		a.say("there is no service %s", serviceName)
		return nil
	}
	a.say("removed the service %s; the inventory and the configuration are where they were", serviceName)
	return nil
}

// takeAway stops the service and takes it away, and tells whether it was there.
func takeAway(s service.Service) (there bool, err error) {
	state, err := serviceState(s)
	if err != nil {
		return false, err
	}
	there = state != stateNone
	if err := removeTimer(); err != nil {
		return there, rightsHint(err)
	}
	if !there {
		return false, nil
	}
	if state != stateStopped && state != stateWaiting {
		if err := s.Stop(); err != nil {
			return true, rightsHint(fmt.Errorf("stop the service: %w", err))
		}
	}
	if err := s.Uninstall(); err != nil {
		return true, rightsHint(fmt.Errorf("remove the service: %w", err))
	}
	if state == stateFailed {
		forgetFailure()
	}
	return true, nil
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
	state, err := serviceState(s)
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintln(a.stdout, state); err != nil {
		return err
	}
	switch state {
	case stateFailed:
		return failed(errors.New("the service ended by itself, and is not started again"), whereItSays())
	case stateFailing:
		return failed(errors.New("the service ended by itself, and is started again within a minute"), whereItSays())
	}
	return nil
}

// serviceManager says in one sentence when this system has none that walkdown knows.
func serviceManager() error {
	if runtime.GOOS == "linux" && service.Platform() != "linux-systemd" {
		return failed(errors.New("systemd does not run here, as in most containers, so there is nothing to install into"),
			"let whatever starts programs here start `walkdown run --config FILE`; `walkdown service install --print` shows the unit")
	}
	return nil
}

// rightsHint knows what refused rights mean. Where systemctl refuses, only its status is known.
func rightsHint(err error) error {
	if errors.Is(err, fs.ErrPermission) || strings.Contains(err.Error(), "Access is denied") || os.Geteuid() > 0 {
		return failed(err, "services belong to the administrator: use sudo, or an elevated prompt on Windows")
	}
	return err
}

func indent(text string) string { return "  " + strings.ReplaceAll(text, "\n", "\n  ") }
