package main

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/walkdown-ot/walkdown/discovery/ask"
	"github.com/walkdown-ot/walkdown/discovery/protocols"
	"github.com/walkdown-ot/walkdown/discovery/survey"
)

// askFlags say who may be asked what. They are those of every command that plans questions.
type askFlags struct {
	Ask        string        `placeholder:"CIDR,..." help:"The scope: networks and addresses that may be asked. Nothing is ever sent without it."`
	Exclude    string        `placeholder:"CIDR|MAC|OUI,..." help:"Never ask these, also inside the scope."`
	Protocols  []string      `placeholder:"NAME" help:"Ask every host of the scope these protocols, without other evidence (grade E4)."`
	Try        []string      `placeholder:"NAME:IP[:PORT]" help:"Ask one host a protocol (grade E4): modbus:10.20.30.13."`
	Targets    string        `type:"existingfile" placeholder:"FILE.csv" help:"A list of what to ask: columns ip, protocol and, if need be, port."`
	Units      []string      `placeholder:"N[-M]@IP" help:"Modbus units behind a gateway: 1-5@10.20.30.13."`
	Allow      []string      `placeholder:"NAME" help:"Opt in to a protocol or request of safety class C, to blind asking (grade E5), or to all."`
	Pace       string        `placeholder:"whisper|gentle|brisk" help:"How gently; gentle without it. The plan shows the numbers."`
	Rate       float64       `placeholder:"N" help:"Questions per second, all devices together."`
	Gap        time.Duration `placeholder:"D" help:"Time between two questions to one device."`
	Window     []string      `sep:";" placeholder:"\"Sat 02:00-04:00\"" help:"Ask only then, in local time: days and times, several with ; between them."`
	AskVia     string        `placeholder:"IFACE" help:"Ask over this interface: many mirror ports discard what enters them."`
	Refresh    []string      `placeholder:"NAME|all" help:"Ask these protocols again, although they were answered less than a day ago."`
	StopFile   string        `placeholder:"FILE" help:"Asking ends as soon as this file is there. Without it: the inventory file's name with .stop behind it."`
	OwnTraffic string        `type:"path" placeholder:"FILE.pcapng" help:"Keep what this laptop sent to the devices, and their answers, as a capture; secrets overwritten."`
}

// wishes are the flags, read and checked.
type wishes struct {
	// patient does not put a question again either, within a day, that came to nothing: nobody is there who mended what was wrong.
	patient bool
	scope   []netip.Prefix
	exclude ask.Exclusions
	named   []survey.Named
	allow   []string
	limits  ask.Limits
	windows ask.Windows
}

func (f askFlags) read() (wishes, error) {
	w := wishes{allow: f.Allow}
	var err error
	if w.limits, err = f.limits(); err != nil {
		return w, err
	}
	if w.windows, err = parseWindows(f.Window); err != nil {
		return w, err
	}
	for _, name := range f.Refresh {
		if name != "all" {
			if err := askable(name); err != nil {
				return w, err
			}
		}
	}
	if w.scope, err = ask.ParseScope(f.Ask); err != nil {
		return w, usage("for example --ask 10.20.30.0/24,10.20.40.7", "--ask: %v", err)
	}
	if f.Exclude != "" {
		if w.exclude, err = ask.ParseExclusions(f.Exclude); err != nil {
			return w, usage("for example --exclude 10.20.30.99,00:80:f4:00:00:00/24", "--exclude: %v", err)
		}
	}
	for _, name := range f.Protocols {
		if err := askable(name); err != nil {
			return w, err
		}
		w.named = append(w.named, survey.Named{Protocol: name})
	}
	for _, text := range f.Try {
		n, err := parseTry(text)
		if err != nil {
			return w, err
		}
		w.named = append(w.named, n)
	}
	if f.Targets != "" {
		listed, err := readTargets(f.Targets)
		if err != nil {
			return w, err
		}
		w.named = append(w.named, listed...)
	}
	for _, text := range f.Units {
		n, err := parseUnits(text)
		if err != nil {
			return w, err
		}
		w.named = append(w.named, n)
	}
	return w, nil
}

// limits is the pace: a preset, with the numbers that were chosen.
func (f askFlags) limits() (ask.Limits, error) {
	limits, err := ask.Preset(f.Pace)
	if err != nil {
		return limits, usage("", "--pace: %v", err)
	}
	if f.Rate < 0 || f.Gap < 0 {
		return limits, usage("", "--rate and --gap must be more than 0")
	}
	if f.Rate > 0 {
		limits.Rate, limits.Name = f.Rate, "chosen"
	}
	if f.Gap > 0 {
		limits = limits.WithGap(f.Gap)
		limits.Name = "chosen"
	}
	return limits, nil
}

func parseWindows(texts []string) (ask.Windows, error) {
	windows, err := ask.ParseWindows(texts)
	if err != nil {
		return nil, usage("for example --window \"Sat 02:00-04:00\" or --window \"Mon-Fri 22:00-05:00\"", "%v", err)
	}
	return windows, nil
}

// askable reports whether single hosts can be asked a protocol.
func askable(name string) error {
	var names []string
	for _, p := range protocols.All() {
		if p.Asker != nil {
			if p.Name == name {
				return nil
			}
			names = append(names, p.Name)
		}
	}
	return usage("protocols that can be asked: "+strings.Join(names, ", "), "no host can be asked %q", name)
}

// parseTry reads NAME:IP or NAME:IP:PORT; an IPv6 address with a port stands in brackets.
func parseTry(text string) (survey.Named, error) {
	hint := "for example --try modbus:10.20.30.13 or --try modbus:10.20.30.13:1502"
	name, host, ok := strings.Cut(text, ":")
	if !ok {
		return survey.Named{}, usage(hint, "--try %q is not NAME:IP", text)
	}
	if err := askable(name); err != nil {
		return survey.Named{}, err
	}
	n := survey.Named{Protocol: name}
	if addr, err := netip.ParseAddr(host); err == nil {
		n.Host = addr
		return n, nil
	}
	at, err := netip.ParseAddrPort(host)
	if err != nil || at.Port() == 0 {
		return n, usage(hint, "--try %q is not NAME:IP or NAME:IP:PORT", text)
	}
	n.Host, n.Port = at.Addr(), at.Port()
	return n, nil
}

// parseUnits reads N@IP or N-M@IP: Modbus units 1 to 247.
func parseUnits(text string) (survey.Named, error) {
	bad := usage("for example --units 1-5@10.20.30.13; units are 1 to 247", "--units %q is not N@IP or N-M@IP", text)
	span, host, ok := strings.Cut(text, "@")
	if !ok {
		return survey.Named{}, bad
	}
	addr, err := netip.ParseAddr(host)
	if err != nil {
		return survey.Named{}, bad
	}
	from, to, ranged := strings.Cut(span, "-")
	if !ranged {
		to = from
	}
	low, err := strconv.ParseUint(from, 10, 8)
	if err != nil {
		return survey.Named{}, bad
	}
	high, err := strconv.ParseUint(to, 10, 8)
	if err != nil || low < 1 || high > 247 || low > high {
		return survey.Named{}, bad
	}
	n := survey.Named{Protocol: "modbus", Host: addr}
	for unit := low; unit <= high; unit++ {
		n.Units = append(n.Units, uint8(unit))
	}
	return n, nil
}

// readTargets reads a CSV file with a header that names the columns ip, protocol and, if need be, port.
func readTargets(path string) ([]survey.Named, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read targets: %w", err)
	}
	defer file.Close() //nolint:errcheck // it was only read
	rows := csv.NewReader(file)
	head, err := rows.Read()
	if err != nil {
		return nil, usage("", "read targets %s: %v", path, err)
	}
	ip, protocol, port := slices.Index(head, "ip"), slices.Index(head, "protocol"), slices.Index(head, "port")
	if ip < 0 || protocol < 0 {
		return nil, usage("the first line of the file is: ip,protocol,port", "%s has no columns ip and protocol", path)
	}
	var out []survey.Named
	for {
		row, err := rows.Read()
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return nil, usage("", "read targets %s: %v", path, err)
		}
		text := row[protocol] + ":" + row[ip]
		if port >= 0 && row[port] != "" {
			text = row[protocol] + ":" + net.JoinHostPort(row[ip], row[port])
		}
		n, err := parseTry(text)
		if err != nil {
			return nil, err
		}
		out = append(out, n)
	}
}
