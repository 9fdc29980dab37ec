package ask

import (
	"fmt"
	"time"

	"golang.org/x/time/rate"
)

// ClassLimits is how one class of device is asked.
type ClassLimits struct {
	Gap         time.Duration // the least time between two questions to one device
	Questions   int           // at most, per device and run
	Connections int           // TCP connections at most, per device and run, one after another
	Pause       time.Duration // the least time between the end of a connection and the start of the next
	SlowAnswers int           // so many slow answers in a row are distress
}

// Limits is the pace of a run. DefaultLimits gives the only defaults that there are.
type Limits struct {
	Name string // "gentle", as the plan prints it

	Infrastructure, Computer, Controller, Gateway ClassLimits // field devices and unknown ones as a controller

	Core int // questions to infrastructure that tells about many others, per device and run

	Packets   int     // per second, whatever they are, acknowledgements counted; those that the system sends again are not
	Rate      float64 // questions and connects per second, all devices together
	Devices   int     // asked at once
	AtOnePort int     // of these, at most behind one switch port
	Addresses int     // of one station; one that answers for more speaks for others, and they are not asked without better evidence
	Jitter    float64 // up to this share is added to each gap, so that runs of devices do not beat in step

	SetupGap   time.Duration // the least time between any two messages to one device
	SlowRTT    time.Duration // a device that answers slower than this, or slow by its own measure, ...
	SlowGap    time.Duration // ... gets at least this gap
	SlowFactor float64       // an answer that takes so many times the device's own measure is slow ...
	SlowFloor  time.Duration // ... unless it takes no longer than this

	HeardResets  int     // so many resets inside the exchanges of an asked device with others are distress ...
	HeardRepeats int     // ... and so many segments that were sent again in them
	PollGrowth   float64 // a client that polls it at so many times its own interval shows distress ...
	PollSilence  int     // ... and one that has not polled for so many of them

	Others    int // so many other clients may hold connections to a controller before we take one of those that are few ...
	OthersFew int // ... and so many to a gateway, a field device and what is not known

	Repeat time.Duration // what was answered within this is not asked again

	Recent   time.Duration // a device that was heard or answered within this is taken to be there
	PauseAt  int           // so many devices that fell silent pause the run ...
	RunPause time.Duration // ... for so long ...
	StopAt   int           // ... and so many stop it

	Connect    time.Duration // wait for a connection
	Answer     time.Duration // wait for a whole answer
	Close      time.Duration // read to the end after our FIN
	Linger     time.Duration // hold a connection that the device has not ended by then, so that nothing late is reset
	Stop       time.Duration // the same after the run was interrupted
	Device     time.Duration // one device altogether, whatever it answers
	UDPRetries int           // how often a datagram without an answer is sent again
	Received   int           // bytes from one connection; a device that says more is not understood

	SweepRate float64 // ARP requests per second
	SweepMax  int     // addresses resolved in one run
	SweepBits int     // a part of the scope with a shorter prefix is not swept whole
}

// DefaultLimits is the gentle pace.
func DefaultLimits() Limits {
	return Limits{
		Name:           "gentle",
		Infrastructure: ClassLimits{Gap: 200 * time.Millisecond, Questions: 400, Connections: 8, Pause: time.Second, SlowAnswers: 3},
		Computer:       ClassLimits{Gap: 500 * time.Millisecond, Questions: 30, Connections: 6, Pause: time.Second, SlowAnswers: 3},
		Controller:     ClassLimits{Gap: time.Second, Questions: 20, Connections: 3, Pause: 2 * time.Second, SlowAnswers: 2},
		Gateway:        ClassLimits{Gap: 2 * time.Second, Questions: 16, Connections: 3, Pause: 2 * time.Second, SlowAnswers: 2},
		Core:           1500,
		Packets:        50,
		Rate:           10,
		Devices:        8,
		AtOnePort:      2,
		Addresses:      8,
		Jitter:         0.1,
		SetupGap:       100 * time.Millisecond,
		SlowRTT:        300 * time.Millisecond,
		SlowGap:        time.Second,
		SlowFactor:     3,
		SlowFloor:      50 * time.Millisecond,
		HeardResets:    1,
		HeardRepeats:   2,
		PollGrowth:     1.5,
		PollSilence:    4,
		Others:         3,
		OthersFew:      1,
		Repeat:         24 * time.Hour,
		Recent:         10 * time.Minute,
		PauseAt:        2,
		RunPause:       time.Minute,
		StopAt:         3,
		Connect:        3 * time.Second,
		Answer:         3 * time.Second,
		Close:          2 * time.Second,
		Linger:         time.Minute,
		Stop:           800 * time.Millisecond,
		Device:         15 * time.Minute,
		UDPRetries:     1,
		Received:       4 << 20,
		SweepRate:      20,
		SweepMax:       1024,
		SweepBits:      22,
	}
}

// DemoLimits is a pace for the simulated plant on loopback, where nothing can be upset. It keeps every rule and budget and
// shortens only the times.
func DemoLimits() Limits {
	l := DefaultLimits()
	l.Name = "demo"
	for _, c := range []*ClassLimits{&l.Infrastructure, &l.Computer, &l.Controller, &l.Gateway} {
		c.Gap, c.Pause = 20*time.Millisecond, 50*time.Millisecond
	}
	l.Rate, l.Packets = 100, 5000
	l.SetupGap, l.SlowGap = 5*time.Millisecond, 100*time.Millisecond
	l.Connect, l.Answer, l.Close, l.Linger = time.Second, time.Second, 500*time.Millisecond, time.Second
	return l
}

// Class gives the limits of a class; those of a controller for one that is not known.
func (l Limits) Class(c Class) ClassLimits {
	switch c {
	case Infrastructure:
		return l.Infrastructure
	case Computer:
		return l.Computer
	case Gateway:
		return l.Gateway
	}
	return l.Controller
}

// questions is the budget of a device of the class.
func (l Limits) questions(c Class, core bool) int {
	if c == Infrastructure && core {
		return max(l.Core, l.Infrastructure.Questions)
	}
	return l.Class(c).Questions
}

// packetRate is a bucket that lets no more than Packets pass in any second: what is in it at the second's beginning, what flows in
// until its end, and one packet of each device that is asked, whose answer is acknowledged later than it was counted.
func (l Limits) packetRate() (perSecond rate.Limit, burst int) {
	burst = l.Packets / 5
	return rate.Limit(l.Packets - burst - l.Devices), burst
}

// WithGap is the same pace with one gap for every class of device.
func (l Limits) WithGap(gap time.Duration) Limits {
	for _, c := range []*ClassLimits{&l.Infrastructure, &l.Computer, &l.Controller, &l.Gateway} {
		c.Gap = gap
	}
	return l
}

// check refuses a pace that could not be kept or that would be none.
func (l Limits) check() error {
	for _, c := range []Class{Infrastructure, Computer, Controller, Gateway} {
		limits := l.Class(c)
		switch {
		case limits.Gap <= 0 || limits.Pause <= 0:
			return fmt.Errorf("limits of class %s: the gap %s and the pause %s must be more than 0", c, limits.Gap, limits.Pause)
		case limits.SlowAnswers < 1:
			return fmt.Errorf("limits of class %s: %d slow answers are no sign", c, limits.SlowAnswers)
		case limits.Questions < 1 || limits.Connections < 1:
			return fmt.Errorf("limits of class %s: %d questions, %d connections: at least 1 each", c, limits.Questions, limits.Connections)
		}
	}
	for _, d := range []struct {
		name  string
		value time.Duration
	}{
		{"set-up gap", l.SetupGap},
		{"connect time-out", l.Connect},
		{"answer time-out", l.Answer},
		{"closing time", l.Close},
		{"time to hold a connection", l.Linger},
		{"stopping time", l.Stop},
		{"time for a device", l.Device},
	} {
		if d.value <= 0 {
			return fmt.Errorf("limits: the %s is %s, it must be more than 0", d.name, d.value)
		}
	}
	switch {
	case l.Packets < packetsPerMessage*5 || l.Packets-l.Packets/5 <= l.Devices:
		return fmt.Errorf("limits: %d packets per second: at least %d", l.Packets, max(packetsPerMessage*5, l.Devices*5/4+1))
	case l.Core < 0:
		return fmt.Errorf("limits: %d questions to the core may not be negative", l.Core)
	case !(l.Rate > 0) || !(l.SweepRate > 0):
		return fmt.Errorf("limits: the rates %g and %g per second must be more than 0", l.Rate, l.SweepRate)
	case !(l.SlowFactor > 1) || !(l.PollGrowth > 1) || l.PollSilence < 1 || l.HeardResets < 1 || l.HeardRepeats < 1:
		return fmt.Errorf("limits: distress at %g times, %g times, %d polls, %d resets, %d repeats: each must be more",
			l.SlowFactor, l.PollGrowth, l.PollSilence, l.HeardResets, l.HeardRepeats)
	case l.AtOnePort < 1 || l.PauseAt < 1 || l.StopAt < 1 || l.RunPause <= 0 || l.Recent <= 0:
		return fmt.Errorf("limits: %d devices behind one port, run paused at %d for %s, stopped at %d, of those heard within %s: each must be more than 0",
			l.AtOnePort, l.PauseAt, l.RunPause, l.StopAt, l.Recent)
	case l.Addresses < 1:
		return fmt.Errorf("limits: %d addresses of a station: at least 1", l.Addresses)
	case l.Devices < 1 || l.Received < 1:
		return fmt.Errorf("limits: %d devices at once, %d bytes received: at least 1 each", l.Devices, l.Received)
	case !(l.Jitter >= 0 && l.Jitter <= 1):
		return fmt.Errorf("limits: a jitter of %g is not between 0 and 1", l.Jitter)
	case l.SlowRTT < 0 || l.SlowGap < 0 || l.UDPRetries < 0 || l.SweepMax < 0 || l.SweepBits < 0:
		return fmt.Errorf("limits: %s, %s, %d, %d, %d: none may be negative", l.SlowRTT, l.SlowGap, l.UDPRetries, l.SweepMax, l.SweepBits)
	}
	return nil
}
