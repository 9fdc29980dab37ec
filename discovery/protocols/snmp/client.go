package snmp

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"github.com/gosnmp/gosnmp"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/wire/ber"
)

const (
	answerTimeout = 3 * time.Second
	// slowAnswer is the answer time above which no table is walked.
	slowAnswer = time.Second
)

// client asks over the session's connection with one credential. The library makes the messages and checks those of SNMPv3; what
// answers say is read by the parser that reads what is overheard.
type client struct {
	lib    *gosnmp.GoSNMP
	wire   *watchedConn
	secret bool // answers are encrypted: the session's decoder cannot read them
}

// reply is an answer.
type reply struct {
	bindings []Binding
	status   int64 // an error status of RFC 3416
	size     int   // bytes
	took     time.Duration
}

// newClient makes a client of a credential. It sends nothing.
func newClient(ctx context.Context, conn net.Conn, c credential, engine *engine) (*client, error) {
	lib := &gosnmp.GoSNMP{
		Target: "127.0.0.1", Port: Port, // never used: the session knows whom to ask
		Context: ctx, Timeout: answerTimeout, Retries: 0, MaxOids: maxBindings,
		UseUnconnectedUDPSocket: true,
	}
	c.apply(lib, engine)
	// Connect opens a local socket and sends nothing. It is needed for what else it sets up; the session's connection takes
	// the socket's place.
	if err := lib.Connect(); err != nil {
		return nil, err
	}
	if err := lib.Close(); err != nil {
		return nil, err
	}
	w := &watchedConn{Conn: conn}
	lib.Conn = w
	return &client{lib: lib, wire: w, secret: lib.Version == gosnmp.Version3 && lib.MsgFlags&gosnmp.AuthPriv == gosnmp.AuthPriv}, nil
}

// get asks for the values of objects.
func (c *client) get(ctx context.Context, oids []string) (reply, error) {
	packet, err := c.lib.Get(oids)
	return c.reply(ctx, packet, err)
}

// next asks for the objects that follow, of SNMPv1 too.
func (c *client) next(ctx context.Context, oids []string) (reply, error) {
	packet, err := c.lib.GetNext(oids)
	return c.reply(ctx, packet, err)
}

// bulk asks for several rows that follow; the first variables, single of them, do not repeat.
func (c *client) bulk(ctx context.Context, single uint8, rows int, oids []string) (reply, error) {
	packet, err := c.lib.GetBulk(oids, single, uint32(rows))
	return c.reply(ctx, packet, err)
}

// engine is what SNMPv3 has told of the agent so far.
func (c *client) engine() engine {
	security, ok := c.lib.SecurityParameters.(*gosnmp.UsmSecurityParameters)
	if !ok {
		return engine{}
	}
	return engine{id: security.AuthoritativeEngineID, boots: security.AuthoritativeEngineBoots, time: security.AuthoritativeEngineTime}
}

// isV1 reports whether the client speaks SNMPv1, which has no GETBULK and no exceptions.
func (c *client) isV1() bool { return c.lib.Version == gosnmp.Version1 }

// reply makes an answer or an error of what the library gave.
func (c *client) reply(ctx context.Context, packet *gosnmp.SnmpPacket, err error) (reply, error) {
	r := reply{size: len(c.wire.heard), took: c.wire.took}
	if c.lib.Version != gosnmp.Version3 && len(c.wire.heard) > 0 && c.wire.err == nil {
		// What the library does not understand of a value, or of the order of things, may be understood here. Of SNMPv3 only
		// what the library found to be authentic is believed.
		if m, parseErr := Parse(c.wire.heard); parseErr == nil && m.PDU == Response && m.RequestID == c.wire.asked {
			r.bindings, r.status = m.Bindings, m.ErrorStatus
			return r, nil
		}
	}
	switch {
	case err == nil && packet != nil:
		for _, v := range packet.Variables {
			r.bindings = append(r.bindings, binding(v))
		}
		r.status = int64(packet.Error)
		if packet.PDUType != gosnmp.GetResponse {
			return r, fmt.Errorf("%w: an answer of kind %s", discovery.ErrNotUnderstood, packet.PDUType)
		}
		return r, nil
	case ctx.Err() != nil:
		return r, ctx.Err()
	case errors.Is(c.wire.err, os.ErrDeadlineExceeded):
		return r, discovery.ErrSilent
	case c.wire.err != nil:
		return r, c.wire.err
	case c.isRejected():
		return r, fmt.Errorf("%w: %w", errRejected, err)
	}
	return r, fmt.Errorf("%w: %w", discovery.ErrNotUnderstood, err)
}

// errRejected says that the agent does not know a user, or not by this password.
var errRejected = errors.New("the user was rejected")

// isRejected reports whether the last answer is a report about the user (RFC 3414 section 3.2). An agent cannot sign it, so the
// library does not believe it; all that follows from it here is that the next credential is tried.
func (c *client) isRejected() bool {
	m, err := Parse(c.wire.heard)
	if err != nil || m.PDU != Report || len(m.Bindings) == 0 {
		return false
	}
	const usmStats = "1.3.6.1.6.3.15.1.1."
	switch m.Bindings[0].OID {
	case usmStats + "1.0", usmStats + "3.0", usmStats + "5.0", usmStats + "6.0": // level, name, digest, decryption
		return true
	}
	return false
}

// binding puts a value that the library has decrypted and read back into its encoding, so that one parser reads all.
func binding(v gosnmp.SnmpPDU) Binding {
	b := Binding{Value: ber.Element{Tag: ber.Tag(v.Type)}}
	if len(v.Name) > 0 {
		b.OID = v.Name[1:]
	}
	switch value := v.Value.(type) {
	case []byte:
		b.Value.Content = value
	case int:
		b.Value.Content = bigEndian(uint64(value))
	case uint:
		b.Value.Content = bigEndian(uint64(value))
	case uint32:
		b.Value.Content = bigEndian(uint64(value))
	case uint64:
		b.Value.Content = bigEndian(value)
	case string:
		switch v.Type {
		case gosnmp.ObjectIdentifier:
			b.Value.Content = encodeOID(value)
		case gosnmp.IPAddress:
			if ip := net.ParseIP(value).To4(); ip != nil {
				b.Value.Content = ip
			}
		default:
			b.Value.Content = []byte(value)
		}
	}
	return b
}

// bigEndian is a number in eight octets, as which every kind of integer can be read.
func bigEndian(n uint64) []byte {
	out := make([]byte, 8)
	for i := range out {
		out[i] = byte(n >> (56 - 8*i))
	}
	return out
}

// encodeOID is the content of an object id, empty for one that cannot be.
func encodeOID(text string) []byte {
	arcs, ok := parseArcs(trimDot(text))
	if !ok || len(arcs) < 2 {
		return nil
	}
	out := appendArc(nil, arcs[0]*40+arcs[1])
	for _, arc := range arcs[2:] {
		out = appendArc(out, arc)
	}
	return out
}

func trimDot(oid string) string {
	if len(oid) > 0 && oid[0] == '.' {
		return oid[1:]
	}
	return oid
}

// watchedConn keeps what the library passes on only in part: the error of the connection, the bytes of the last answer, and how
// long it took from when the question had left. It also hides that a connection may be a net.PacketConn, to which the library
// would write past the session's peer.
type watchedConn struct {
	net.Conn
	err   error
	asked int64 // request id of the last question, where it can be read
	heard []byte
	left  time.Time
	took  time.Duration
}

func (c *watchedConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if err != nil {
		c.err = err
		return n, err
	}
	c.heard, c.took = append(c.heard[:0:0], b[:n]...), time.Since(c.left)
	return n, nil
}

func (c *watchedConn) Write(b []byte) (int, error) {
	c.err, c.heard = nil, nil
	if m, err := Parse(b); err == nil {
		c.asked = m.RequestID
	}
	n, err := c.Conn.Write(b)
	c.left = time.Now()
	if err != nil {
		c.err = err
	}
	return n, err
}
