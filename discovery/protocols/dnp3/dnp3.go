// Package dnp3 hears and asks DNP3, the protocol between control centres and outstations of power, water and pipelines: who is master
// and who outstation, under which link addresses, who reads, writes and controls, and the attributes by which a device names itself.
//
// Standard: IEEE 1815-2012 (clause 4 application layer, 8 transport function, 9 data link layer; annex A.1 device attributes). Ports:
// TCP and UDP 20000.
//
// Heard: link addresses and roles from every frame whose checks are right, operations from the function codes of requests, attributes
// (object group 0) from responses. Values of points are never kept. Asked: by opt-in, the attributes.
package dnp3

import (
	"encoding/binary"
	"fmt"
	"io"
)

// Port is the registered one (IEEE 1815-2012 clause 13.2.2).
const Port = 20000

// A frame of the link layer (clause 9.2) is a header of 10 bytes, start 05 64, length, control, destination and source of two bytes,
// low byte first, and a check of two; then blocks of up to 16 bytes, each with a check of its own. The length counts neither the
// checks nor the three bytes before the control.
const (
	start1     = 0x05
	start2     = 0x64
	headerSize = 10
	blockSize  = 16
	checkSize  = 2
	leastCount = 5 // control and addresses
	// maxFrame is the longest frame: 250 bytes of data in 16 blocks.
	maxFrame = headerSize + 255 - leastCount + 16*checkSize
)

// The control byte (clause 9.2.4.1.3).
const (
	fromMaster   = 0x80 // DIR
	primary      = 0x40 // PRM: begins a transaction
	functionMask = 0x0f
	// Functions of a primary that carry data of the user.
	confirmedData   = 3
	unconfirmedData = 4
)

// reservedFrom is the first address that no station has (clause 9.2.4.1.4): broadcasts, the self address and reserved ones.
const reservedFrom = 0xfff0

// Frame is a frame of the link layer.
type Frame struct {
	FromMaster          bool
	Primary             bool
	Function            uint8
	Destination, Source uint16
	Data                []byte // without the checks
}

// carriesData reports whether the frame carries a segment of the transport function.
func (f Frame) carriesData() bool {
	return f.Primary && (f.Function == confirmedData || f.Function == unconfirmedData) && len(f.Data) > 0
}

// length gives the length of the first frame of a stream, 0 while there is too little to tell. A header whose check is wrong is none.
func length(b []byte) (int, error) {
	for i, want := range []byte{start1, start2} {
		if i < len(b) && b[i] != want {
			return 0, fmt.Errorf("dnp3 frame with %#02x at byte %d", b[i], i)
		}
	}
	if len(b) < headerSize {
		return 0, nil
	}
	count := int(b[2])
	if count < leastCount {
		return 0, fmt.Errorf("dnp3 length %d at byte 2", count)
	}
	if got, want := binary.LittleEndian.Uint16(b[headerSize-checkSize:]), check(b[:headerSize-checkSize]); got != want {
		return 0, fmt.Errorf("dnp3 header with the check %04x at byte %d, want %04x", got, headerSize-checkSize, want)
	}
	data := count - leastCount
	return headerSize + data + (data+blockSize-1)/blockSize*checkSize, nil
}

// whole is length for an asker: 0 while the frame is not whole.
func whole(b []byte) (int, error) {
	n, err := length(b)
	if n > len(b) {
		n = 0
	}
	return n, err
}

// parse reads a whole frame and checks its blocks. Its data is a copy.
func parse(b []byte) (Frame, error) {
	n, err := length(b)
	if err != nil {
		return Frame{}, err
	}
	if n == 0 || n > len(b) {
		return Frame{}, fmt.Errorf("read dnp3 frame of %d bytes: %w", len(b), io.ErrUnexpectedEOF)
	}
	control := b[3]
	f := Frame{
		FromMaster: control&fromMaster != 0, Primary: control&primary != 0, Function: control & functionMask,
		Destination: binary.LittleEndian.Uint16(b[4:]), Source: binary.LittleEndian.Uint16(b[6:]),
	}
	for at := headerSize; at < n; {
		end := min(at+blockSize, n-checkSize)
		if got, want := binary.LittleEndian.Uint16(b[end:]), check(b[at:end]); got != want {
			return f, fmt.Errorf("dnp3 block with the check %04x at byte %d, want %04x", got, end, want)
		}
		f.Data = append(f.Data, b[at:end]...)
		at = end + checkSize
	}
	return f, nil
}

// appendFrame appends a frame with its checks.
func appendFrame(b []byte, control uint8, destination, source uint16, data []byte) []byte {
	from := len(b)
	b = append(b, start1, start2, byte(leastCount+len(data)), control)
	b = binary.LittleEndian.AppendUint16(b, destination)
	b = binary.LittleEndian.AppendUint16(b, source)
	b = binary.LittleEndian.AppendUint16(b, check(b[from:]))
	for len(data) > 0 {
		n := min(len(data), blockSize)
		b = append(b, data[:n]...)
		b = binary.LittleEndian.AppendUint16(b, check(data[:n]))
		data = data[n:]
	}
	return b
}

// check is the cyclic redundancy check of the link layer (clause 9.2.4.1.6): the polynomial 3d65, bits low to high, inverted.
func check(b []byte) uint16 {
	const reversed = 0xa6bc
	sum := uint16(0)
	for _, c := range b {
		sum ^= uint16(c)
		for range 8 {
			if sum&1 != 0 {
				sum = sum>>1 ^ reversed
			} else {
				sum >>= 1
			}
		}
	}
	return ^sum
}

// claims recognises a stream or a datagram that begins with a frame: its header has a check.
func claims(first []byte) bool {
	n, err := length(first)
	return err == nil && n > 0
}
