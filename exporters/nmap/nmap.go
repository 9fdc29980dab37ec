// Package nmap writes an inventory in the XML that nmap prints with -oX (nmap.dtd, output version 1.05), for the tools that read that.
// Nothing was scanned: what listens on a device was overheard or answered.
//
// A host is an IP of an asset, or an asset without one by its MAC. Identity, times and everything else that nmap has no place for
// stand in the output of a host script with the id "walkdown", as elements with the names of the JSON contract.
package nmap

import (
	"bufio"
	"cmp"
	"context"
	"encoding/xml"
	"fmt"
	"io"
	"math"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/exporters/tlp"
	"github.com/walkdown-ot/walkdown/inventory"
)

// Options are what an export can be given.
type Options struct {
	Version string // of walkdown
	TLP     string // the mark of the Traffic Light Protocol; empty means AMBER
}

// Export writes the inventory. Its times are those of the first and the last survey.
func Export(ctx context.Context, from inventory.Source, to io.Writer, o Options) error {
	mark, err := tlp.Mark(o.TLP)
	if err != nil {
		return err
	}
	var began, ended time.Time
	for s, err := range from.Surveys(ctx) {
		if err != nil {
			return fmt.Errorf("read surveys: %w", err)
		}
		if began.IsZero() {
			began = s.Started
		}
		ended = cmp.Or(s.Ended, s.Started)
	}
	out := bufio.NewWriterSize(to, 1<<16)
	fmt.Fprintf(out, "%s<!DOCTYPE nmaprun>\n<!-- TLP:%s -->\n", xml.Header, mark)
	fmt.Fprintf(out, "<nmaprun scanner=\"nmap\" args=\"walkdown export nmap-xml\" start=\"%d\" version=\"walkdown %s\" xmloutputversion=\"1.05\">\n", seconds(began), escape(o.Version))
	fmt.Fprint(out, "<verbose level=\"0\"/>\n<debugging level=\"0\"/>\n")
	hosts := 0
	for a, err := range from.Assets(ctx) {
		if err != nil {
			return fmt.Errorf("read assets: %w", err)
		}
		for _, h := range hostsOf(a, mark) {
			encoded, err := xml.Marshal(h)
			if err != nil {
				return fmt.Errorf("write nmap XML: %w", err)
			}
			hosts++
			if _, err := out.Write(append(encoded, '\n')); err != nil {
				return fmt.Errorf("write nmap XML: %w", err)
			}
		}
	}
	fmt.Fprintf(out, "<runstats><finished time=\"%d\" elapsed=\"%d\" exit=\"success\"/><hosts up=\"%d\" down=\"0\" total=\"%d\"/></runstats>\n</nmaprun>\n",
		seconds(ended), max(0, seconds(ended)-seconds(began)), hosts, hosts)
	if err := out.Flush(); err != nil {
		return fmt.Errorf("write nmap XML: %w", err)
	}
	return nil
}

func seconds(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix()
}

func escape(text string) string {
	var out strings.Builder
	_ = xml.EscapeText(&out, []byte(discovery.Text(text))) // a builder takes everything
	return out.String()
}

// hostsOf gives a host for each IP of an asset, each with the MAC that it is bound to, or one for the MAC of an asset without an IP.
func hostsOf(a inventory.Asset, mark string) []host {
	var hosts []host
	seen := map[string]bool{}
	mac := ""
	for _, address := range a.Addresses {
		if m, err := discovery.ParseMAC(address.MAC); err == nil && mac == "" {
			mac = m.String()
		}
		ip, err := netip.ParseAddr(address.IP)
		if err != nil || seen[ip.String()] {
			continue
		}
		seen[ip.String()] = true
		h := newHost(a, mark, address.Segment)
		kind := "ipv4"
		if ip.Is6() {
			kind = "ipv6"
		}
		h.Addresses = append(h.Addresses, hostAddress{Addr: ip.WithZone("").String(), Type: kind})
		if m, err := discovery.ParseMAC(address.MAC); err == nil {
			h.Addresses = append(h.Addresses, hostAddress{strings.ToUpper(m.String()), "mac", discovery.Text(a.MACVendor)})
		}
		hosts = append(hosts, h)
	}
	if len(hosts) == 0 && mac != "" {
		h := newHost(a, mark, "")
		h.Addresses = []hostAddress{{strings.ToUpper(mac), "mac", discovery.Text(a.MACVendor)}}
		hosts = append(hosts, h)
	}
	return hosts
}

func newHost(a inventory.Asset, mark, segment string) host {
	h := host{Start: seconds(a.FirstSeen), End: seconds(a.LastSeen), Status: status{"up", "user-set", "0"}}
	for _, name := range append([]string{a.Name}, a.Names...) {
		if name = discovery.Text(name); name != "" && !slices.ContainsFunc(h.Names, func(n hostname) bool { return n.Name == name }) {
			h.Names = append(h.Names, hostname{name, "user"})
		}
	}
	var ports []port
	for _, s := range a.Services {
		if s.Transport != discovery.TCP.String() && s.Transport != discovery.UDP.String() {
			continue
		}
		p := port{Protocol: s.Transport, ID: s.Port, State: state{"open", "user-set", "0"}}
		if name := discovery.Text(s.Protocol); name != "" {
			p.Service = &service{Name: name, Conf: 10, Method: "probed"}
		}
		ports = append(ports, p)
	}
	if len(ports) > 0 {
		h.Ports = &ports
	}
	if name := strings.Join(words(a.Vendor, cmp.Or(a.Model, a.OrderNumber, a.Family), a.Firmware), " "); name != "" {
		sure := int(math.Round(float64(min(max(0, a.Confidence), 1)) * 100))
		class := osClass{
			Vendor: cmp.Or(discovery.Text(a.Vendor), "unknown"), Family: cmp.Or(discovery.Text(a.OS), discovery.Text(a.Family), "embedded"),
			Type: discovery.Text(a.Type), Accuracy: sure,
		}
		if cpe := uri(a.CPE); cpe != "" {
			class.CPE = []string{cpe}
		}
		h.OS = &osMatches{osMatch{Name: name, Accuracy: sure, Classes: []osClass{class}}}
	}
	h.Script = script{ID: "walkdown"}
	add := func(key, value string) {
		if value = discovery.Text(value); value != "" {
			h.Script.Elements = append(h.Script.Elements, element{key, value})
		}
	}
	add("asset", a.ID)
	add("site", a.Site)
	add("segment", cmp.Or(segment, a.Segment))
	for _, field := range []struct{ key, value string }{
		{"vendor", a.Vendor},
		{"family", a.Family},
		{"model", a.Model},
		{"order_number", a.OrderNumber},
		{"serial", a.Serial},
		{"hardware", a.Hardware},
		{"firmware", a.Firmware},
		{"software", a.Software},
		{"os", a.OS},
		{"type", a.Type},
		{"cpe", a.CPE},
		{"level", a.Level},
		{"zone", a.Annotations["zone"]},
		{"tlp", mark},
	} {
		add(field.key, field.value)
	}
	var lines []string
	for _, e := range h.Script.Elements {
		lines = append(lines, e.Key+": "+e.Value)
	}
	h.Script.Output = "\n  " + strings.Join(lines, "\n  ")
	return h
}

func words(all ...string) []string {
	var kept []string
	for _, word := range all {
		if word = discovery.Text(word); word != "" {
			kept = append(kept, word)
		}
	}
	return kept
}
