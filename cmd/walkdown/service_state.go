package main

import (
	"errors"
	"fmt"
	"os/exec"
	"runtime"
	"strings"

	"github.com/kardianos/service"
)

// The words of `walkdown service status`.
const (
	stateNone     = "not installed"
	stateStopped  = "stopped"
	stateStarting = "starting"
	stateRunning  = "running"
	stateWaiting  = "waiting" // for its timer
	stateStopping = "stopping"
	stateFailing  = "failing" // it ended by itself, and will be started again
	stateFailed   = "failed"  // it ended by itself
)

// serviceState is how the service is. On Linux systemd is asked: the library takes a service that fails again and again for one
// that runs, and one that is being stopped for one that is not there.
func serviceState(s service.Service) (string, error) {
	if runtime.GOOS == "linux" {
		out, err := exec.Command("systemctl", "show", serviceName+".service", "--property=LoadState,ActiveState,SubState,Type").Output() //nolint:noctx // it answers at once
		if err != nil {
			return "", fmt.Errorf("ask systemd for the service: %w", err)
		}
		state := systemdState(string(out))
		if there, _ := exists(timerPath); there && state == stateStopped {
			state = stateWaiting
		}
		return state, nil
	}
	status, err := s.Status()
	switch {
	case errors.Is(err, service.ErrNotInstalled):
		return stateNone, nil
	case err != nil:
		return "", rightsHint(fmt.Errorf("ask for the service: %w", err))
	case status == service.StatusRunning:
		return stateRunning, nil
	}
	return stateStopped, nil
}

// systemdState reads what `systemctl show` tells of a unit, a property a line.
func systemdState(properties string) string {
	p := map[string]string{}
	for line := range strings.Lines(properties) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		p[key] = value
	}
	switch active := p["ActiveState"]; {
	case active == "failed":
		return stateFailed
	case p["SubState"] == "auto-restart":
		return stateFailing
	case active == "active", active == "reloading":
		return stateRunning
	case active == "activating" && p["Type"] == "oneshot":
		return stateRunning
	case active == "activating":
		return stateStarting
	case active == "deactivating":
		return stateStopping
	case p["LoadState"] == "not-found":
		return stateNone
	}
	return stateStopped
}

// forgetFailure makes systemd forget a unit that failed and is not there any more. That it cannot is no harm.
func forgetFailure() {
	if runtime.GOOS == "linux" {
		_ = exec.Command("systemctl", "reset-failed", serviceName+".service").Run() //nolint:noctx // it answers at once
	}
}

// whereItSays is where the service says what is wrong.
func whereItSays() string {
	switch runtime.GOOS {
	case "windows":
		return "the Event Viewer says why: Windows Logs, Application, source " + serviceName
	case "darwin":
		return "/var/log/" + serviceName + ".err.log says why"
	}
	return "`journalctl -u " + serviceName + "` says why"
}
