// Package smb overhears Windows file sharing: what servers and clients say of their names and systems while they log on.
// Standards: MS-CIFS and MS-SMB (version 1), MS-SMB2 (versions 2 and 3), MS-NLMP inside of both; TCP 445 straight, TCP 139 in the
// NetBIOS session service (RFC 1002 section 4.3).
// Heard: negotiation and session set-up. All else, the files above all, is passed over unread.
// Asked: nothing.
//
// User names, challenges and hashes are never read.
package smb

import (
	"bytes"
	"fmt"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/wire"
	"github.com/walkdown-ot/walkdown/discovery/wire/netbios"
	"github.com/walkdown-ot/walkdown/discovery/wire/once"
)

// The ports: straight on TCP (MS-SMB2 section 2.1), and in the NetBIOS session service.
const (
	Port        = 445
	NetBIOSPort = 139
)

// The packet types of the session service (RFC 1002 section 4.3.1). Straight on TCP there is only the first.
const (
	packetMessage  = 0x00
	packetRequest  = 0x81
	packetPositive = 0x82
	packetNegative = 0x83
	packetRetarget = 0x84
	packetAlive    = 0x85
)

const (
	frameHeader = 4 // type 1, length 3
	// peekSize is what must be there to tell if a message is of interest: as far as the command and the flags of either version.
	peekSize = frameHeader + 20
	// maxMessage is the longest message that is waited for. The messages of a logon are far shorter.
	maxMessage = 64 << 10
)

// decoder reads a connection.
type decoder struct {
	sides [2]struct {
		told   once.Memory
		skip   int  // bytes of a message that is passed over
		lost   bool // where the next message begins is not known
		synced bool // a message was found before
	}
}

// Feed takes the next bytes of a stream.
func (d *decoder) Feed(side discovery.Side, t time.Time, b []byte, gap int, out discovery.Sink) (int, error) {
	s := &d.sides[side]
	if gap > 0 {
		// What was lost inside of a message that is passed over is no loss.
		s.lost = s.lost || gap > s.skip
		s.skip = max(s.skip-gap, 0)
	}
	if s.lost {
		s.skip = 0
		at, found := findMessage(b)
		if at > 0 || !found {
			return at, nil
		}
		s.lost = false
	}
	if s.skip > 0 {
		n := min(s.skip, len(b))
		s.skip -= n
		return n, nil
	}
	if len(b) < frameHeader {
		return 0, nil
	}
	// A session service packet has 17 bits of length, a message straight on TCP 24.
	kind, size := b[0], int(b[1])<<16|int(b[2])<<8|int(b[3])
	whole := frameHeader + size
	switch kind {
	case packetMessage:
	case packetRequest, packetPositive, packetNegative, packetRetarget, packetAlive:
		if size > 2*(2+2*netbios.Size)+512 {
			return d.lose(side, b)
		}
		if len(b) < whole {
			return 0, nil
		}
		s.synced = true
		if kind == packetRequest {
			facts, err := requestFacts(b[frameHeader:whole])
			s.told.Tell(out, discovery.Observation{Time: t, Facts: facts})
			return whole, err
		}
		return whole, nil
	default:
		return d.lose(side, b)
	}
	if size == 0 { // an old keep-alive
		return frameHeader, nil
	}
	if len(b) < min(peekSize, whole) {
		return 0, nil
	}
	magic := b[frameHeader:min(whole, frameHeader+4)]
	if !isMagic(magic) {
		return d.lose(side, b)
	}
	s.synced = true
	if whole > maxMessage || !isLogon(b[frameHeader:min(peekSize, len(b))]) {
		s.skip = whole
		return d.Feed(side, t, b, 0, out)
	}
	if len(b) < whole {
		return 0, nil
	}
	facts, err := logonFacts(b[frameHeader:whole])
	s.told.Tell(out, discovery.Observation{Time: t, Facts: facts})
	if err != nil {
		err = fmt.Errorf("read smb message of %d bytes: %w", size, err)
	}
	return whole, err
}

// lose gives up where the messages stand: at the start of a connection it is some other protocol, later on bytes are missing.
func (d *decoder) lose(side discovery.Side, b []byte) (int, error) {
	s := &d.sides[side]
	if !s.synced && !d.sides[side.Other()].synced {
		return 0, fmt.Errorf("frame %x at byte 0: %w", b[:frameHeader], discovery.ErrNotMine)
	}
	s.lost = true
	return 1, nil
}

// findMessage looks for the next message in bytes of which the beginning is not known: where its frame may begin, and whether it
// is there. Without one it keeps what could be the beginning of a frame.
func findMessage(b []byte) (at int, found bool) {
	for at = 0; at+frameHeader+4 <= len(b); at++ {
		next := bytes.Index(b[at+frameHeader+1:], []byte("SMB"))
		if next < 0 {
			break
		}
		if at += next; b[at] == packetMessage && isMagic(b[at+frameHeader:at+frameHeader+4]) {
			return at, true
		}
	}
	return max(len(b)-frameHeader-3, 0), false
}

// requestFacts reads a session request: called name, calling name (RFC 1002 section 4.3.2). The caller says what it is called
// itself.
func requestFacts(b []byte) ([]discovery.Fact, error) {
	r := wire.NewReader(b)
	_, err := netbios.Read(&r)
	var calling netbios.Name
	if err == nil {
		calling, err = netbios.Read(&r)
	}
	if err != nil {
		return nil, fmt.Errorf("read session request of %d bytes: %w", len(b), err)
	}
	if !calling.IsComputer() {
		return nil, nil
	}
	return []discovery.Fact{discovery.NewFact(KeyCallingName, calling.Text)}, nil
}

// isMagic knows the first four bytes of the messages: version 1, version 2, encrypted, compressed.
func isMagic(b []byte) bool {
	return len(b) == 4 && string(b[1:]) == "SMB" && b[0] >= 0xfc
}

// Magic bytes of the versions.
const (
	magic1 = 0xff
	magic2 = 0xfe
)

// isLogon reports whether the message is part of a negotiation or a session set-up.
func isLogon(b []byte) bool {
	switch {
	case len(b) > 4 && b[0] == magic1:
		return b[4] == command1Negotiate || b[4] == command1SessionSetup
	case len(b) > 13 && b[0] == magic2:
		return b[13] == 0 && (b[12] == command2Negotiate || b[12] == command2SessionSetup)
	}
	return false
}

// logonFacts reads a message of a negotiation or session set-up. What was read before a damage is returned with the error.
func logonFacts(b []byte) ([]discovery.Fact, error) {
	var f facts
	var err error
	if b[0] == magic1 {
		err = f.message1(b)
	} else {
		err = f.message2(b)
	}
	return f, err
}

// claims knows the first message of a connection on another port.
func claims(first []byte) bool {
	return len(first) >= frameHeader+4 && first[0] == packetMessage && isMagic(first[frameHeader:frameHeader+4])
}
