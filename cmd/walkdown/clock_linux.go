package main

import (
	"golang.org/x/sys/unix"

	"github.com/walkdown-ot/walkdown/inventory"
)

// systemClock is what the kernel knows of its clock (adjtimex(2), which changes nothing with no mode set); nil when it may not be read.
func systemClock() *inventory.Clock {
	const unsynchronized, nanoseconds = 0x0040, 0x2000 // STA_UNSYNC, STA_NANO of timex.h
	var t unix.Timex
	state, err := unix.Adjtimex(&t)
	if err != nil {
		return nil
	}
	const timeError = 5 // TIME_ERROR
	c := &inventory.Clock{Source: "kernel", Synchronized: state != timeError && t.Status&unsynchronized == 0}
	if !c.Synchronized {
		return c
	}
	perMS := 1e3
	if t.Status&nanoseconds != 0 {
		perMS = 1e6
	}
	c.OffsetMS, c.MaxErrorMS = float64(t.Offset)/perMS, float64(t.Maxerror)/1e3
	return c
}
