package ask

import (
	"fmt"
	"strings"
	"time"
)

// The presets of the pace. Every rule and every budget holds at each of them; they differ in times only.
const (
	paceWhisper = "whisper"
	paceGentle  = "gentle"
	paceBrisk   = "brisk"
)

// Preset gives the pace of that name: whisper, gentle or brisk.
func Preset(name string) (Limits, error) {
	switch name {
	case paceWhisper:
		return WhisperLimits(), nil
	case paceGentle, "":
		return DefaultLimits(), nil
	case paceBrisk:
		return BriskLimits(), nil
	}
	return Limits{}, fmt.Errorf("unknown pace %q: want %s", name, strings.Join([]string{paceWhisper, paceGentle, paceBrisk}, ", "))
}

// WhisperLimits is for plants of which nobody knows what they bear: one or two devices at a time, long pauses.
func WhisperLimits() Limits {
	l := DefaultLimits()
	l.Name = paceWhisper
	l.Infrastructure.Gap, l.Infrastructure.Pause = time.Second, 2*time.Second
	l.Computer.Gap, l.Computer.Pause = 2*time.Second, 3*time.Second
	l.Controller.Gap, l.Controller.Pause = 3*time.Second, 5*time.Second
	l.Gateway.Gap, l.Gateway.Pause = 5*time.Second, 10*time.Second
	l.Rate, l.Devices, l.AtOnePort = 2, 2, 1
	l.SetupGap, l.SlowGap = 300*time.Millisecond, 3*time.Second
	l.SweepRate = 4
	l.Packets = 10
	return l
}

// BriskLimits is for a maintenance window with the plant at a standstill: computers and switches are asked more quickly, more
// devices at once. Controllers, field devices and gateways are asked as at the gentle pace.
func BriskLimits() Limits {
	l := DefaultLimits()
	l.Name = paceBrisk
	l.Infrastructure.Gap, l.Infrastructure.Pause = 100*time.Millisecond, 500*time.Millisecond
	l.Computer.Gap, l.Computer.Pause = 250*time.Millisecond, 500*time.Millisecond
	l.Rate, l.Devices = 20, 16
	return l
}
