// Package browser overhears the announcements that Windows computers and their like make to the computer browser of their
// workgroup: name, version of the system, kind of server.
// Standards: MS-BRWS section 2.2, in mailslots of SMB (MS-MAIL, MS-CIFS section 2.2.4.33) in NetBIOS datagrams (RFC 1002 section
// 4.4); UDP 138.
// Heard: host, local master and domain announcements, elections, and the name that every datagram has of its sender.
// Asked: nothing.
package browser

import (
	"bytes"
	"fmt"
	"io"
	"net/netip"
	"strings"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/wire"
	"github.com/walkdown-ot/walkdown/discovery/wire/netbios"
	"github.com/walkdown-ot/walkdown/discovery/wire/once"
)

// Port is that of the datagram service, on both sides.
const Port = 138

// The kinds of datagrams that carry data, and their flags (RFC 1002 section 4.4.1).
const (
	directUnique  = 0x10
	directGroup   = 0x11
	broadcast     = 0x12
	flagMore      = 0x01
	flagFirst     = 0x02
	headerSize    = 14
	commandTrans  = 0x25
	smbHeaderSize = 32
)

// Datagram is what a NetBIOS datagram says of its sender, with what it carries. UserData is a view.
type Datagram struct {
	SourceIP            netip.Addr // of who began it; a distribution server sends it on
	Source, Destination netbios.Name
	UserData            []byte
}

// ParseDatagram reads a datagram: type 1, flags 1, id 2, source IP 4, source port 2, length 2, offset 2, and behind it the names.
// ok is false for one of another kind and for a fragment other than the first.
func ParseDatagram(b []byte) (d Datagram, ok bool, err error) {
	r := wire.NewReader(b)
	kind, flags := r.Uint8(), r.Uint8()
	r.Skip(2)
	d.SourceIP, _ = netip.AddrFromSlice(r.Bytes(4))
	r.Skip(2)
	size := int(r.Uint16())
	r.Skip(2)
	if r.Err() != nil {
		return d, false, r.Err()
	}
	if kind < directUnique || kind > broadcast || flags&flagFirst == 0 {
		return d, false, nil
	}
	body := r
	if size <= body.Len() { // Ethernet pads short datagrams; UDP does not, but some stacks add a byte
		body = r.Sub(size)
	} else if flags&flagMore == 0 {
		err = fmt.Errorf("datagram of %d bytes after its header, %d are there: %w", size, body.Len(), io.ErrUnexpectedEOF)
	}
	if d.Source, d.Destination, err = readNames(&body, err); err != nil {
		return d, false, err
	}
	d.UserData = body.Rest()
	return d, true, nil
}

func readNames(r *wire.Reader, err error) (source, destination netbios.Name, _ error) {
	if err != nil {
		return source, destination, err
	}
	if source, err = netbios.Read(r); err == nil {
		destination, err = netbios.Read(r)
	}
	return source, destination, err
}

// Command is the kind of a browser message (MS-BRWS section 2.2).
type Command uint8

// The commands that tell something of their sender.
const (
	HostAnnouncement        Command = 0x01
	AnnouncementRequest     Command = 0x02
	Election                Command = 0x08
	DomainAnnouncement      Command = 0x0c
	MasterAnnouncement      Command = 0x0d
	LocalMasterAnnouncement Command = 0x0f
)

// Message is a browser message. What a command does not have is empty.
type Message struct {
	Command Command
	// Name is the announced computer, or the workgroup in a DomainAnnouncement. In the other commands it is the sender.
	Name         string
	Major, Minor uint8 // version of the system
	ServerType   ServerType
	// Comment is what people wrote; in a DomainAnnouncement it is the name of the local master browser.
	Comment string
}

// mailslot is the one that computers announce themselves in.
const mailslot = `\MAILSLOT\BROWSE` + "\x00"

// ParseMailslot finds the browser message in an SMB transaction: header of 32 bytes, word count 1, words, byte count 2, name of
// the mailslot; the 12th and 13th words are the size of the data and where it begins, counted from the header. It gives nil for
// any other mailslot.
func ParseMailslot(b []byte) ([]byte, error) {
	r := wire.NewReader(b)
	if magic := r.Bytes(4); r.Err() == nil && string(magic) != "\xffSMB" {
		return nil, nil
	}
	command := r.Uint8()
	r.Skip(smbHeaderSize - 5)
	words := int(r.Uint8())
	if r.Err() == nil && (command != commandTrans || words < 14) {
		return nil, nil
	}
	setup := r.Sub(2 * words)
	content := r.Sub(int(r.Uint16LE()))
	if r.Err() != nil {
		return nil, fmt.Errorf("transaction of %d bytes: %w", len(b), r.Err())
	}
	if name := content.Bytes(len(mailslot)); !strings.EqualFold(string(name), mailslot) {
		return nil, nil
	}
	setup.Skip(2 * 11)
	size, offset := int(setup.Uint16LE()), int(setup.Uint16LE())
	if offset+size > len(b) {
		return nil, fmt.Errorf("data at bytes %d to %d of a transaction of %d bytes: %w", offset, offset+size, len(b), io.ErrUnexpectedEOF)
	}
	return b[offset : offset+size], nil
}

// nameSize is the space of a name in an announcement.
const nameSize = 16

// ParseMessage reads a browser message. Announcements have command 1, update count 1, period 4, name 16, version 2, server type 4
// (little endian), browser version 2, signature 2, comment; a request flags 1, name; an election version 1, criteria 4, uptime 4,
// 4 that are not used, name. Texts end with a zero byte.
func ParseMessage(b []byte) (Message, error) {
	r := wire.NewReader(b)
	m := Message{Command: Command(r.Uint8())}
	switch m.Command {
	case HostAnnouncement, LocalMasterAnnouncement, DomainAnnouncement:
		r.Skip(5)
		m.Name = text(r.Bytes(nameSize))
		m.Major, m.Minor = r.Uint8(), r.Uint8()
		m.ServerType = ServerType(r.Uint32LE())
		r.Skip(4)
		m.Comment = text(r.Rest())
	case AnnouncementRequest:
		r.Skip(1)
		m.Name = text(r.Rest())
	case Election:
		r.Skip(13)
		m.Name = text(r.Rest())
	case MasterAnnouncement:
		m.Name = text(r.Rest())
	}
	if r.Err() != nil {
		return Message{}, fmt.Errorf("browser message %#02x of %d bytes: %w", uint8(m.Command), len(b), r.Err())
	}
	return m, nil
}

// text is what stands before the first zero byte.
func text(b []byte) string {
	if i := bytes.IndexByte(b, 0); i >= 0 {
		b = b[:i]
	}
	return strings.TrimRight(string(b), " ")
}

// decoder reads what one computer sends to its workgroup or to another computer.
type decoder struct {
	flow discovery.Flow
	told [2]once.Memory
}

// Feed takes a datagram.
func (d *decoder) Feed(side discovery.Side, t time.Time, b []byte, _ int, out discovery.Sink) (int, error) {
	if err := d.datagram(side, t, b, out); err != nil {
		return len(b), fmt.Errorf("read netbios datagram: %w", err)
	}
	return len(b), nil
}

func (d *decoder) datagram(side discovery.Side, t time.Time, b []byte, out discovery.Sink) error {
	if len(b) < headerSize {
		return io.ErrUnexpectedEOF
	}
	if d.told[side].Seen(b[4:]) { // each has an id of its own
		return nil
	}
	datagram, ok, err := ParseDatagram(b)
	if !ok {
		return err
	}
	o := discovery.Observation{Time: t, Facts: sourceFacts(datagram)}
	if sender := d.flow.Ends[side]; datagram.SourceIP != sender.IP.Unmap() && datagram.SourceIP.IsGlobalUnicast() {
		o.Subject, o.Teller = discovery.Subject{IP: datagram.SourceIP}, sender
	}
	data, err := ParseMailslot(datagram.UserData)
	if err == nil && len(data) > 0 {
		var m Message
		m, err = ParseMessage(data)
		o.Facts = append(o.Facts, m.facts(datagram.Destination)...)
	}
	d.told[side].Tell(out, o)
	return err
}
