package ask

import (
	"errors"
	"net"
	"os"
	"time"
)

// SetDeadline is SetReadDeadline.
func (l *line) SetDeadline(t time.Time) error { return l.SetReadDeadline(t) }

// SetReadDeadline bounds the wait for an answer, within the limit. The time from now to t is kept and runs again from each
// message that leaves.
func (l *line) SetReadDeadline(t time.Time) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return net.ErrClosed
	}
	wait := time.Until(t)
	switch {
	case t.IsZero():
		l.patience = 0
		if len(l.pending) > 0 {
			t = l.due
		}
	case wait > 0:
		l.patience = wait
		if len(l.pending) > 0 {
			if most := l.pending[len(l.pending)-1].left.Add(l.s.limits().Answer); t.After(most) {
				t = most
			}
			l.due = t
		}
	}
	l.setReadDeadline(t)
	return nil
}

// SetWriteDeadline changes nothing: how long a message may wait for its turn is the pace's business, and on the wire it gets
// as long as an answer.
func (l *line) SetWriteDeadline(time.Time) error { return nil }

// arm lets the wait for the answer begin. The caller holds mu.
func (l *line) arm(now time.Time) {
	wait := l.s.limits().Answer
	if l.patience > 0 {
		wait = min(wait, l.patience)
	}
	l.due = now.Add(wait)
	l.setReadDeadline(l.due)
}

// setReadDeadline sets the deadline, unless no read may wait any more. The caller holds mu.
func (l *line) setReadDeadline(t time.Time) {
	_ = l.conn.SetReadDeadline(t)
	if l.ctx.Err() != nil && !l.closed {
		l.wake()
	}
}

// longGone is a deadline that ends every wait.
func longGone() time.Time { return time.Unix(1, 0) }

// wake ends a read that waits.
func (l *line) wake() { _ = l.conn.SetReadDeadline(longGone()) }

// isTimeout reports whether a deadline passed.
func isTimeout(err error) bool {
	var timeout net.Error
	return errors.Is(err, os.ErrDeadlineExceeded) || errors.As(err, &timeout) && timeout.Timeout()
}

// timedOut is an error that libraries recognise as a time-out by its method.
type timedOut struct{ error }

// Timeout makes it a net.Error.
func (timedOut) Timeout() bool { return true }

// Temporary makes it a net.Error.
func (timedOut) Temporary() bool { return false }

// Unwrap gives the reason.
func (t timedOut) Unwrap() error { return t.error }
