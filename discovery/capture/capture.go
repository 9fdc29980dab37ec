// Package capture gives frames, from a live interface or from a capture file, behind one iterator. It hears and never sends.
//
// Files: pcap (tcpdump.org/manpages/pcap-savefile.5; both byte orders, micro- and nanoseconds) and pcapng
// (draft-ietf-opsawg-pcapng), plain or gzipped (RFC 1952), also from a pipe. Live: Linux AF_PACKET, Windows by Npcap;
// other systems say what is missing.
package capture

import (
	"errors"
	"fmt"

	"github.com/walkdown-ot/walkdown/discovery"
)

// MaxFrame is the longest frame that is read. A longer one in a file can only be damage.
const MaxFrame = 256 << 10

// Source gives one frame after the other. It is used and closed by one goroutine.
type Source interface {
	// Next fills f; f.Data is valid until the next call of Next or Close. At the end it returns io.EOF, or a *DamagedError
	// when a file is cut or damaged. A live source returns ErrTimeout at least every 250 ms while nothing comes, so that the
	// caller can look up.
	Next(f *discovery.Frame) error
	Stats() Stats
	Close() error
}

// Stats is what a source has counted so far.
type Stats struct {
	Frames  uint64 // delivered
	Dropped uint64 // seen by the capturing system, but lost before they could be read; for a file, as the file says
	// Foreign counts the frames that were passed over because walkdown does not read their link type; ForeignLinks are those
	// types in the order of their appearance, at most maxForeignLinks.
	Foreign      uint64
	ForeignLinks []discovery.LinkType
}

const maxForeignLinks = 16

// LiveOptions choose what a live source lets through.
type LiveOptions struct {
	// EtherTypes pass the kernel's filter beside IPv4, IPv6, ARP and LLDP, also behind VLAN tags and in LLC/SNAP.
	EtherTypes []uint16
	// Outgoing lets through what this machine sends, too. Without it only what others send comes.
	Outgoing bool
}

// Errors that a caller decides by.
var (
	// ErrTimeout says that no frame came; the source is well and Next may be called again.
	ErrTimeout = errors.New("no frame yet")
	// ErrNoRights is wrapped by *NoRightsError.
	ErrNoRights = errors.New("no right to capture")
	// ErrUnsupported says that there is no live capture on this system.
	ErrUnsupported = errors.New("no live capture on this system")
	// ErrInterfaceGone says that the interface went down or vanished while it was listened to.
	ErrInterfaceGone = errors.New("the interface went down or vanished")
	// ErrNotCapture says that a file is not a capture at all; the wrapping error says what it looks like.
	ErrNotCapture = errors.New("not a pcap or pcapng capture")
)

// NoRightsError is ErrNoRights with a way out.
type NoRightsError struct {
	Interface string
	Hint      string // what the user can do: a command line
}

func (e *NoRightsError) Error() string {
	return fmt.Sprintf("listen on %s: %v", e.Interface, ErrNoRights)
}

// Unwrap is ErrNoRights.
func (e *NoRightsError) Unwrap() error { return ErrNoRights }

// DamagedError ends a file that is cut or damaged, after all that was readable has been delivered.
type DamagedError struct {
	Name   string // of the file
	Frame  int    // number of the frame that could not be read, the first is 1
	Offset int64  // where the file broke, in bytes from its start (of the unpacked data, if gzipped); -1 = not known
	Err    error
}

func (e *DamagedError) Error() string {
	where := ""
	if e.Offset >= 0 {
		where = fmt.Sprintf(", byte %d", e.Offset)
	}
	return fmt.Sprintf("read %s: damaged at frame %d%s: %v", e.Name, e.Frame, where, e.Err)
}

// Unwrap is the cause: io.ErrUnexpectedEOF for a file that was cut.
func (e *DamagedError) Unwrap() error { return e.Err }

// readable reports whether listen knows how such frames begin.
func readable(link discovery.LinkType) bool {
	switch link {
	case discovery.LinkNull, discovery.LinkEthernet, discovery.LinkRaw12, discovery.LinkRaw14, discovery.LinkRaw, discovery.LinkLoop,
		discovery.LinkLinuxSLL, discovery.LinkIPv4, discovery.LinkIPv6, discovery.LinkLinuxSLL2:
		return true
	}
	return false
}
