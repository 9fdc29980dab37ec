package ask

import (
	"fmt"
	"time"
)

// ClassLimits is how one class of device is asked.
type ClassLimits struct {
	Gap         time.Duration // the least time between two questions to one device
	Questions   int           // at most, per device and run
	Connections int           // TCP connections at most, per device and run, one after another
	Pause       time.Duration // the least time between the end of a connection and the start of the next
}

// Limits is the pace of a run. DefaultLimits gives the only defaults that there are.
type Limits struct {
	Name string // "gentle", as the plan prints it

	Infrastructure, Computer, Controller, Gateway ClassLimits // field devices and unknown ones as a controller

	Core int // questions to infrastructure that tells about many others, per device and run

	Rate    float64 // questions and connects per second, all devices together
	Devices int     // asked at once
	Jitter  float64 // up to this share is added to each gap, so that runs of devices do not beat in step

	SetupGap time.Duration // the least time between any two messages to one device
	SlowRTT  time.Duration // a device that answers slower than this ...
	SlowGap  time.Duration // ... gets at least this gap

	Connect    time.Duration // wait for a connection
	Answer     time.Duration // wait for a whole answer
	Close      time.Duration // read to the end after our FIN
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
		Infrastructure: ClassLimits{Gap: 200 * time.Millisecond, Questions: 400, Connections: 8, Pause: time.Second},
		Computer:       ClassLimits{Gap: 500 * time.Millisecond, Questions: 30, Connections: 6, Pause: time.Second},
		Controller:     ClassLimits{Gap: time.Second, Questions: 20, Connections: 3, Pause: 2 * time.Second},
		Gateway:        ClassLimits{Gap: 2 * time.Second, Questions: 16, Connections: 3, Pause: 2 * time.Second},
		Core:           1500,
		Rate:           10,
		Devices:        8,
		Jitter:         0.1,
		SetupGap:       100 * time.Millisecond,
		SlowRTT:        300 * time.Millisecond,
		SlowGap:        time.Second,
		Connect:        3 * time.Second,
		Answer:         3 * time.Second,
		Close:          2 * time.Second,
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
	l.Rate = 100
	l.SetupGap, l.SlowGap = 5*time.Millisecond, 100*time.Millisecond
	l.Connect, l.Answer, l.Close = time.Second, time.Second, 500*time.Millisecond
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
		{"stopping time", l.Stop},
		{"time for a device", l.Device},
	} {
		if d.value <= 0 {
			return fmt.Errorf("limits: the %s is %s, it must be more than 0", d.name, d.value)
		}
	}
	switch {
	case l.Core < 0:
		return fmt.Errorf("limits: %d questions to the core may not be negative", l.Core)
	case !(l.Rate > 0) || !(l.SweepRate > 0):
		return fmt.Errorf("limits: the rates %g and %g per second must be more than 0", l.Rate, l.SweepRate)
	case l.Devices < 1 || l.Received < 1:
		return fmt.Errorf("limits: %d devices at once, %d bytes received: at least 1 each", l.Devices, l.Received)
	case !(l.Jitter >= 0 && l.Jitter <= 1):
		return fmt.Errorf("limits: a jitter of %g is not between 0 and 1", l.Jitter)
	case l.SlowRTT < 0 || l.SlowGap < 0 || l.UDPRetries < 0 || l.SweepMax < 0 || l.SweepBits < 0:
		return fmt.Errorf("limits: %s, %s, %d, %d, %d: none may be negative", l.SlowRTT, l.SlowGap, l.UDPRetries, l.SweepMax, l.SweepBits)
	}
	return nil
}
