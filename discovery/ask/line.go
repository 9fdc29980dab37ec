package ask

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
)

// line is what a metered stream and a metered datagram socket share: the messages that go out, one after another, and what is
// still awaited. Its read deadlines run from the moment that a message leaves, not from when the asker set them: libraries set
// them before they write, and the wait for the pace would eat them.
type line struct {
	s            *session
	conn         net.Conn
	tap          *tap
	closeInOrder func() // set by stream and datagram

	ctx    context.Context // ends when no further question may leave
	cancel context.CancelFunc
	alive  context.Context // ends when nothing at all may leave

	sending sync.Mutex // held from the meter to the wire

	mu       sync.Mutex
	pending  []*exchange   // sent and not answered, the oldest first
	patience time.Duration // the asker's read time-out, 0 = the limit's
	due      time.Time     // when what is pending is overdue
	fault    error         // why nothing may be sent any more
	closed   bool
	replies  int // whole messages that were understood
}

// exchange is a message that was sent, until it is known what came of it.
type exchange struct {
	discovery.Exchange
	message []byte // with its secrets, to send it again; never kept longer
	left    time.Time
	repeats int
	noSign  bool // silence says nothing
	tries   bool // a credential: silence is no sign of distress
	unsent  bool // nothing of it left
}

func newLine(s *session, conn net.Conn, transport discovery.Transport) *line {
	l := &line{s: s, conn: conn}
	// Closing cancels both; an interrupt ends the questions at once, and set-up and tear-down when the time for it is over.
	alive, stop := context.WithCancel(s.ending)
	ctx, cancel := context.WithCancel(s.ctx)
	l.alive, l.ctx = alive, ctx
	wake := context.AfterFunc(ctx, l.interrupted)
	l.cancel = func() {
		wake()
		cancel()
		stop()
	}
	flow := discovery.Flow{Transport: transport}
	flow.Ends[discovery.Server] = s.target.Subject
	flow.Ends[discovery.Client] = discovery.Subject{Site: s.target.Subject.Site, Segment: s.target.Subject.Segment}
	flow.Ports[discovery.Server] = s.target.Port
	// On loopback both ends can have one address; then the side alone tells them apart.
	if own := addrPort(conn.LocalAddr()); own.Addr() != s.target.Subject.IP {
		flow.Ends[discovery.Client].IP = own.Addr()
		flow.Ports[discovery.Client] = own.Port()
	}
	l.tap = newTap(s.protocol, flow, s.told)
	return l
}

// interrupted ends a read that waits, unless the line is being closed already and reads to the end.
func (l *line) interrupted() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.closed {
		l.wake()
	}
}

// send meters one whole message, waits for the pace and lets it out. repeats is 0 for what the asker sends.
func (l *line) send(message []byte, repeats int) error {
	l.sending.Lock()
	defer l.sending.Unlock()
	if err := errors.Join(l.maySend(), l.s.overheard()); err != nil {
		return err
	}
	request, secrets, err := l.s.meter.charge(l.tap.flow.Transport, message, repeats > 0)
	if err != nil {
		l.s.refuse(request, message, secrets, err)
		if errors.Is(err, discovery.ErrNotListed) {
			l.fail(err)
			l.closeInOrder()
		}
		return err
	}
	if request.Setup {
		err = l.s.v.pace.setup(l.alive, l.ctx)
	} else {
		err = l.s.v.pace.question(l.ctx, request.Gap)
	}
	if err != nil {
		return fmt.Errorf("send %s: %w", request.Name, l.stopped(err))
	}
	if err := errors.Join(l.maySend(), l.s.overheard()); err != nil {
		return err
	}
	return l.transmit(request, message, secrets, repeats)
}

// transmit puts a message on the wire. What is awaited is noted first: the answer may be quicker than the next line of code.
func (l *line) transmit(request discovery.Request, message []byte, secrets []discovery.Span, repeats int) error {
	now := time.Now()
	_ = l.tap.feed(discovery.Client, now, message)
	e := &exchange{message: append([]byte(nil), message...), left: now, repeats: repeats, noSign: request.MayBeSilent, tries: request.Tries}
	e.Exchange = l.s.exchange(request)
	e.Time, e.Bytes = now.UTC(), discovery.Redact(message, secrets)
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return net.ErrClosed
	}
	l.pending = append(l.pending, e)
	l.arm(now)
	l.mu.Unlock()
	_ = l.conn.SetWriteDeadline(now.Add(l.s.limits().Answer))
	n, err := l.conn.Write(message)
	l.s.v.pace.sent(time.Now(), request.Setup)
	l.s.v.touched()
	if err != nil {
		l.mu.Lock()
		e.unsent = n == 0
		l.mu.Unlock()
		return l.broken(fmt.Errorf("send %s: %w", request.Name, err))
	}
	return nil
}

// maySend says why nothing may be sent any more. After an interrupt only tear-down may, which send sees to.
func (l *line) maySend() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.fault != nil {
		return l.fault
	}
	if l.closed {
		return net.ErrClosed
	}
	return l.s.v.leftAlone()
}

// fail keeps the first reason why the line is of no use any more.
func (l *line) fail(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.fault == nil {
		l.fault = err
	}
}

// mayRead says why there is nothing to be read any more, and bounds a read for which nothing is awaited.
func (l *line) mayRead() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return net.ErrClosed
	}
	if l.fault != nil {
		return l.fault
	}
	if err := l.ctx.Err(); err != nil {
		return err
	}
	if len(l.pending) == 0 && l.patience == 0 {
		l.setReadDeadline(time.Now().Add(l.s.limits().Answer))
	}
	return nil
}

// begun notes when the first bytes of an answer came.
func (l *line) begun(now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.pending) > 0 && l.pending[0].RTT == 0 {
		l.pending[0].RTT = max(now.Sub(l.pending[0].left), 1)
	}
}

// settle says that a whole message came, and what the decoder said of it. It answers the oldest that is pending.
func (l *line) settle(now time.Time, problem error) {
	l.mu.Lock()
	var e *exchange
	if len(l.pending) > 0 {
		e = l.pending[0]
		l.pending = l.pending[1:]
	}
	if problem == nil {
		l.replies++
	}
	l.mu.Unlock()
	l.s.heard(l.tap.flow.Transport, problem, e != nil && !e.Setup)
	if e == nil {
		return
	}
	if e.RTT == 0 {
		e.RTT = max(now.Sub(e.left), 1)
	}
	l.s.timed(e.Exchange)
	e.Outcome = discovery.Answered
	if problem != nil {
		e.Outcome, e.Note = discovery.Garbage, problem.Error()
	}
	l.s.record(e.Exchange)
}

// broken says what an error of the socket means for what is awaited, writes it into the ledger, and gives the error that the
// asker gets.
func (l *line) broken(err error) error {
	l.mu.Lock()
	closed, interrupted := l.closed, l.ctx.Err() != nil
	overdue := len(l.pending) > 0 && !time.Now().Before(l.due)
	l.mu.Unlock()
	switch {
	case closed:
		return net.ErrClosed
	case isTimeout(err) && interrupted:
		return l.stopped(err)
	case isTimeout(err) && !overdue:
		return err
	case isTimeout(err):
		return l.lost(discovery.Silent, "no answer in time", timedOut{fmt.Errorf("%w: %w", discovery.ErrSilent, os.ErrDeadlineExceeded)})
	case errors.Is(err, io.EOF):
		return l.lost(discovery.Reset, "closed by the device", err)
	case isRefused(err), isReset(err) && l.tap.flow.Transport == discovery.UDP:
		return l.lost(discovery.Refused, "the port is closed", fmt.Errorf("%w: %w", discovery.ErrNotOffered, err))
	case isReset(err), errors.Is(err, io.ErrClosedPipe):
		return l.lost(discovery.Reset, "reset by the device", err)
	}
	return l.lost(discovery.Failed, err.Error(), err)
}

// lost ends all that is pending. If a question is among it and the device had answered questions before, that is distress.
func (l *line) lost(outcome discovery.Outcome, note string, err error) error {
	question := l.abandon(outcome, note, false)
	if outcome == discovery.Silent && question != "" {
		l.s.v.fellSilent()
	}
	if question == "" || outcome == discovery.Failed || !l.s.hasAnswered() {
		return err
	}
	return l.s.distress(fmt.Sprintf("%s: %s to %s after earlier answers", l.s.protocol.Name, note, question), err)
}

// abandon writes what came of all that is pending and gives the name of the first question among it. ended says that the
// device has ended the connection.
func (l *line) abandon(outcome discovery.Outcome, note string, ended bool) (question string) {
	l.mu.Lock()
	pending, replies := l.pending, l.replies
	l.pending = nil
	l.mu.Unlock()
	for _, e := range pending {
		if says := !e.noSign && !e.tries || outcome != discovery.Silent; says && !e.Setup && question == "" {
			question = e.Request
		}
		e.Outcome, e.Note = outcome, note
		switch {
		case e.Setup && ended && replies > 0 && e.RTT == 0:
			// To many a farewell the only answer is the end of the connection.
			e.Outcome, e.RTT = discovery.Answered, max(time.Since(e.left), 1)
		case e.RTT != 0 && outcome != discovery.Failed:
			e.Outcome, e.Note = discovery.Garbage, "the answer is cut short, then "+note
			l.s.heard(l.tap.flow.Transport, errors.New("the answer is cut short"), false)
		}
		if e.Outcome == discovery.Reset {
			l.s.cutOff()
		}
		if e.unsent {
			e.Outcome, e.Note = discovery.Failed, "it could not be sent: "+note
		}
		l.s.record(e.Exchange)
	}
	return question
}

// stopped is the reason why a wait ended early.
func (l *line) stopped(err error) error {
	if cause := context.Cause(l.s.ctx); cause != nil {
		return cause
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return net.ErrClosed
	}
	return err
}

// shut marks the line closed and ends its waits.
func (l *line) shut() {
	l.mu.Lock()
	l.closed = true
	l.mu.Unlock()
	l.cancel()
	l.wake()
}

// LocalAddr is that of the socket.
func (l *line) LocalAddr() net.Addr { return l.conn.LocalAddr() }

// RemoteAddr is that of the socket.
func (l *line) RemoteAddr() net.Addr { return l.conn.RemoteAddr() }
