package discovery

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"time"
)

// Safety is the class of a question: how much it can upset.
type Safety uint8

// The safety classes. What upsets every device is listed nowhere; D says that a request is never sent to some classes of device.
const (
	SafetyA0 Safety = iota // silent
	SafetyA1               // one multicast or broadcast a segment
	SafetyB                // one short unicast exchange
	SafetyC                // only by explicit opt-in
	SafetyD                // never
)

// String is the class as the documents write it: A0, A1, B, C, D.
func (s Safety) String() string { return [...]string{"A0", "A1", "B", "C", "D"}[min(s, SafetyD)] }

// Grade is the evidence that a device speaks a protocol; without E1 to E4 it is not asked.
type Grade uint8

// The grades, best first. The zero Grade means no evidence.
const (
	GradeOverheard Grade = iota + 1 // E1: it was heard speaking it
	GradeAnnounced                  // E2: LLDP, DCP, mDNS, or a table of a switch or router says so
	GradeLikely                     // E3: likely from its maker
	GradeNamed                      // E4: a person named it
	GradeBlind                      // E5: nothing speaks for it
)

// String is the grade as the documents write it: E1 .. E5.
func (g Grade) String() string {
	if g < GradeOverheard || g > GradeBlind {
		return "-"
	}
	return "E" + string(rune('0'+g))
}

// Request is one message that an asker may send. The pace-keeper refuses every other one at run time; the same list makes the
// plan, the documents and the ledger.
type Request struct {
	Name     string // unique in its protocol: "read-device-identification-basic"
	Safety   Safety // for a device of any class that ByClass does not name; those of which nothing is known among them
	ByClass  map[Class]Safety
	Template Template
	Max      int    // how often at most, per device and run
	Setup    bool   // set-up or tear-down of a connection: listed and counted apart from questions
	PerUnit  bool   // asked of what lives behind the address (Target.Units), and left out where none is known
	Yields   []Key  // what an answer may tell
	Effect   string // what it does to the device: "none: reads a table"
	// Transport is that of the message where it is not the asker's: a protocol may answer one question by UDP and others by TCP.
	Transport Transport
	// MayBeSilent says that silence says nothing: the answer may go elsewhere, or nowhere. The message is not sent again, and
	// silence is no sign of distress.
	MayBeSilent bool
	// Tries says that it tries a name or a password. Silence is no sign of distress then either, but the message may have been lost
	// on the way, and is sent again like others.
	Tries bool
	// Gap is the least time since the question before, where that of the device's class is too short: there is a slow bus behind it.
	Gap time.Duration
}

// SafetyFor is the safety class of the request when it is sent to a device of this class.
func (r Request) SafetyFor(c Class) Safety {
	if safety, ok := r.ByClass[c]; ok {
		return safety
	}
	return r.Safety
}

// Asker is the asking face of a protocol.
type Asker struct {
	Transport Transport
	Port      uint16 // the usual one; a Target may name another
	LocalPort uint16 // to ask a segment from; 0 = any
	Requests  []Request
	// Enough are what a device tells of its identity: one of which all of them are known need not be asked. Nil: only the
	// answers of the last day spare it.
	Enough []Key
	// Scarce says that devices have few connections for the protocol, and some throw out the oldest client when all are taken:
	// the clients that were overheard are counted before one is taken.
	Scarce bool
	// AnyPort says that a device may answer a datagram from another port than the one that it was asked at.
	AnyPort bool
	// Connections is how many TCP connections it takes at most, one after another; 0 means 1. The plan counts them.
	Connections int
	// Message gives the length of the first whole message of a stream, 0 when it is not yet whole. Nil: every write and every
	// read is one message, as those of datagrams and frames always are.
	Message func(b []byte) (n int, err error)
	// Ask puts the questions, the least first, over the session. What was sent and received is decoded by the protocol's own
	// decoder on the way, so Ask need observe nothing itself. An error ends this device's questions; what was learnt stays.
	Ask func(ctx context.Context, s Session, t Target) error
}

// TransportOf is the transport of a request: its own, or the asker's.
func (a *Asker) TransportOf(r Request) Transport {
	if r.Transport != 0 {
		return r.Transport
	}
	return a.Transport
}

// Target is whom to ask.
type Target struct {
	Subject     Subject      // the address; for a question to a segment only its site and segment
	Class       Class        // what is known of its kind before it is asked
	Port        uint16       // where the protocol listens
	Scope       []netip.Addr // a segment: the addresses to look for
	Interface   *net.Interface
	From        netip.Addr   // a segment: our own address on the interface
	Stations    int          // a segment: about how many may answer
	Units       []uint8      // Modbus: further unit ids, as overheard or named
	Credentials []Credential // those of the protocol, in the order to try
}

// Credential is what a protocol needs to be answered. It is never logged, stored or printed.
type Credential struct {
	Protocol string // "snmp"
	Kind     string // "community", "community-v1", "user"
	Secret   string // of a community
	// The rest is of a user (SNMPv3).
	User, Auth, AuthPassword, Privacy, PrivacyPassword, Context string
}

// String keeps secrets out of logs, whatever verb prints the credential.
func (c Credential) String() string { return c.Protocol + " " + c.Kind + " (secret)" }

// GoString is String.
func (c Credential) GoString() string { return c.String() }

// Session is what an asker gets from the pace-keeper: metered, paced, logged, one connection at a time. Every message written
// must match a listed Request, or the write fails with ErrNotListed and nothing leaves.
type Session interface {
	Sink
	// Dial opens the connection to the target: TCP, or a connected UDP socket. A second call closes the first in order.
	Dial(ctx context.Context) (net.Conn, error)
	// DialOver is Dial over a transport that one of the requests has of its own, to the same port. Over each, only its own
	// requests may leave.
	DialOver(ctx context.Context, transport Transport) (net.Conn, error)
	// Frames opens the interface for the protocol's EtherType. Only a question to a segment has it.
	Frames(ctx context.Context) (net.PacketConn, error)
	// Broadcast opens a UDP socket whose datagrams go to everybody on the link, whatever address they are written to. Only a
	// question to a segment has it.
	Broadcast(ctx context.Context) (net.PacketConn, error)
	// Known is a value that is known of the target already, which is not asked again.
	Known(key Key) (string, bool)
	// Allowed reports whether the request may be sent to this device: it stands in the plan, which it does when its safety class
	// for this class of device is B, or C and it was opted in to, by its own name or its protocol's. Askers look before they send
	// what has another safety class for some devices.
	Allowed(request string) bool
}

// Errors that askers and the pace-keeper exchange.
var (
	// ErrNotListed says that a message matches no listed request. Nothing was sent.
	ErrNotListed = errors.New("the message is in no list of requests")
	// ErrNotOffered says that the device does not offer the protocol there: its port is closed, or it refuses the set-up.
	ErrNotOffered = errors.New("not offered")
	// ErrSilent says that no answer came in time.
	ErrSilent = errors.New("no answer in time")
	// ErrDistress says that the device showed distress; it is left alone for this run. The pace-keeper sees slow answers, resets
	// and silence itself; an asker that reads a sign of it in an answer (sysUpTime has fallen) returns an error that wraps it.
	ErrDistress = errors.New("the device showed distress")
	// ErrBudget says that the budget of questions, of the device or the run, is used up.
	ErrBudget = errors.New("the budget of questions is used up")
	// ErrNothing says that there was nothing that could be asked, for want of something that must have been overheard before.
	ErrNothing = errors.New("nothing to ask")
	// ErrNotUnderstood says that an answer was not in the protocol's words.
	ErrNotUnderstood = errors.New("answered, not understood")
	// ErrOutOfScope says that an address may not be asked; the wrapping error says why.
	ErrOutOfScope = errors.New("may not be asked")
)

// Outcome is what came of a request.
type Outcome string

// The outcomes, in the words of the JSON contract.
const (
	Answered Outcome = "answered"
	Refused  Outcome = "refused" // the port is closed
	Reset    Outcome = "reset"   // the connection was reset inside an exchange
	Silent   Outcome = "silent"
	Garbage  Outcome = "garbage" // answered, not understood
	Failed   Outcome = "error"   // it could not be sent
	Skipped  Outcome = "skipped" // it was planned and not sent; nothing left
)

// ConnectRequest is the ledger's word for a connection that did not come about. No listed request has it: one that does come about
// stands in the ledger with its first message.
const ConnectRequest = "tcp-connect"

// Exchange is a line of the ledger: one message that was sent (or skipped), and what came of it. Secrets in Bytes are
// overwritten at the same length.
type Exchange struct {
	Time     time.Time
	Survey   string
	Target   Subject
	Port     uint16
	Protocol string
	Request  string
	Setup    bool
	Bytes    []byte
	Outcome  Outcome
	RTT      time.Duration // from the last byte out to the first byte of the answer; 0 without an answer
	Note     string        // why, where the outcome alone does not say
}
