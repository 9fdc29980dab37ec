package opcua

import (
	"encoding/binary"
	"fmt"

	"github.com/walkdown-ot/walkdown/discovery"
)

// kind is the type of a message (OPC 10000-6 clause 7.1.2.2 and 6.7.2.2).
type kind uint8

const (
	hello kind = iota + 1
	acknowledge
	fault
	reverseHello
	openChannel
	closeChannel
	serviceMessage
)

// The last byte of the message type says where a chunk stands in its message (clause 6.7.2.2).
const (
	chunkFinal        = 'F'
	chunkIntermediate = 'C'
	chunkAbort        = 'A'
)

const (
	headerSize = 8 // message type 3, chunk type 1, size u32 little endian, which counts the header too
	// chunkHeaderSize is all that stands before the body of a chunk on a channel without security: the header, channel id,
	// token id, sequence number, request id.
	chunkHeaderSize = headerSize + 16
	requestIDOffset = headerSize + 12

	maxURL = 4096 // of an endpoint (clause 7.1.2.3)
	// maxChunk is the largest chunk that is believed. The standard names no limit; the buffers of servers have 8 KiB to 1 MiB.
	maxChunk = 16 << 20
)

// header is the front of each message or chunk.
type header struct {
	kind  kind
	chunk byte
	size  int // of the whole, with the header
}

// parseHeader reads the first 8 bytes of a message. It reports false when there are fewer, or when they cannot be a header: an
// unknown type, or a size that the type cannot have.
func parseHeader(b []byte) (header, bool) {
	if len(b) < headerSize {
		return header{}, false
	}
	h := header{chunk: b[3]}
	size := binary.LittleEndian.Uint32(b[4:])
	if size > maxChunk {
		return h, false
	}
	h.size = int(size)
	least, most := chunkHeaderSize, maxChunk
	switch string(b[:3]) {
	case "HEL":
		h.kind, least, most = hello, headerSize+24, headerSize+24+maxURL
	case "ACK":
		h.kind, least, most = acknowledge, headerSize+20, headerSize+20
	case "ERR":
		h.kind, least, most = fault, headerSize+8, headerSize+8+maxURL
	case "RHE":
		h.kind, least, most = reverseHello, headerSize+8, headerSize+8+2*maxURL
	case "OPN":
		h.kind, most = openChannel, discovery.MaxUnread
	case "CLO":
		h.kind = closeChannel
	case "MSG":
		h.kind = serviceMessage
		return h, (h.chunk == chunkFinal || h.chunk == chunkIntermediate || h.chunk == chunkAbort) && h.size >= least
	default:
		return h, false
	}
	return h, h.chunk == chunkFinal && h.size >= least && h.size <= most
}

// message is the length of the first whole message of a stream, 0 when it is not yet whole. What an asker may send and wait for
// is bounded by the buffers that it offers.
func message(b []byte) (int, error) {
	if len(b) < headerSize {
		return 0, nil
	}
	h, ok := parseHeader(b)
	if !ok || h.size > bufferSize {
		return 0, fmt.Errorf("read message header %x: %w", b[:headerSize], discovery.ErrNotUnderstood)
	}
	if len(b) < h.size {
		return 0, nil
	}
	return h.size, nil
}

// find gives the offset of the first plausible message at or behind from, -1 without one. A message that ends within b must be
// followed by another plausible one, as far as b goes: four letters in a text alone are no message.
func find(b []byte, from int) int {
	for i := from; i+headerSize <= len(b); i++ {
		h, ok := parseHeader(b[i:])
		if !ok {
			continue
		}
		if next := i + h.size; next+headerSize <= len(b) {
			if _, ok := parseHeader(b[next:]); !ok {
				continue
			}
		}
		return i
	}
	return -1
}
