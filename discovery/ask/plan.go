package ask

import (
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
)

// Plan is what a run would send: who, what, why, how many packets, how long. It is made by Keeper.Plan, printed or signed off,
// and then given to Keeper.Run, which sends what stands in Devices and nothing else. The numbers are upper bounds: what a
// device does not need to be asked is not sent. The JSON field names are a contract (docs/json.md).
type Plan struct {
	Scope    []string `json:"scope"`
	Excluded []string `json:"excluded,omitempty"`
	Allowed  []string `json:"allowed,omitempty"` // opted in to, of safety class C
	Windows  []string `json:"windows,omitempty"` // when it may be asked, in local time
	Pace     Pace     `json:"pace"`
	// Sweep is the search for hosts on the link; nil without an interface.
	Sweep *SweepPlan `json:"sweep,omitempty"`
	// Segments are the questions to whoever is on the link, after the search and before the devices.
	Segments []SegmentPlan `json:"segments,omitempty"`
	Devices  []DevicePlan  `json:"devices"` // in the order of asking
	// Later is what is asked of each host of the scope that is found later; nil when nothing is.
	Later    *LaterPlan `json:"later,omitempty"`
	NotAsked []NotAsked `json:"not_asked,omitempty"`
	// Proxies are the stations that answer ARP for more addresses than one has of its own; those are not asked without better evidence.
	Proxies []Proxy `json:"proxies,omitempty"`
	Totals  Totals  `json:"totals"` // of Sweep and Devices, without Later
}

// Pace is the part of the limits that holds for the whole run.
type Pace struct {
	Name      string  `json:"name,omitempty"`
	PerSecond float64 `json:"questions_per_second"`
	Packets   int     `json:"packets_per_second"`
	AtOnePort int     `json:"devices_behind_one_port"`
	Devices   int     `json:"devices_at_once"`
	Jitter    float64 `json:"jitter"`
	// GapsMS are the least times between two questions to one device, by its class.
	GapsMS       map[string]int64 `json:"gaps_ms"`
	SetupGapMS   int64            `json:"setup_gap_ms"`
	AnswerMS     int64            `json:"answer_timeout_ms"`
	ConnectMS    int64            `json:"connect_timeout_ms"`
	SweepPerSec  float64          `json:"sweep_per_second"`
	SweepAtMost  int              `json:"sweep_at_most"`
	UDPRetries   int              `json:"udp_retries"`
	AfterStopMS  int64            `json:"closing_after_stop_ms"`
	AfterCloseMS int64            `json:"closing_ms"`
}

// SweepPlan is the search for hosts: one ARP request for each address.
type SweepPlan struct {
	Interface string     `json:"interface"`
	Protocol  string     `json:"protocol"`
	Requests  []Planned  `json:"requests"` // for each address
	Links     []LinkPlan `json:"links"`
	NotSwept  []NotSwept `json:"not_swept,omitempty"`
	Packets   int        `json:"packets"`
	Seconds   float64    `json:"seconds"`
}

// LinkPlan is the addresses to look for in one network of the interface.
type LinkPlan struct {
	Network   netip.Prefix `json:"network"`
	From      netip.Addr   `json:"from"`      // our own address there
	Addresses []netip.Addr `json:"addresses"` // ascending
}

// NotSwept is a part of the scope in which no hosts are looked for.
type NotSwept struct {
	Network string `json:"network"`
	Reason  string `json:"reason"`
}

// DevicePlan is what one address is asked.
type DevicePlan struct {
	Site    string        `json:"site,omitempty"`
	Segment string        `json:"segment,omitempty"`
	Address netip.Addr    `json:"address,omitzero"` // none in Plan.Later
	MAC     discovery.MAC `json:"mac,omitzero"`
	VLAN    uint16        `json:"vlan,omitempty"`
	Class   Class         `json:"class"`
	Behind  string        `json:"behind,omitempty"`  // the switch port that it hangs on
	Heard   time.Time     `json:"heard,omitzero"`    // when it was last heard by the passive ear
	GapMS   int64         `json:"gap_ms"`            // between two questions
	AtMost  int           `json:"questions_at_most"` // the budget of the device, over all protocols
	Items   []Item        `json:"items"`             // in the order of asking
	Cost
}

// Subject is the address of the device.
func (d DevicePlan) Subject() discovery.Subject {
	return discovery.Subject{Site: d.Site, Segment: d.Segment, IP: d.Address, MAC: d.MAC, VLAN: d.VLAN}
}

// Item is what one device is asked over one protocol.
type Item struct {
	Protocol  string `json:"protocol"`
	Transport string `json:"transport"`
	Port      uint16 `json:"port"`
	Grade     string `json:"grade"` // E1 .. E5: why it is asked
	Units     []int  `json:"units,omitempty"`
	// UnitsNamed says that a person named the units, which is the opt-in for questions to them.
	UnitsNamed bool `json:"units_named,omitempty"`
	// Connections is how many TCP connections it takes at most, one after another; absent = 1.
	Connections int       `json:"connections,omitempty"`
	Requests    []Planned `json:"requests"`
}

// connections is how many TCP connections the item takes at most.
func (i Item) connections() int {
	if !slices.ContainsFunc(i.Requests, func(r Planned) bool { return i.transportOf(r) == discovery.TCP.String() }) {
		return 0
	}
	return max(i.Connections, 1)
}

// transportOf is the transport of a request: its own, or the item's.
func (i Item) transportOf(r Planned) string {
	if r.Transport != "" {
		return r.Transport
	}
	return i.Transport
}

// Planned is one request of an item.
type Planned struct {
	Name     string `json:"name"`
	Template string `json:"template"`         // see discovery.Template
	GapMS    int64  `json:"gap_ms,omitempty"` // before it, where longer than the device's
	// Transport is that of the request where it is not the item's.
	Transport string `json:"transport,omitempty"`
	Safety    string `json:"safety"` // A1, B, C: for a device of this class
	Setup     bool   `json:"setup,omitempty"`
	AtMost    int    `json:"at_most"` // a datagram's retries counted
	Effect    string `json:"effect,omitempty"`
}

// NotAsked is something that was considered and is not asked.
type NotAsked struct {
	Address  netip.Addr `json:"address,omitzero"`
	Protocol string     `json:"protocol,omitempty"` // "" = nothing at all
	Request  string     `json:"request,omitempty"`  // "" = nothing of the protocol
	Grade    string     `json:"grade,omitempty"`
	Reason   string     `json:"reason"`
}

// Proxy is a station that answers ARP for so many addresses of the scope.
type Proxy struct {
	MAC       discovery.MAC `json:"mac"`
	Addresses int           `json:"addresses"`
}

// LaterPlan is what each host that is found later is asked.
type LaterPlan struct {
	AtMost int        `json:"devices_at_most"`
	Each   DevicePlan `json:"each"`
	// Infrastructure is what one of them, or of Plan.Devices, is asked that turns out to be a switch, router or the like.
	Infrastructure *DevicePlan `json:"infrastructure,omitempty"`
}

// Cost is upper bounds, counted within the budgets.
type Cost struct {
	Questions int     `json:"questions"`
	Setup     int     `json:"setup"`   // set-up and tear-down messages
	Packets   int     `json:"packets"` // frames that leave us, acknowledgements counted
	Seconds   float64 `json:"seconds"` // when everything is needed and answered at once
}

// Totals is the cost of all devices together.
type Totals struct {
	Devices int `json:"devices"`
	Cost
}

// Host is what is known of a device before it is asked. One without an address stands for each host that is found later.
type Host struct {
	Subject  discovery.Subject
	Class    Class
	Evidence map[string]discovery.Grade // protocol -> why it is believed to speak it
	Ports    map[string]uint16          // protocol -> where it listens, if not at the usual port
	Units    []uint8                    // Modbus units behind it, as overheard; asked by opt-in
	Named    []uint8                    // Modbus units behind it, as named by a person, which is the opt-in
	Clients  map[string]int             // protocol -> other stations that hold a connection for it, as far as they were heard
	Answered map[Question]time.Time     // when questions were last answered; the zero time: the last try came to nothing
	Type     string                     // device type, as identified so far
	Vendor   string                     // maker, as identified so far
	Names    []string                   // what it calls itself
	Listens  []discovery.Port           // where it was heard to serve
	Behind   string                     // the switch port that it hangs on, as LLDP or a forwarding table says; "" = not known
	Heard    time.Time                  // when it was last heard
	Core     bool                       // infrastructure that tells about many others: a core switch or router
}

// check refuses a plan that this keeper cannot keep: it may come from a file.
func (k *Keeper) check(p Plan) error {
	seen := map[netip.Addr]bool{}
	for _, d := range p.Devices {
		addr := d.Address.Unmap()
		if seen[addr] {
			return fmt.Errorf("plan: %s stands twice: a device gets one connection at a time", addr)
		}
		seen[addr] = true
		if err := k.mayAsk(d.Subject()); err != nil {
			return fmt.Errorf("plan: %w", err)
		}
		if !d.Class.IsValid() {
			return fmt.Errorf("plan: %s: %s", addr, d.Class)
		}
		if most := k.o.Limits.questions(d.Class, true); d.AtMost < 1 || d.AtMost > most {
			return fmt.Errorf("plan: %s: %d questions: want 1 to %d", addr, d.AtMost, most)
		}
		if least := k.o.Limits.Class(d.Class).Gap.Milliseconds(); d.GapMS < least {
			return fmt.Errorf("plan: %s: a gap of %d ms is less than the %d ms of this pace", addr, d.GapMS, least)
		}
		protocols := map[string]bool{}
		for _, item := range d.Items {
			if protocols[item.Protocol] {
				return fmt.Errorf("plan: %s: %q stands twice", addr, item.Protocol)
			}
			protocols[item.Protocol] = true
			if _, err := k.listed(item, d.Class); err != nil {
				return fmt.Errorf("plan: %s: %w", addr, err)
			}
		}
	}
	return nil
}

// listed gives the requests of the item as the protocol lists them, at most as often as planned.
func (k *Keeper) listed(item Item, class Class) ([]allowance, error) {
	p, ok := k.protocol(item.Protocol)
	if !ok {
		return nil, fmt.Errorf("the protocol %q is not asked of single hosts", item.Protocol)
	}
	if item.Port == 0 {
		return nil, fmt.Errorf("%s: no port", item.Protocol)
	}
	for _, u := range item.Units {
		if u < 0 || u > 255 {
			return nil, fmt.Errorf("%s: unit %d", item.Protocol, u)
		}
	}
	var out []allowance
	for _, planned := range item.Requests {
		r, ok := requestByName(p.Asker, planned.Name)
		switch {
		case !ok:
			return nil, fmt.Errorf("%s: the request %q is not listed", item.Protocol, planned.Name)
		case planned.Template != r.Template.String():
			return nil, fmt.Errorf("%s: the request %q has another form than this version sends", item.Protocol, planned.Name)
		case r.PerUnit && len(item.Units) == 0:
			return nil, fmt.Errorf("%s: the request %q is for units, and there are none", item.Protocol, planned.Name)
		case !k.optedIn(p.Name, r, class, item.UnitsNamed):
			return nil, fmt.Errorf("%s: the request %q is of class %s for a device of the class %s and was not allowed",
				item.Protocol, planned.Name, r.SafetyFor(class), class)
		}
		out = append(out, allowance{Request: r, atMost: min(planned.AtMost, k.planned(p.Asker, r, class).AtMost)})
	}
	return out, nil
}

func requestByName(a *discovery.Asker, name string) (discovery.Request, bool) {
	for _, r := range a.Requests {
		if r.Name == name {
			return r, true
		}
	}
	return discovery.Request{}, false
}
