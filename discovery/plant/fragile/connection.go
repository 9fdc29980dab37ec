package fragile

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"time"
)

// slot is a place for one client.
type slot struct {
	conn  net.Conn // nil for the panel
	panel bool
	gone  chan struct{} // closed when the client was thrown out
}

// admit gives the client a slot, or nil when it is turned away.
func (d *Device) admit(conn net.Conn) (s *slot, second bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.report.Connections++
	if len(d.slots) >= d.temper.slots {
		if !d.temper.evicts {
			d.upsetNow(fmt.Sprintf("a client was turned away: all %d connections are taken", d.temper.slots))
			return nil, false
		}
		d.throwOut()
	}
	s = &slot{conn: conn, gone: make(chan struct{})}
	d.slots = append(d.slots, s)
	clients := 0
	for _, have := range d.slots {
		if !have.panel {
			clients++
		}
	}
	d.report.AtOnce = max(d.report.AtOnce, clients)
	return s, clients > 1
}

// throwOut ends the oldest connection. The caller holds mu.
func (d *Device) throwOut() {
	oldest := d.slots[0]
	d.slots = d.slots[1:]
	close(oldest.gone)
	if oldest.panel {
		d.upsetNow("its operator panel was thrown out")
		return
	}
	d.upsetNow("a client was thrown out")
	_ = oldest.conn.Close()
}

func (d *Device) release(s *slot) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for i, have := range d.slots {
		if have == s {
			d.slots = append(d.slots[:i:i], d.slots[i+1:]...)
			return
		}
	}
}

// connection serves one client from the first byte to the end, and judges how it ended.
func (d *Device) connection(ctx context.Context, conn net.Conn, s speech) {
	defer conn.Close() //nolint:errcheck // the client has its own end
	if d.isDead() {
		<-ctx.Done()
		return
	}
	place, second := d.admit(conn)
	if place == nil {
		return
	}
	if second && d.temper.jealous {
		d.stall(ctx, "a second client connected")
	}
	asked, err := d.converse(ctx, conn, s)
	if ctx.Err() != nil {
		return
	}
	select {
	case <-place.gone:
		return // it was thrown out, and that was noted
	default:
	}
	switch {
	case d.isDead():
		<-ctx.Done()
		return
	case err == nil: // the device ended it itself
	case errors.Is(err, io.EOF):
		if asked == 0 {
			d.upset(NothingAsked)
		}
		if d.temper.deaf {
			<-ctx.Done()
			return
		}
	case errors.Is(err, os.ErrDeadlineExceeded):
		d.upset("a connection was abandoned")
		if d.temper.leaks {
			<-ctx.Done()
			return
		}
	default:
		if d.temper.nonsense != endless { // whoever says nonsense for ever cannot be left in another way
			d.upset("a connection was reset: " + err.Error())
		}
		if d.temper.leaks {
			<-ctx.Done()
			return
		}
	}
	d.release(place)
}

// converse answers message after message. A nil error says that the device is to end the connection.
func (d *Device) converse(ctx context.Context, conn net.Conn, s speech) (asked int, err error) {
	buffer := make([]byte, 4096)
	var unread []byte
	for {
		_ = conn.SetReadDeadline(time.Now().Add(abandoned))
		n, err := conn.Read(buffer)
		if err != nil {
			return asked, err
		}
		unread = append(unread, buffer[:n]...)
		for {
			size := s.length(unread)
			if size < 0 {
				d.upset(fmt.Sprintf("it was sent what it cannot read: % x", unread[:min(len(unread), 16)]))
				return asked, nil
			}
			if size == 0 {
				break
			}
			asked++
			if d.temper.breaks && s.identifies(unread[:size]) {
				d.breakOff(conn)
				return asked, nil
			}
			reply, end := d.answer(ctx, s, unread[:size])
			unread = unread[size:]
			if err := d.say(ctx, conn, reply); err != nil || end {
				return asked, err
			}
		}
	}
}

// breakOff resets the connection, as only devices do. Once is its nature, twice is somebody who did not listen.
func (d *Device) breakOff(conn net.Conn) {
	d.mu.Lock()
	d.report.Questions++
	if d.report.Questions > 1 {
		d.upsetNow("it was asked again what it had broken a connection off for")
	}
	d.mu.Unlock()
	if c, ok := conn.(interface{ SetLinger(seconds int) error }); ok {
		_ = c.SetLinger(0)
	}
}

// say writes a reply in the device's own way.
func (d *Device) say(ctx context.Context, conn net.Conn, reply []byte) error {
	if len(reply) == 0 {
		return nil
	}
	piece, pause, again := len(reply), time.Duration(0), false
	switch {
	case d.temper.nonsense == endless:
		pause, again = time.Millisecond, true
	case d.temper.perByte > 0:
		piece, pause = 1, d.temper.perByte
	}
	for at := 0; at < len(reply); {
		if _, err := conn.Write(reply[at : at+piece]); err != nil {
			return err
		}
		if at += piece; at == len(reply) && again {
			at = 0
		}
		if pause > 0 && at < len(reply) && !sleep(ctx, pause) {
			return ctx.Err()
		}
	}
	return nil
}

// poll is the operator panel: a client on the inside, which holds a slot and reads every half second. A poll that has to wait
// for the processor shows on the panel as a device that does not answer.
func (d *Device) poll(ctx context.Context) {
	place := &slot{panel: true, gone: make(chan struct{})}
	d.mu.Lock()
	d.slots = append(d.slots, place)
	d.mu.Unlock()
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-place.gone:
			return
		case <-tick.C:
		}
		began := time.Now()
		if !d.busy(ctx, d.temper.work) {
			return
		}
		took := time.Since(began)
		d.mu.Lock()
		d.report.Polls++
		d.report.WorstPoll = max(d.report.WorstPoll, took)
		if took > pollPatience {
			d.upsetNow(fmt.Sprintf("a poll of its operator panel took %s", took.Round(time.Millisecond)))
		}
		d.mu.Unlock()
	}
}
