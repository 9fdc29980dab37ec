package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"strings"
)

// timerPath is where the timer of the service stands, beside the unit that it starts.
const timerPath = "/etc/systemd/system/" + serviceName + ".timer"

// printed is what systemd is told, each unit under the path that it gets.
func (p servicePlan) printed(unit string) string {
	if len(p.calendar) == 0 {
		return unit
	}
	return "# /etc/systemd/system/" + serviceName + ".service\n" + unit + "\n# " + timerPath + "\n" + p.timerUnit()
}

// timerUnit is the timer that starts the unit: what was due while the machine was off is made up for once. It is empty for a service
// that always runs.
func (p servicePlan) timerUnit() string {
	if len(p.calendar) == 0 {
		return ""
	}
	var b strings.Builder
	b.WriteString("[Unit]\nDescription=walkdown: when surveys begin\n\n[Timer]\n")
	for _, line := range p.calendar {
		b.WriteString("OnCalendar=" + line + "\n")
	}
	b.WriteString("Persistent=true\nAccuracySec=1s\n")
	if p.jitter > 0 {
		fmt.Fprintf(&b, "RandomizedDelaySec=%d\n", int(p.jitter.Seconds()))
	}
	b.WriteString("\n[Install]\nWantedBy=timers.target\n")
	return b.String()
}

// startTimer writes the timer and starts it.
func startTimer(unit string) error {
	if err := os.WriteFile(timerPath, []byte(unit), 0o644); err != nil { //nolint:gosec // units are for everybody to read
		return fmt.Errorf("install the timer: %w", err)
	}
	return errors.Join(systemctl("daemon-reload"), systemctl("enable", "--now", serviceName+".timer"))
}

// removeTimer stops the timer and takes it away, where there is one.
func removeTimer() error {
	if there, err := exists(timerPath); err != nil || !there {
		return err
	}
	if err := systemctl("disable", "--now", serviceName+".timer"); err != nil {
		return err
	}
	if err := os.Remove(timerPath); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove the timer: %w", err)
	}
	return nil
}

func systemctl(arguments ...string) error {
	if out, err := exec.Command("systemctl", arguments...).CombinedOutput(); err != nil { //nolint:noctx // it answers at once
		return fmt.Errorf("systemctl %s: %w: %s", strings.Join(arguments, " "), err, strings.TrimSpace(string(out)))
	}
	return nil
}
