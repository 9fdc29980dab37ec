//go:build lab && linux

package main

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/walkdown-ot/walkdown/inventory"
)

// machineOf is a machine with a systemd of its own, which runs in the network namespace of the laptop and shares the programs of this
// one. Its disk stays when it is switched off.
type machineOf struct {
	*lab
	root, cgroup string
	process      *exec.Cmd // unshare; nil: it is off
	printed      *bytes.Buffer
}

// firstBoot makes the folder of the machine the root of namespaces of its own, and becomes its systemd. What is this system's own is
// only there to be read, or not there at all.
const firstBoot = `set -e
cd "$1"
mount --make-rprivate /
mount --bind . .
cd "$1"
mount --bind /usr usr
mount -o remount,bind,ro usr
mount -t proc proc proc
mount --bind proc/sys proc/sys
mount -o remount,bind,ro proc/sys
mount -t sysfs -o ro sysfs sys
mount -t tmpfs -o mode=755 tmpfs sys/fs/cgroup || true
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount -t tmpfs -o mode=755 tmpfs dev
for device in null zero full random urandom tty; do touch dev/$device; mount --bind /dev/$device dev/$device; done
mkdir dev/pts dev/shm
mount -t devpts -o newinstance,ptmxmode=0666 devpts dev/pts
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
mount -t tmpfs -o mode=755 tmpfs run
hostname lab
pivot_root . mnt
umount -l /mnt
exec env -i container=lab PATH=/usr/sbin:/usr/bin:/sbin:/bin setpriv --bounding-set -sys_module,-sys_time,-sys_rawio,-syslog \
	/lib/systemd/systemd --log-target=console --show-status=false
`

// newMachine makes the disk of a machine. It skips the test where there is no systemd.
func newMachine(l *lab) *machineOf {
	l.t.Helper()
	if _, err := os.Stat("/lib/systemd/systemd"); err != nil {
		l.t.Skip("systemd is not installed")
	}
	m := &machineOf{lab: l, root: filepath.Join(l.dir, "machine")}
	mounts, err := os.ReadFile("/proc/mounts")
	if err != nil {
		l.t.Fatal(err)
	}
	for line := range strings.Lines(string(mounts)) {
		if f := strings.Fields(line); len(f) > 2 && f[2] == "cgroup2" && m.cgroup == "" {
			m.cgroup = filepath.Join(f[1], l.tag)
		}
	}
	if m.cgroup == "" {
		l.t.Skip("there is no hierarchy of cgroups of version 2, which systemd needs")
	}
	for _, folder := range []string{"usr", "mnt", "etc/systemd/system", "var/log/journal", "var/lib/plant", "run", "tmp", "proc", "sys", "dev", "root", "opt"} {
		if err := os.MkdirAll(filepath.Join(m.root, folder), 0o755); err != nil {
			l.t.Fatal(err)
		}
	}
	for _, name := range []string{"bin", "sbin", "lib", "lib64"} {
		if to, err := os.Readlink("/" + name); err == nil {
			if err := os.Symlink(to, filepath.Join(m.root, name)); err != nil {
				l.t.Fatal(err)
			}
		}
	}
	m.file("machine/etc/passwd", "root:x:0:0:root:/root:/bin/sh\nsurveyor:x:1000:1000::/:/bin/sh\nmessagebus:x:100:100::/:/bin/false\nnobody:x:65534:65534::/:/bin/false\n")
	m.file("machine/etc/group", "root:x:0:\nsurveyor:x:1000:\nmessagebus:x:100:\nsystemd-journal:x:101:\nnogroup:x:65534:\n")
	m.file("machine/etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files\n")
	m.file("machine/etc/machine-id", "0123456789abcdef0123456789abcdef\n")
	for _, unit := range []string{"getty.target", "systemd-logind.service", "systemd-udevd.service", "systemd-firstboot.service"} {
		if err := os.Symlink("/dev/null", filepath.Join(m.root, "etc/systemd/system", unit)); err != nil {
			l.t.Fatal(err)
		}
	}
	if err := os.Chown(filepath.Join(m.root, "var/lib/plant"), 1000, 1000); err != nil {
		l.t.Fatal(err)
	}
	m.run("cp", l.binary, filepath.Join(m.root, "opt/walkdown"))
	l.t.Cleanup(m.pull)
	return m
}

// on switches the machine on and waits until it is up.
func (m *machineOf) on() {
	m.t.Helper()
	if err := os.Mkdir(m.cgroup, 0o755); err != nil && !os.IsExist(err) {
		m.t.Skipf("no cgroup can be made: %v", err)
	}
	folder, err := os.Open(m.cgroup)
	if err != nil {
		m.t.Fatal(err)
	}
	defer folder.Close() //nolint:errcheck // it is only named
	line := m.in("laptop", "unshare", "--mount", "--pid", "--fork", "--uts", "--ipc", "--cgroup", "--kill-child", "sh", "-c", firstBoot, "boot", m.root)
	m.printed = &bytes.Buffer{}
	m.process = exec.Command(line[0], line[1:]...)
	m.process.Stdout, m.process.Stderr = m.printed, m.printed
	m.process.SysProcAttr = &syscall.SysProcAttr{UseCgroupFD: true, CgroupFD: int(folder.Fd())}
	if err := m.process.Start(); err != nil {
		m.process = nil
		m.t.Skipf("no process can begin in a cgroup of its own: %v", err)
	}
	for range 100 {
		time.Sleep(100 * time.Millisecond)
		if state, _ := m.inside("systemctl", "is-system-running"); state == "running" || state == "degraded" {
			return
		}
	}
	m.pull()
	m.t.Skipf("no systemd comes up in namespaces here:\n%s", m.printed)
}

// init is the process of its systemd as this system sees it; 0: there is none.
func (m *machineOf) init() int {
	if m.process == nil {
		return 0
	}
	unshare := strconv.Itoa(m.process.Process.Pid)
	children, _ := os.ReadFile(filepath.Join("/proc", unshare, "task", unshare, "children"))
	pid, _ := strconv.Atoi(strings.TrimSpace(string(children)))
	return pid
}

// off switches it off in order, as the button does.
func (m *machineOf) off() {
	m.t.Helper()
	const powerOff = 34 + 4 // SIGRTMIN+4, systemd(1)
	if err := syscall.Kill(m.init(), powerOff); err != nil {
		m.t.Fatal(err)
	}
	_ = m.process.Wait() // by a signal, as its init does when it powers off
	m.process = nil
}

// pull ends it at once and takes its cgroups away.
func (m *machineOf) pull() {
	if m.process != nil {
		_ = m.process.Process.Kill()
		_ = m.process.Wait()
		m.process = nil
	}
	for range 50 { // what was in them takes its time to go
		var folders []string
		_ = filepath.WalkDir(m.cgroup, func(path string, entry fs.DirEntry, err error) error {
			if err == nil && entry.IsDir() {
				folders = append(folders, path)
			}
			return nil
		})
		for _, folder := range slices.Backward(folders) {
			_ = syscall.Rmdir(folder)
		}
		if len(folders) == 0 {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	m.t.Errorf("the cgroup %s stays", m.cgroup)
}

// inside runs a program in the machine and gives what it prints and whether it failed.
func (m *machineOf) inside(args ...string) (string, error) {
	line := append([]string{
		"-t", strconv.Itoa(m.init()), "-m", "-u", "-i", "-n", "-p", "env", "-i", "container=lab", "PATH=/usr/sbin:/usr/bin:/sbin:/bin",
	}, args...)
	out, err := exec.Command("nsenter", line...).CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

// walkdown runs it in the machine, where it must not fail.
func (m *machineOf) walkdown(args ...string) string {
	m.t.Helper()
	out, err := m.inside(append([]string{"/opt/walkdown"}, args...)...)
	if err != nil {
		m.t.Fatalf("walkdown %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}

func (m *machineOf) journal() string {
	out, _ := m.inside("journalctl", "--no-pager", "-o", "cat", "-u", serviceName)
	return out
}

// says waits for a line of the service in the journal.
func (m *machineOf) says(text string) {
	m.t.Helper()
	for range 150 {
		if strings.Contains(m.journal(), text) {
			return
		}
		time.Sleep(200 * time.Millisecond)
	}
	m.t.Fatalf("the service does not say %q:\n%s", text, m.journal())
}

// configure writes the configuration, as the user that the service is to run as.
func (m *machineOf) configure(text string) {
	m.t.Helper()
	path := m.file("machine/etc/walkdown.yaml", text)
	if err := os.Chown(path, 1000, 1000); err != nil {
		m.t.Fatal(err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		m.t.Fatal(err)
	}
}

// TestLabCalendarsOfSystemd asks systemd when surveys are due by the timer, and gets the same times as the program has.
func TestLabCalendarsOfSystemd(t *testing.T) {
	if _, err := exec.LookPath("systemd-analyze"); err != nil {
		t.Skip("systemd is not installed")
	}
	from := time.Date(2026, 11, 26, 1, 0, 0, 0, time.Local)
	for expression := range calendars() {
		c, err := parseCalendar([]string{expression})
		if err != nil {
			t.Fatal(err)
		}
		line, err := c.onCalendar()
		if err != nil {
			t.Fatal(err)
		}
		out, err := exec.Command("systemd-analyze", "calendar", "--iterations=8", "--base-time="+from.Format(time.DateTime), line[0]).CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v\n%s", line[0], err, out)
		}
		due := from
		for n := range 8 {
			due = c.next(due)
			if !strings.Contains(string(out), due.Format("Mon "+time.DateTime)) {
				t.Errorf("%s: systemd does not have number %d, %s:\n%s", expression, n+1, due.Format("Mon "+time.DateTime), out)
			}
		}
	}
}

// TestLabService installs the service under a live systemd, as its user would: it surveys on the calendar, gives a survey up in order
// when it is stopped, makes up once for what was due while the machine was off, and leaves nothing behind when it is removed.
func TestLabService(t *testing.T) {
	l := newLab(t, "unshare", "nsenter", "setpriv", "systemctl", "journalctl", "pivot_root")
	m := newMachine(l)
	l.bridge("sw", "")
	l.host("sw", "laptop", laptopMAC, "10.79.0.10/24")
	l.host("sw", "plc", "00:a0:45:00:00:30", "10.79.0.30/24")
	l.python("pymodbus.server")
	l.start("plc", "/usr/bin/python3", l.script("modbus.py"), "10.79.0.30", "502")
	l.listens("plc", "10.79.0.30:502")
	m.on()

	const config = "db: /var/lib/plant/press.db\nsite: press-shop\ninterface: eth0\nlisten: %s\nlisten-after: 1s\n" +
		"ask: [10.79.0.30/32]\npermission: WO-4711\nsnmp: {communities: [public]}\nnotify: [{syslog: local}]\nschedule: [\"@every %s\"]\n"
	service := func(verb ...string) string { return m.walkdown(append([]string{"service"}, verb...)...) }
	surveys := func() []inventory.Survey { return l.surveysOf(filepath.Join(m.root, "var/lib/plant/press.db")) }
	if state := service("status"); state != stateNone {
		t.Errorf("before it was installed it is %s", state)
	}

	// That it cannot run is told when it is installed: here it may not write where the inventory is to be.
	m.configure(strings.Replace(fmt.Sprintf(config, "10s", "1h"), "/var/lib/plant/", "/opt/", 1))
	out, err := m.inside("/opt/walkdown", "service", "install", "--config", "/etc/walkdown.yaml")
	if err == nil || !strings.Contains(out, "does not stay up: it is failing") || !strings.Contains(m.journal(), "/opt/press.db.run: permission denied") {
		t.Errorf("a folder that it may not write: %v\n%s\n%s", err, out, m.journal())
	}

	// It surveys when it is due, as the owner of the configuration.
	m.configure(fmt.Sprintf(config, "1m", "4s"))
	if out := service("install", "--config", "/etc/walkdown.yaml"); !strings.Contains(out, "replaced the service") || !strings.Contains(out, "it runs") {
		t.Errorf("installed again:\n%s", out)
	}
	m.says("the next survey begins")
	l.wait("the survey that is due", func() bool { return len(surveys()) == 1 })
	if state := service("status"); state != stateRunning {
		t.Errorf("while it surveys it is %s", state)
	}

	// It is stopped while it listens, and the machine is off when the next survey is due.
	began := time.Now()
	if _, err := m.inside("systemctl", "stop", serviceName); err != nil || time.Since(began) > 5*time.Second {
		t.Errorf("stopped after %s: %v", time.Since(began), err)
	}
	if state := service("status"); state != stateStopped {
		t.Errorf("when it was stopped it is %s", state)
	}
	if s := surveys(); s[0].Outcome != "interrupted" || s[0].Operator != "surveyor" || s[0].Ended.IsZero() {
		t.Errorf("a survey that was stopped: %+v", s)
	}
	m.configure(fmt.Sprintf(config, "1s", "4s"))
	m.off()
	time.Sleep(time.Until(surveys()[0].Started.Add(5 * time.Second)))
	m.on()
	m.says("was missed; it is made up for now, and only once")
	m.says("survey s-2 sent")
	journal := m.journal()
	if n := strings.Count(journal, "was missed"); n != 1 {
		t.Errorf("it was made up for %d times:\n%s", n, journal)
	}
	if s := surveys(); s[1].Outcome != "done" || s[1].Permission != "WO-4711" || s[1].Counts["questions"] == 0 {
		t.Errorf("the survey that was made up for: %+v", s[1])
	}
	if s := surveys(); s[1].Custody.Clock == nil {
		t.Error("the service cannot tell how right the clock is")
	}
	assets := listed[inventory.Asset](l, surveyed{db: filepath.Join(m.root, "var/lib/plant/press.db")}, "assets")
	if !slices.ContainsFunc(assets, func(a inventory.Asset) bool { return a.Model == "ILC 151 ETH" }) {
		t.Errorf("the PLC was not asked: %+v\n%s", assets, journal)
	}
	if told, _ := m.inside("journalctl", "--no-pager", "-o", "cat", "-t", "walkdown", "-g", "appeared"); !strings.Contains(told, "conveyor 4 (10.79.0.30) appeared") {
		t.Errorf("the change did not come to the log:\n%s", told)
	}

	// Instead of a program that always runs, a timer starts each survey.
	m.configure(strings.Replace(fmt.Sprintf(config, "1s", "4s"), "@every 4s", "30 2 1-7 * 6", 1))
	if out := service("install", "--config", "/etc/walkdown.yaml", "--timer"); !strings.Contains(out, "OnCalendar=Sat *-*-1,2,3,4,5,6,7 2:30:00") {
		t.Error(out)
	}
	if timers, _ := m.inside("systemctl", "list-timers", "--no-pager"); service("status") != stateWaiting || !strings.Contains(timers, "walkdown.timer") {
		t.Errorf("with a timer it is %s\n%s", service("status"), timers)
	}
	before := len(surveys())
	if out, err := m.inside("systemctl", "start", serviceName); err != nil { // as the timer does
		t.Errorf("%v: %s\n%s", err, out, m.journal())
	}
	if s := surveys(); len(s) != before+1 || s[before].Outcome != "done" || service("status") != stateWaiting {
		t.Errorf("a survey by the timer: %+v\n%s", s[len(s)-1], m.journal())
	}

	// It is the administrator's, and leaves nothing behind.
	out, err = m.inside("setpriv", "--reuid", "1000", "--regid", "1000", "--clear-groups", "/opt/walkdown", "service", "remove")
	if err == nil || !strings.Contains(out, "services belong to the administrator") {
		t.Errorf("somebody else removes it: %v\n%s", err, out)
	}
	if out := service("remove"); !strings.Contains(out, "removed the service") {
		t.Error(out)
	}
	if state := service("status"); state != stateNone {
		t.Errorf("when it was removed it is %s", state)
	}
	left, _ := filepath.Glob(filepath.Join(m.root, "etc/systemd/system/*walkdown*"))
	wanted, _ := filepath.Glob(filepath.Join(m.root, "etc/systemd/system/*/*walkdown*"))
	if failed, _ := m.inside("systemctl", "--failed", "--no-legend", "--plain"); len(left)+len(wanted) > 0 || strings.Contains(failed, serviceName) {
		t.Errorf("left behind: %v %v %s", left, wanted, failed)
	}
	if err := exec.Command(l.binary, "assets", "--db", filepath.Join(m.root, "var/lib/plant/press.db")).Run(); err != nil {
		t.Errorf("the inventory is gone: %v", err)
	}
	if service("remove"); t.Failed() {
		t.Log(m.journal())
	}
}
