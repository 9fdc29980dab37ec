package opcua

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"time"

	"github.com/gopcua/opcua/ua"
	"github.com/gopcua/opcua/uacp"
	"github.com/gopcua/opcua/uasc"

	"github.com/walkdown-ot/walkdown/discovery"
)

// channel is the asking end of a secure channel without security. Package gopcua makes the requests, and only that: its own
// channel decodes whatever type a server answers with, in a goroutine of its own, where a negative array length or a deeply
// nested value would end the program. The answers are read by the reader that reads what is overheard.
type channel struct {
	conn     net.Conn
	url      string
	id       uint32
	token    uint32
	last     uint32     // the last sequence number and request id
	session  *ua.NodeID // the authentication token, nil without a session
	unusable bool       // nothing can be sent any more
	garbled  bool       // nothing more is understood of what comes

	mu        sync.Mutex
	brokenOff bool // the context ended: only closing is left
}

func newChannel(conn net.Conn, url string) *channel { return &channel{conn: conn, url: url} }

// watch ends the waiting for an answer when the context ends, so that what is open is closed in order. The function that it
// returns waits until nothing of it runs any more.
func (c *channel) watch(ctx context.Context) (done func()) {
	ran := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(ran)
		c.mu.Lock()
		defer c.mu.Unlock()
		c.brokenOff = true
		_ = c.conn.SetReadDeadline(time.Unix(1, 0))
	})
	return func() {
		if !stop() {
			<-ran
		}
	}
}

// allow sets how long the next exchange may take. When the asking was broken off, only closing gets any time.
func (c *channel) allow(ctx context.Context, closing bool) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	timeout := answerTimeout
	if c.brokenOff || ctx.Err() != nil {
		if !closing {
			return ctx.Err()
		}
		timeout = closingTimeout
	}
	return c.conn.SetDeadline(time.Now().Add(timeout))
}

// open greets the server and opens the channel.
func (c *channel) open(ctx context.Context) error {
	greeting, err := (&uacp.Hello{
		ReceiveBufSize: bufferSize, SendBufSize: bufferSize, MaxMessageSize: maxMessage, EndpointURL: c.url,
	}).Encode()
	if err != nil {
		return fmt.Errorf("%s: %w", requestHello, err)
	}
	front, err := (&uacp.Header{MessageType: "HEL", ChunkType: chunkFinal, MessageSize: uint32(headerSize + len(greeting))}).Encode()
	if err != nil {
		return fmt.Errorf("%s: %w", requestHello, err)
	}
	if err := c.send(ctx, append(front, greeting...), false); err != nil {
		return fmt.Errorf("%s: %w", requestHello, err)
	}
	if _, _, err := c.receive(ctx, acknowledge); err != nil {
		return fmt.Errorf("%s: %w", requestHello, err)
	}
	return c.openChannel(ctx)
}

func (c *channel) openChannel(ctx context.Context) error {
	b, err := c.encode(&ua.OpenSecureChannelRequest{
		RequestType: ua.SecurityTokenRequestTypeIssue, SecurityMode: ua.MessageSecurityModeNone,
		RequestedLifetime: uint32(channelLife / time.Millisecond),
	})
	if err == nil {
		err = c.send(ctx, b, false)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", requestOpenChannel, err)
	}
	_, b, err = c.receive(ctx, openChannel)
	if err != nil {
		return fmt.Errorf("%s: %w", requestOpenChannel, err)
	}
	r := newReader(b[headerSize+4:])
	if policy := r.string(); policy != policyNone {
		return fmt.Errorf("%s: answered with security policy %q: %w", requestOpenChannel, policy, discovery.ErrNotUnderstood)
	}
	r.bytes() // certificate
	r.bytes() // thumbprint
	r.Skip(8) // sequence number, request id
	if what := service(r.nodeID().in0()); what != openChannelResponse && what != serviceFault {
		return fmt.Errorf("%s: answered with service %d: %w", requestOpenChannel, what, discovery.ErrNotUnderstood)
	}
	if c.id, c.token, err = r.channelToken(); err != nil {
		var refused statusError
		if !errors.As(err, &refused) {
			err = fmt.Errorf("%w: %w", discovery.ErrNotUnderstood, err)
		}
		return fmt.Errorf("%s: %w", requestOpenChannel, err)
	}
	return nil
}

// close gives the channel back, if one was opened. The server answers with FIN (OPC 10000-4 clause 5.6.3).
func (c *channel) close(ctx context.Context) {
	b, err := c.encode(&ua.CloseSecureChannelRequest{})
	if err == nil && !c.unusable {
		_ = c.send(ctx, b, true)
	}
}

// use makes an authentication token that of all further requests.
func (c *channel) use(token []byte) error {
	const lastEncoding = 5 // those above it are flags that only an ExpandedNodeId has
	if len(token) > maxToken || token[0] > lastEncoding {
		return fmt.Errorf("session token of %d bytes: %w", len(token), discovery.ErrNotUnderstood)
	}
	id := new(ua.NodeID)
	if _, err := id.Decode(token); err != nil {
		return fmt.Errorf("session token of %d bytes: %w: %w", len(token), discovery.ErrNotUnderstood, err)
	}
	c.session = id
	return nil
}

// maxToken is the longest authentication token that the templates let pass.
const maxToken = 256

// closeSession gives the session back.
func (c *channel) closeSession(ctx context.Context) error {
	if c.unusable {
		return nil
	}
	_, err := c.exchange(ctx, &ua.CloseSessionRequest{DeleteSubscriptions: true}, closeSessionResponse, true)
	c.session = nil
	if err != nil {
		return fmt.Errorf("%s: %w", requestCloseSession, err)
	}
	return nil
}

// request sends a request and gives a reader of the answer, behind its type. A refusal is a statusError.
func (c *channel) request(ctx context.Context, name string, req ua.Request, want service) (reader, error) {
	r, err := c.exchange(ctx, req, want, false)
	if err != nil {
		return r, fmt.Errorf("%s: %w", name, err)
	}
	return r, nil
}

func (c *channel) exchange(ctx context.Context, req ua.Request, want service, closing bool) (reader, error) {
	b, err := c.encode(req)
	if err == nil {
		err = c.send(ctx, b, closing)
	}
	if err != nil || c.garbled {
		return reader{}, err
	}
	body, err := c.answer(ctx, c.last)
	if err != nil {
		return reader{}, err
	}
	r := newReader(body)
	what := service(r.nodeID().in0())
	if what != want && what != serviceFault {
		return r, fmt.Errorf("answered with service %d: %w", what, discovery.ErrNotUnderstood)
	}
	behindType := r
	if result := r.responseHeader(); r.Err() == nil && (isBad(result) || what == serviceFault) {
		return r, statusError(result)
	}
	if err := r.problem("header of answer"); err != nil {
		return r, fmt.Errorf("%w: %w", discovery.ErrNotUnderstood, err)
	}
	return behindType, nil
}

// encode makes the chunk of a request.
func (c *channel) encode(req ua.Request) ([]byte, error) {
	c.last++
	session := c.session
	if session == nil {
		session = ua.NewTwoByteNodeID(0)
	}
	req.SetHeader(&ua.RequestHeader{
		AuthenticationToken: session, Timestamp: time.Now(), RequestHandle: c.last,
		TimeoutHint: uint32(answerTimeout / time.Millisecond),
	})
	head := &uasc.MessageHeader{SequenceHeader: uasc.NewSequenceHeader(c.last, c.last)}
	switch req.(type) {
	case *ua.OpenSecureChannelRequest:
		head.Header = uasc.NewHeader(uasc.MessageTypeOpenSecureChannel, uasc.ChunkTypeFinal, 0)
		head.AsymmetricSecurityHeader = uasc.NewAsymmetricSecurityHeader(policyNone, nil, nil)
	case *ua.CloseSecureChannelRequest:
		head.Header = uasc.NewHeader(uasc.MessageTypeCloseSecureChannel, uasc.ChunkTypeFinal, c.id)
		head.SymmetricSecurityHeader = uasc.NewSymmetricSecurityHeader(c.token)
	default:
		head.Header = uasc.NewHeader(uasc.MessageTypeMessage, uasc.ChunkTypeFinal, c.id)
		head.SymmetricSecurityHeader = uasc.NewSymmetricSecurityHeader(c.token)
	}
	message := uasc.Message{MessageHeader: head, TypeID: ua.NewFourByteExpandedNodeID(0, ua.ServiceTypeID(req)), Service: req}
	return message.Encode()
}

// send writes one message.
func (c *channel) send(ctx context.Context, b []byte, closing bool) error {
	if c.unusable {
		return errGone
	}
	if err := c.allow(ctx, closing); err != nil {
		return err
	}
	if _, err := c.conn.Write(b); err != nil {
		c.unusable = true
		return err
	}
	return nil
}

var errGone = errors.New("the server ended the connection")

// answer puts the chunks of the answer to a request together. Late answers to requests before it are passed over.
func (c *channel) answer(ctx context.Context, request uint32) ([]byte, error) {
	var body []byte
	for {
		head, b, err := c.receive(ctx, serviceMessage)
		if err != nil {
			return nil, err
		}
		switch id := binary.LittleEndian.Uint32(b[requestIDOffset:]); {
		case id != request:
			continue
		case head.chunk == chunkAbort: // the error and a reason follow (OPC 10000-6 clause 6.7.3)
			r := newReader(b[chunkHeaderSize:])
			return nil, statusError(r.Uint32LE())
		}
		if len(body)+len(b) > maxMessage {
			c.garbled = true
			return nil, fmt.Errorf("answer of more than %d bytes: %w", maxMessage, discovery.ErrNotUnderstood)
		}
		body = append(body, b[chunkHeaderSize:]...)
		if head.chunk == chunkFinal {
			return body, nil
		}
	}
}

// receive reads one message, which must be of the kind wanted. An ERR message, after which the server ends the connection, is a
// statusError.
func (c *channel) receive(ctx context.Context, want kind) (header, []byte, error) {
	b := make([]byte, headerSize)
	if err := c.read(ctx, b); err != nil {
		return header{}, nil, err
	}
	head, ok := parseHeader(b)
	if !ok || head.size > bufferSize {
		c.garbled = true
		return head, nil, fmt.Errorf("message header %x: %w", b, discovery.ErrNotUnderstood)
	}
	b = append(b, make([]byte, head.size-headerSize)...)
	if err := c.read(ctx, b[headerSize:]); err != nil {
		return head, nil, err
	}
	switch head.kind {
	case want:
		return head, b, nil
	case fault:
		c.unusable = true
		return head, nil, statusError(binary.LittleEndian.Uint32(b[headerSize:]))
	}
	c.garbled = true
	return head, nil, fmt.Errorf("message %q out of turn: %w", b[:4], discovery.ErrNotUnderstood)
}

func (c *channel) read(ctx context.Context, b []byte) error {
	_, err := io.ReadFull(c.conn, b)
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, os.ErrDeadlineExceeded):
		return fmt.Errorf("%w: %w", discovery.ErrSilent, err)
	}
	c.unusable = true
	return err
}
