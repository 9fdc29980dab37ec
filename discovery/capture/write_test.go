package capture_test

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"testing"

	"github.com/walkdown-ot/walkdown/discovery"
)

// record is one frame of a file to be made.
type record struct {
	seconds, fraction uint32
	length            uint32 // 0: as long as the data
	data              []byte
}

// pcapFile writes a pcap file.
func pcapFile(order binary.AppendByteOrder, magic uint32, link discovery.LinkType, records ...record) []byte {
	b := order.AppendUint32(nil, magic)
	b = order.AppendUint16(b, 2)
	b = order.AppendUint16(b, 4)
	b = append(b, make([]byte, 8)...)
	b = order.AppendUint32(b, 65535)
	b = order.AppendUint32(b, uint32(link))
	for _, r := range records {
		b = order.AppendUint32(b, r.seconds)
		b = order.AppendUint32(b, r.fraction)
		b = order.AppendUint32(b, uint32(len(r.data)))
		b = order.AppendUint32(b, max(r.length, uint32(len(r.data))))
		b = append(b, r.data...)
	}
	return b
}

// block writes a pcapng block with its padding.
func block(order binary.AppendByteOrder, kind uint32, body ...byte) []byte {
	for len(body)%4 != 0 {
		body = append(body, 0)
	}
	n := uint32(12 + len(body))
	b := order.AppendUint32(nil, kind)
	b = order.AppendUint32(b, n)
	b = append(b, body...)
	return order.AppendUint32(b, n)
}

func sectionBlock(order binary.AppendByteOrder) []byte {
	b := order.AppendUint32(nil, 0x1a2b3c4d)
	b = order.AppendUint16(b, 1)
	b = order.AppendUint16(b, 0)
	return block(order, 0x0a0d0d0a, order.AppendUint64(b, 1<<64-1)...)
}

type option struct {
	code  uint16
	value []byte
}

func appendOptions(order binary.AppendByteOrder, b []byte, options ...option) []byte {
	for _, o := range options {
		b = order.AppendUint16(b, o.code)
		b = order.AppendUint16(b, uint16(len(o.value)))
		b = append(b, o.value...)
		b = append(b, make([]byte, -len(o.value)&3)...)
	}
	return order.AppendUint32(b, 0)
}

func interfaceBlock(order binary.AppendByteOrder, link discovery.LinkType, options ...option) []byte {
	b := order.AppendUint16(nil, uint16(link))
	b = order.AppendUint16(b, 0)
	b = order.AppendUint32(b, 0)
	return block(order, 1, appendOptions(order, b, options...)...)
}

func packetBlock(order binary.AppendByteOrder, at uint32, stamp uint64, data []byte, options ...option) []byte {
	b := order.AppendUint32(nil, at)
	b = order.AppendUint32(b, uint32(stamp>>32))
	b = order.AppendUint32(b, uint32(stamp))
	b = order.AppendUint32(b, uint32(len(data)))
	b = order.AppendUint32(b, uint32(len(data)))
	b = append(b, data...)
	b = append(b, make([]byte, -len(data)&3)...)
	if len(options) > 0 {
		b = appendOptions(order, b, options...)
	}
	return block(order, 6, b...)
}

func zipped(t *testing.T, b []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := w.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}
