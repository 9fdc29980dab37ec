package modbus

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"github.com/grid-x/modbus"

	"github.com/walkdown-ot/walkdown/discovery"
)

// client asks over the library's handler, which frames and matches the messages. The answers of function 43 are read here: the
// library's own reader panics on a short one and follows "more follows" for ever.
type client struct {
	handler  *modbus.TCPClientHandler
	conn     *watchedConn
	answered bool // the device answered once, if only with an exception
	// unreachable says that the device answered for another one, which it cannot reach.
	unreachable bool
	itself      alike
	toUnits     [categoryExtended]int // questions to further units, by category
}

func newClient(s discovery.Session) *client {
	c := &client{}
	c.handler = modbus.NewTCPClientHandler("", modbus.WithDialer(func(ctx context.Context, _, _ string) (net.Conn, error) {
		conn, err := s.Dial(ctx)
		if err != nil {
			return nil, err
		}
		c.conn = &watchedConn{Conn: conn}
		return c.conn, nil
	}))
	c.handler.IdleTimeout = -1 // no timer; close ends the connection
	return c
}

func (c *client) close() { _ = c.handler.Close() }

// identify asks a unit for the categories that it has. A refusal is an answer: it ends the questions to the unit.
func (c *client) identify(ctx context.Context, unit uint8) error {
	level := uint8(categoryBasic)
	for category := uint8(categoryBasic); category <= min(level, categoryExtended); category++ {
		conformity, alias, refused, err := c.readCategory(ctx, unit, category)
		if err != nil {
			return fmt.Errorf("read device identification of unit %d: %w", unit, err)
		}
		if refused || alias {
			return nil
		}
		level = conformity &^ individualAccess
	}
	return nil
}

// individualAccess is added to the conformity level by a device that also gives single objects.
const individualAccess = 0x80

// readCategory asks as long as more follows and the answers advance, and the unit does not say what the device said of itself.
func (c *client) readCategory(ctx context.Context, unit, category uint8) (conformity uint8, alias, refused bool, err error) {
	object := uint8(0)
	for range maxRounds {
		id, alias, refused, err := c.read(ctx, unit, category, object)
		if alias || refused || err != nil {
			return 0, alias, refused, err
		}
		conformity = id.Conformity
		if !id.More || id.Next <= object {
			break
		}
		object = id.Next
	}
	return conformity, false, false, nil
}

// read asks one question. The session's decoder tells what the answer holds; here it only decides what to ask next.
func (c *client) read(ctx context.Context, unit, category, object uint8) (id Identification, alias, refused bool, err error) {
	c.handler.SetSlave(unit) // the library's default is the broadcast
	if unit != unitDevice {
		c.toUnits[category-1]++
	}
	pdu, refused, err := c.call(ctx, encapsulated, []byte{meiDeviceID, category, object})
	if err != nil || refused {
		return id, false, refused, err
	}
	if id, err = parseIdentification(pdu.Data); err != nil {
		return id, false, false, fmt.Errorf("%w: %w", discovery.ErrNotUnderstood, err)
	}
	return id, c.itself.isAlias(unit, pdu.Data), false, nil
}

// reportServerID asks function 17.
func (c *client) reportServerID(ctx context.Context, unit uint8) error {
	c.handler.SetSlave(unit)
	if _, _, err := c.call(ctx, reportServerID, nil); err != nil {
		return fmt.Errorf("report server id of unit %d: %w", unit, err)
	}
	return nil
}

// call asks the unit that was set.
func (c *client) call(ctx context.Context, function Function, data []byte) (pdu *modbus.ProtocolDataUnit, refused bool, err error) {
	message, err := c.handler.Encode(&modbus.ProtocolDataUnit{FunctionCode: byte(function), Data: data})
	if err != nil {
		return nil, false, err
	}
	answer, err := c.send(ctx, message)
	if err != nil {
		return nil, false, err
	}
	c.answered = true
	pdu, err = c.handler.Decode(answer)
	switch {
	case err != nil:
	case Function(pdu.FunctionCode) == function|exceptionFlag:
		if len(pdu.Data) == 1 {
			_, c.unreachable = gatewayException(c.handler.SlaveID, pdu.Data[0])
		}
		return pdu, true, nil
	case Function(pdu.FunctionCode) != function:
		err = fmt.Errorf("function code %d at byte %d", pdu.FunctionCode, headerLen)
	}
	if err != nil {
		return nil, false, fmt.Errorf("%w: %w", discovery.ErrNotUnderstood, err)
	}
	return pdu, false, nil
}

// send dials where there is no connection yet, and closes it when the context ends, of which the library knows nothing while it
// reads. After silence the connection is closed too: a late answer must not meet the next question.
func (c *client) send(ctx context.Context, message []byte) ([]byte, error) {
	if err := c.handler.Connect(ctx); err != nil {
		return nil, err
	}
	c.handler.Timeout = answerTimeout
	if deadline, ok := ctx.Deadline(); ok {
		c.handler.Timeout = min(answerTimeout, max(time.Until(deadline), time.Millisecond))
	}
	conn := c.conn
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	answer, err := c.handler.Send(ctx, message)
	switch {
	case err == nil:
		return answer, nil
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case errors.Is(conn.err, os.ErrDeadlineExceeded):
		c.close()
		return nil, discovery.ErrSilent
	case conn.err != nil:
		return nil, conn.err
	}
	return nil, fmt.Errorf("%w: %w", discovery.ErrNotUnderstood, err)
}

// watchedConn keeps the first error of the connection, to tell it from what the library makes of an answer, and whether there was one.
type watchedConn struct {
	net.Conn
	err   error
	heard bool // anything at all
}

func (c *watchedConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.heard = c.heard || n > 0
	if err != nil && c.err == nil {
		c.err = err
	}
	return n, err
}

func (c *watchedConn) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	if err != nil && c.err == nil {
		c.err = err
	}
	return n, err
}
