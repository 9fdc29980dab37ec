package ask

import (
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
)

// Line is a line of the ledger, as it is compared with the plan.
type Line struct {
	Time              time.Time
	Address           netip.Addr // none: it was about no device
	Protocol, Request string
	Setup             bool
	Bytes             []byte // secrets overwritten
	Outcome           discovery.Outcome
}

// Deviation is something that was sent and does not stand in the plan.
type Deviation struct {
	Line
	Reason string
}

// Reconciliation is what came of comparing a ledger with its plan.
type Reconciliation struct {
	Sent       int // messages that left, connections that were tried included
	Skipped    int // messages that were held back
	Devices    int // to which anything was sent
	Untouched  int // devices of the plan to which nothing was sent
	Deviations []Deviation
}

// Reconcile compares what was sent with what was to be sent. Of several plans the first one lists the search for hosts, the last
// one the questions to devices. Each message must have the form of a planned request, and no request, device or pace may have
// had more than the plan says.
func Reconcile(plans []Plan, lines []Line) (Reconciliation, error) {
	c := comparison{counts: map[Question]map[netip.Addr]int{}, questions: map[netip.Addr]int{}, last: map[netip.Addr]time.Time{}}
	if len(plans) > 0 {
		var err error
		if c.windows, err = ParseWindows(plans[0].Windows); err != nil {
			return c.out, err
		}
		if err := c.read(plans[0], plans[len(plans)-1]); err != nil {
			return c.out, err
		}
	}
	sorted := slices.Clone(lines)
	slices.SortStableFunc(sorted, func(a, b Line) int { return a.Time.Compare(b.Time) })
	reached := map[netip.Addr]bool{}
	for _, l := range sorted {
		l.Address = l.Address.Unmap()
		if l.Outcome == discovery.Skipped {
			c.out.Skipped++
			continue
		}
		c.out.Sent++
		if !isGroup(l.Address) {
			reached[l.Address] = true
		}
		if reason := c.judge(l); reason != "" {
			c.out.Deviations = append(c.out.Deviations, Deviation{l, reason})
		}
	}
	c.out.Devices = len(reached)
	for addr := range c.devices {
		if !reached[addr] {
			c.out.Untouched++
		}
	}
	return c.out, nil
}

type comparison struct {
	windows   Windows
	swept     map[netip.Addr]bool
	sweep     []form
	segments  map[string][]form // by protocol
	devices   map[netip.Addr]plannedDevice
	counts    map[Question]map[netip.Addr]int
	questions map[netip.Addr]int
	last      map[netip.Addr]time.Time // of a question
	out       Reconciliation
}

type plannedDevice struct {
	DevicePlan
	forms map[string][]form // by protocol
}

// form is a planned request that messages are compared with.
type form struct {
	Planned
	template discovery.Template
}

func (c *comparison) read(first, last Plan) error {
	c.swept, c.devices = map[netip.Addr]bool{}, map[netip.Addr]plannedDevice{}
	if first.Sweep != nil {
		for _, l := range first.Sweep.Links {
			for _, addr := range l.Addresses {
				c.swept[addr.Unmap()] = true
			}
		}
		var err error
		if c.sweep, err = forms(first.Sweep.Requests); err != nil {
			return err
		}
	}
	c.segments = map[string][]form{}
	for _, s := range first.Segments {
		list, err := forms(s.Requests)
		if err != nil {
			return err
		}
		for i, f := range list {
			if have := c.segments[s.Protocol]; i < len(have) && have[i].Name == f.Name {
				have[i].AtMost += f.AtMost // on another link
				continue
			}
			c.segments[s.Protocol] = append(c.segments[s.Protocol], f)
		}
	}
	for _, d := range last.Devices {
		device := plannedDevice{DevicePlan: d, forms: map[string][]form{}}
		for _, item := range d.Items {
			list, err := forms(item.Requests)
			if err != nil {
				return err
			}
			device.forms[item.Protocol] = list
		}
		c.devices[d.Address.Unmap()] = device
	}
	return nil
}

func forms(list []Planned) ([]form, error) {
	var out []form
	for _, planned := range list {
		t, err := discovery.ParseTemplate(planned.Template)
		if err != nil {
			return nil, fmt.Errorf("the plan's request %q: %w", planned.Name, err)
		}
		out = append(out, form{planned, t})
	}
	return out, nil
}

// timing is by how much the ledger's clock and the pace's may differ.
const timing = 5 * time.Millisecond

// judge says what is wrong with a message that was sent, or gives "".
func (c *comparison) judge(l Line) string {
	if _, open := c.windows.Open(l.Time.Local()); !open {
		return "sent outside of the window"
	}
	device, planned := c.devices[l.Address]
	if l.Protocol == sweepProtocol {
		switch {
		case l.Request == stillThereRequest && planned:
			return c.count(l, maxStillThere)
		case l.Request == stillThereRequest || !c.swept[l.Address]:
			return "the address is not in the plan"
		}
		return c.match(l, c.sweep)
	}
	list, asked := device.forms[l.Protocol]
	if isGroup(l.Address) {
		if list, asked = c.segments[l.Protocol]; !asked {
			return "the question to everybody is not in the plan"
		}
		return c.match(l, list)
	}
	switch {
	case !planned:
		return "the device is not in the plan"
	case !asked:
		return "the protocol is not in the plan of this device"
	case l.Request == discovery.ConnectRequest:
		return ""
	}
	if reason := c.match(l, list); reason != "" || l.Setup {
		return reason
	}
	before, again := c.last[l.Address]
	c.last[l.Address] = l.Time
	if c.questions[l.Address]++; c.questions[l.Address] > device.AtMost {
		return fmt.Sprintf("more than %d questions to the device", device.AtMost)
	}
	if gap := time.Duration(device.GapMS) * time.Millisecond; again && l.Time.Sub(before) < gap-timing {
		return fmt.Sprintf("%s after the question before, instead of %s", rounded(l.Time.Sub(before)), gap)
	}
	return ""
}

// isGroup reports whether a message went to whoever is on the link: a broadcast, or a frame to a group.
func isGroup(addr netip.Addr) bool {
	return !addr.IsValid() || addr == netip.AddrFrom4([4]byte{255, 255, 255, 255})
}

func (c *comparison) match(l Line, list []form) string {
	for _, f := range list {
		if f.Name != l.Request {
			continue
		}
		if _, ok := f.template.Match(l.Bytes); !ok {
			return "the message has another form than the planned one"
		}
		return c.count(l, f.AtMost)
	}
	return "the request is not in the plan"
}

func (c *comparison) count(l Line, most int) string {
	key := Question{l.Protocol, l.Request}
	if c.counts[key] == nil {
		c.counts[key] = map[netip.Addr]int{}
	}
	if c.counts[key][l.Address]++; c.counts[key][l.Address] > most {
		return fmt.Sprintf("sent more than %d times", most)
	}
	return ""
}
