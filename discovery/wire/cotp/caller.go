package cotp

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/wire/dialogue"
)

// ErrRefused says that the other end refused the connection of the transport.
var ErrRefused = errors.New("the transport connection was refused")

// Caller is the asking end of a connection of class 0. That class has no farewell: it ends with the TCP connection.
type Caller struct {
	d      *dialogue.Dialogue
	joined []byte
}

// Frame is Length for a dialogue or an asker: 0 while the packet is not whole.
func Frame(b []byte) (int, error) {
	n, err := Length(b)
	if n > len(b) {
		n = 0
	}
	return n, err
}

// tpduSize is the size that is offered: 2^10 bytes.
const tpduSize = 10

// AppendConnect appends a connection request: called is what the caller wants to be connected to.
func AppendConnect(b []byte, reference uint16, calling, called []byte) []byte {
	const fixed = 6 // code, references, class
	header := fixed + 3 + 2 + len(calling) + 2 + len(called)
	b = append(b, version, 0)
	b = binary.BigEndian.AppendUint16(b, uint16(packetHeader+1+header))
	b = append(b, byte(header), byte(ConnectRequest), 0, 0)
	b = binary.BigEndian.AppendUint16(b, reference)
	b = append(b, 0, paramTPDUSize, 1, tpduSize, paramCallingTSAP, byte(len(calling)))
	b = append(b, calling...)
	b = append(b, paramCalledTSAP, byte(len(called)))
	return append(b, called...)
}

const paramTPDUSize = 0xc0

// AppendData appends a message in one DT.
func AppendData(b, message []byte) []byte {
	b = append(b, version, 0)
	b = binary.BigEndian.AppendUint16(b, uint16(packetHeader+3+len(message)))
	b = append(b, 2, byte(Data), flagEOT)
	return append(b, message...)
}

// Call opens the connection of the transport over the dialogue, whose length must be Frame. A refusal is ErrRefused.
func Call(d *dialogue.Dialogue, calling, called []byte) (*Caller, error) {
	b, err := d.Ask(AppendConnect(nil, 1, calling, called))
	if err != nil {
		return nil, err
	}
	t, err := Parse(b)
	switch {
	case err != nil:
		return nil, fmt.Errorf("%w: %w", discovery.ErrNotUnderstood, err)
	case t.Kind == DisconnectRequest, t.Kind == Error:
		return nil, ErrRefused
	case t.Kind != ConnectConfirm:
		return nil, fmt.Errorf("%w: a connection request was answered with TPDU %#02x", discovery.ErrNotUnderstood, uint8(t.Kind))
	}
	return &Caller{d: d}, nil
}

// Ask sends a message and gives the next one that comes, put together from its pieces. It is valid until the next Ask. The end of
// the transport connection is ErrRefused.
func (c *Caller) Ask(message []byte) ([]byte, error) {
	if err := c.d.Send(AppendData(nil, message)); err != nil {
		return nil, err
	}
	c.joined = c.joined[:0]
	for {
		b, err := c.d.Receive()
		if err != nil {
			return nil, err
		}
		t, err := Parse(b)
		switch {
		case err != nil:
			return nil, fmt.Errorf("%w: %w", discovery.ErrNotUnderstood, err)
		case t.Kind == DisconnectRequest, t.Kind == Error:
			return nil, ErrRefused
		case t.Kind != Data:
			return nil, fmt.Errorf("%w: TPDU %#02x where data was expected", discovery.ErrNotUnderstood, uint8(t.Kind))
		case len(c.joined)+len(t.Data) > MaxMessage:
			return nil, fmt.Errorf("%w: a message of more than %d bytes", discovery.ErrNotUnderstood, MaxMessage)
		}
		c.joined = append(c.joined, t.Data...)
		if t.EOT {
			return c.joined, nil
		}
	}
}

// Farewell sends a message that ends what the layers above have opened, also after an interrupt.
func (c *Caller) Farewell(message []byte) { c.d.Farewell(AppendData(nil, message)) }
