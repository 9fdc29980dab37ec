// Package ads hears Beckhoff's ADS: TwinCAT controllers, the ADS servers in them, and who reads and writes them.
//
// Standard: Beckhoff Information System, "TwinCAT ADS" (AMS/TCP packet, AMS header, ADS commands); the discovery datagrams are by
// capture. Ports: TCP 48898, UDP 48899.
//
// Heard: the answers to ReadDeviceInfo, the host's name and versions in answers to a broadcast search, NetIds, and whether clients
// read, write or control. Values, and the user and password with which a route is added, are never kept. Asked: by opt-in,
// the search, of one host.
package ads

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/wire"
)

// Ports (IANA: ads for TCP and UDP 48898; the search is by capture).
const (
	portTCP = 48898
	portUDP = 48899
)

// netID names an AMS router: "5.13.117.96.1.1".
type netID [6]byte

func (n netID) String() string {
	return fmt.Sprintf("%d.%d.%d.%d.%d.%d", n[0], n[1], n[2], n[3], n[4], n[5])
}

// command is an ADS command.
type command uint16

const (
	readDeviceInfo     command = 1
	read               command = 2
	write              command = 3
	readState          command = 4
	writeControl       command = 5
	addNotification    command = 6
	deleteNotification command = 7
	deviceNotification command = 8
	readWrite          command = 9
)

// operation is what a client does with a command. ReadWrite reads by name, as a rule; index group F081 writes several at once.
func (c command) operation(group uint32) discovery.Operations {
	const sumWrite = 0xf081
	switch c {
	case readWrite:
		if group == sumWrite {
			return discovery.OpWrite
		}
		return discovery.OpRead
	case readDeviceInfo, read, readState, addNotification:
		return discovery.OpRead
	case write:
		return discovery.OpWrite
	case writeControl:
		return discovery.OpControl
	}
	return 0
}

// The bits of the state flags that matter.
const (
	flagResponse = 0x0001
	flagCommand  = 0x0004
)

// Sizes: an AMS/TCP header is reserved 2, length 4; the AMS header is target NetId 6 and port 2, source NetId 6 and port 2,
// command 2, state flags 2, length of data 4, error 4, invoke id 4. All numbers are little endian.
const (
	tcpHeader   = 6
	amsHeader   = 32
	headers     = tcpHeader + amsHeader
	maxData     = 16 << 20
	deviceInfo  = 24 // result 4, major 1, minor 1, build 2, name 16
	firstFields = 4  // of a request's data: the index group
)

// packet is the headers of one message.
type packet struct {
	source   netID
	port     uint16 // of the source
	command  command
	response bool
	failed   bool
	size     int // of the data
}

// systemService is the AMS port of TwinCAT itself. The others of a host are below 1000 ("Specification of ports"); beyond are those
// of field-bus devices, whose NetIds are not the host's.
const systemService = 10000

// isOfHost reports whether the source is a server in the host, and not behind it.
func (p packet) isOfHost() bool { return p.port < 1000 || p.port == systemService }

// parse reads the headers at the start of b, which holds them whole.
func parse(b []byte) (packet, error) {
	r := wire.NewReader(b)
	reserved, length := r.Uint16LE(), r.Uint32LE()
	r.Skip(6 + 2)
	var p packet
	copy(p.source[:], r.Bytes(len(p.source)))
	p.port, p.command = r.Uint16LE(), command(r.Uint16LE())
	flags := r.Uint16LE()
	size := r.Uint32LE()
	p.failed = r.Uint32LE() != 0
	r.Skip(4)
	switch {
	case r.Err() != nil:
		return p, fmt.Errorf("read ads message of %d bytes: %w", len(b), r.Err())
	case reserved != 0 || size > maxData || length != amsHeader+size:
		return p, fmt.Errorf("read ads message: reserved %#04x at byte 0, length %d at byte 2, length %d at byte 26", reserved, length, size)
	case flags&flagCommand == 0 || p.command > readWrite:
		return p, fmt.Errorf("read ads message: command %d at byte 22, state flags %#04x at byte 24", p.command, flags)
	}
	p.response, p.size = flags&flagResponse != 0, int(size)
	return p, nil
}

// info is the answer to ReadDeviceInfo.
type info struct {
	version version
	name    string
}

// version is major 1, minor 1, build 2.
type version struct {
	major, minor uint8
	build        uint16
}

func (v version) String() string { return fmt.Sprintf("%d.%d.%d", v.major, v.minor, v.build) }

func readVersion(r *wire.Reader) version { return version{r.Uint8(), r.Uint8(), r.Uint16LE()} }

// parseInfo reads the data of an answer to ReadDeviceInfo.
func parseInfo(data []byte) (info, error) {
	r := wire.NewReader(data)
	result := r.Uint32LE()
	i := info{version: readVersion(&r)}
	name, _, _ := bytes.Cut(r.Bytes(16), []byte{0})
	i.name = string(name)
	switch {
	case r.Err() != nil:
		return info{}, fmt.Errorf("read ads device info of %d bytes: %w", len(data), io.ErrUnexpectedEOF)
	case result != 0:
		return info{}, nil
	}
	return i, nil
}

// claims recognises a whole AMS/TCP header, or the first bytes of a search.
func claims(first []byte) bool {
	if len(first) >= searchHeader && binary.LittleEndian.Uint32(first) == searchMagic {
		return true
	}
	if len(first) < headers {
		return false
	}
	_, err := parse(first[:headers])
	return err == nil
}
