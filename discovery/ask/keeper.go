package ask

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/walkdown-ot/walkdown/discovery"
)

// Options is what a Keeper is made of. Protocols and Scope are needed, all else may be left out.
type Options struct {
	Protocols   []discovery.Protocol
	Limits      Limits // zero: DefaultLimits
	Scope       []netip.Prefix
	Exclude     Exclusions
	Allow       []string // opted in to: protocols and requests of class C, "blind" (grade E5), "all"
	Credentials []discovery.Credential
	Interface   *net.Interface // for layer 2; nil: no sweep
	Bind        bool           // ask single hosts over Interface too, whatever the system's routes say
	Refresh     []string       // protocols that are asked again although they were answered lately; "all"
	Windows     Windows        // when questions may be asked; none: always
	Own         []netip.Addr   // our own addresses, which are never asked; those of Interface need not be named

	// Survey, Sensor, Site and Segment mark what is observed. Site and Segment are those of swept hosts; each Host brings
	// its own.
	Survey, Sensor, Site, Segment string

	// Out, Ledger, Known, Identified and Progress are called by one goroutine at a time, and must not call the Keeper.
	Out        discovery.Sink
	Ledger     func(discovery.Exchange)
	Known      func(discovery.Subject, discovery.Key) (string, bool) // what is known already and need not be asked
	Identified func(discovery.Subject) Identity                      // what the device is taken for so far; zero: not known
	Progress   func(Progress)
	// Notice is told what a person should know at once: the run was paused, a device is gone.
	Notice func(string)
	// Watch is what the passive ear hears of the devices' own clients; nil: there is no ear.
	Watch *Watch
	Log   *slog.Logger
}

// Identity is what a device is taken for.
type Identity struct {
	Type, Vendor, Model, Firmware, Serial string
	Names                                 []string
}

// isWhole reports whether there is nothing left that a nameplate would tell.
func (i Identity) isWhole() bool {
	return i.Vendor != "" && i.Model != "" && i.Firmware != "" && i.Serial != ""
}

// Progress is how far a sweep or a run has come.
type Progress struct {
	Devices   int // of the plan; addresses in a sweep
	Done      int
	Questions int // sent so far
	Answered  int // of these
	Left      time.Duration
}

// Keeper keeps the pace and the ledger. It is safe for concurrent use, but one sweep or run at a time keeps the overall rate
// that was planned.
type Keeper struct {
	o     Options
	own   []netip.Addr
	links []link
	log   *slog.Logger

	questions *rate.Limiter // all devices together
	sweeping  *rate.Limiter
	packets   *rate.Limiter // all that leaves

	// Outside of tests these are the machine's.
	random func() float64
	now    func() time.Time // for the windows; their clock on the wall
	dial   func(ctx context.Context, network, address string) (net.Conn, error)
	frames func(ifi *net.Interface, etherType uint16) (net.PacketConn, error)
	// broadcast opens a UDP socket on the interface.
	broadcast func(ctx context.Context, ifi *net.Interface, from netip.Addr, localPort uint16) (net.PacketConn, error)

	answering sync.Mutex
	answers   map[netip.Addr]time.Time // when each address last answered
	absent    map[netip.Addr]time.Time // who did not answer the last search, and when it ended

	telling sync.Mutex // one caller at a time for the functions of Options
}

// New checks the options. It opens nothing.
func New(o Options) (*Keeper, error) {
	if o.Limits == (Limits{}) {
		o.Limits = DefaultLimits()
	}
	if err := o.Limits.check(); err != nil {
		return nil, err
	}
	if len(o.Scope) == 0 {
		return nil, errors.New("without a scope nothing is asked")
	}
	o.Scope = slices.Clone(o.Scope)
	for i, p := range o.Scope {
		o.Scope[i] = p.Masked()
		if err := checkPrefix(o.Scope[i]); err != nil {
			return nil, fmt.Errorf("scope %s: %w", p, err)
		}
	}
	if err := checkProtocols(o.Protocols); err != nil {
		return nil, err
	}
	k := &Keeper{
		o:         o,
		log:       o.Log,
		questions: rate.NewLimiter(rate.Limit(o.Limits.Rate), 1),
		sweeping:  rate.NewLimiter(rate.Limit(o.Limits.SweepRate), 1),
		packets:   rate.NewLimiter(o.Limits.packetRate()),
		random:    rand.Float64,
		now:       time.Now,
		frames:    openFrames,
		broadcast: openBroadcast,
	}
	k.dial = k.dialPlain
	if o.Bind && o.Interface == nil {
		return nil, errors.New("asking is to be bound to an interface, and none was named")
	}
	if k.log == nil {
		k.log = slog.New(slog.DiscardHandler)
	}
	for _, addr := range o.Own {
		k.own = append(k.own, addr.Unmap().WithZone(""))
	}
	if o.Interface != nil {
		if err := k.readLinks(); err != nil {
			return nil, err
		}
	}
	return k, nil
}

// readLinks notes the networks of the interface and our own addresses there.
func (k *Keeper) readLinks() error {
	links, err := linksOf(k.o.Interface)
	if err != nil {
		return err
	}
	for _, l := range links {
		k.links = append(k.links, l)
		k.own = append(k.own, l.own)
	}
	return nil
}

// checkProtocols refuses an asker that could not be metered.
func checkProtocols(protocols []discovery.Protocol) error {
	names := map[string]bool{}
	for _, p := range protocols {
		if names[p.Name] {
			return fmt.Errorf("protocol %q stands twice", p.Name)
		}
		names[p.Name] = true
		if p.Asker != nil && p.Asker.Transport == discovery.EtherType || p.Segment != nil && p.Segment.Transport == discovery.TCP {
			return fmt.Errorf("protocol %q: a host is not asked over frames, nor a segment over a stream", p.Name)
		}
		for _, a := range []*discovery.Asker{p.Asker, p.Segment} {
			if a == nil {
				continue
			}
			if err := checkAsker(p.Name, *a); err != nil {
				return err
			}
		}
	}
	return nil
}

func checkAsker(protocol string, a discovery.Asker) error {
	if a.Ask == nil || a.Port == 0 || len(a.Requests) == 0 {
		return fmt.Errorf("protocol %q: an asker needs a port, requests and Ask", protocol)
	}
	requests := map[string]bool{}
	for _, r := range a.Requests {
		if requests[r.Name] || r.Name == "" || r.Name == discovery.ConnectRequest || r.Template.IsZero() || r.Max < 1 {
			return fmt.Errorf("protocol %q: request %q needs a name of its own, a template and a number", protocol, r.Name)
		}
		if a.TransportOf(r) == discovery.TCP && a.Message == nil {
			return fmt.Errorf("protocol %q: request %q by a stream needs Message", protocol, r.Name)
		}
		requests[r.Name] = true
	}
	return nil
}

// segmentProtocol gives the protocol of that name if a segment can be asked over it.
func (k *Keeper) segmentProtocol(name string) (discovery.Protocol, bool) {
	for _, p := range k.o.Protocols {
		if p.Name == name && p.Segment != nil {
			return p, true
		}
	}
	return discovery.Protocol{}, false
}

// protocol gives the protocol of that name if hosts can be asked over it.
func (k *Keeper) protocol(name string) (discovery.Protocol, bool) {
	for _, p := range k.o.Protocols {
		if p.Name == name && p.Asker != nil {
			return p, true
		}
	}
	return discovery.Protocol{}, false
}

// allowBlind opts in to grade E5, allowAll to everything of class C.
const (
	allowBlind = "blind"
	allowAll   = "all"
)

// allowed reports whether any of the names was opted in to.
func (k *Keeper) allowed(names ...string) bool {
	return slices.ContainsFunc(k.o.Allow, func(a string) bool { return a == allowAll || slices.Contains(names, a) })
}

// mayBeSent reports whether a request needs no opt-in for a device of this class, or has one.
func (k *Keeper) mayBeSent(protocol string, r discovery.Request, class Class) bool {
	switch r.SafetyFor(class) {
	case discovery.SafetyD:
		return false
	case discovery.SafetyC:
		return k.allowed(protocol, r.Name)
	}
	return true
}

func (k *Keeper) known(subject discovery.Subject, key discovery.Key) (string, bool) {
	if k.o.Known == nil {
		return "", false
	}
	k.telling.Lock()
	defer k.telling.Unlock()
	return k.o.Known(subject, key)
}

func (k *Keeper) identified(subject discovery.Subject) Identity {
	if k.o.Identified == nil {
		return Identity{}
	}
	k.telling.Lock()
	defer k.telling.Unlock()
	return k.o.Identified(subject)
}

// observe fills in what the observation left open and hands it on.
func (k *Keeper) observe(o discovery.Observation) {
	if k.o.Out == nil {
		return
	}
	o.Mode, o.Survey, o.Sensor = discovery.Asked, k.o.Survey, k.o.Sensor
	if o.Time.IsZero() {
		o.Time = time.Now().UTC()
	}
	k.telling.Lock()
	defer k.telling.Unlock()
	k.o.Out.Observe(o)
}

// record writes one line of the ledger.
func (k *Keeper) record(e discovery.Exchange) {
	k.log.Debug("exchange", "protocol", e.Protocol, "addr", e.Target.String(), "request", e.Request, "outcome", string(e.Outcome), "rtt", e.RTT, "note", e.Note)
	if k.o.Ledger == nil {
		return
	}
	e.Survey = k.o.Survey
	k.telling.Lock()
	defer k.telling.Unlock()
	k.o.Ledger(e)
}

func (k *Keeper) notice(text string) {
	k.log.Warn(text)
	if k.o.Notice == nil {
		return
	}
	k.telling.Lock()
	defer k.telling.Unlock()
	k.o.Notice(text)
}

func (k *Keeper) progress(p Progress) {
	if k.o.Progress == nil {
		return
	}
	k.telling.Lock()
	defer k.telling.Unlock()
	k.o.Progress(p)
}
