package ads

import (
	"bytes"
	"fmt"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/wire"
)

// A search datagram: magic 4, invoke id 4, service 4 (the top bit set in an answer), NetId 6, port 2, number of tags 4; then each
// tag's id 2, length 2 and value.
const (
	searchMagic  = 0x71146603 // 03 66 14 71
	searchHeader = 24
	searchAnswer = 0x80000000
	searchInfo   = 1
	maxTags      = 16
)

// The tags that are read.
const (
	tagVersion = 3 // of TwinCAT
	tagSystem  = 4 // OSVERSIONINFO of Windows: size 4, major 4, minor 4, build 4, platform 4, text
	tagName    = 5 // of the host, ended by a zero
)

// host is what an answer to a search tells.
type host struct {
	id      netID
	name    string
	twinCAT version
	system  string
}

// parseSearch reads a search datagram. Requests, and answers to other requests (a route that is added carries a user and a
// password), give no host. What was read before a damage is returned with the error.
func parseSearch(b []byte) (*host, error) {
	r := wire.NewReader(b)
	magic := r.Uint32LE()
	r.Skip(4)
	service := r.Uint32LE()
	var h host
	copy(h.id[:], r.Bytes(len(h.id)))
	r.Skip(2)
	tags := r.Uint32LE()
	switch {
	case r.Err() == nil && magic != searchMagic:
		return nil, fmt.Errorf("read ads search: magic %#08x at byte 0: %w", magic, discovery.ErrNotMine)
	case r.Err() != nil:
		return nil, fmt.Errorf("read ads search of %d bytes: %w", len(b), r.Err())
	case service != searchAnswer|searchInfo:
		return nil, nil
	}
	for range min(tags, maxTags) {
		id := r.Uint16LE()
		value := r.Sub(int(r.Uint16LE()))
		if r.Err() != nil {
			return &h, fmt.Errorf("read tags of ads search answer of %d bytes: %w", len(b), r.Err())
		}
		switch id {
		case tagVersion:
			h.twinCAT = readVersion(&value)
		case tagSystem:
			h.system = systemName(&value)
		case tagName:
			name, _, _ := bytes.Cut(value.Rest(), []byte{0})
			h.name = string(name)
		}
	}
	return &h, nil
}

// systemName is the operating system as Windows counts them: "Windows CE 6.0". It is empty for what is no OSVERSIONINFO.
func systemName(r *wire.Reader) string {
	const shortest = 20
	size := r.Uint32LE()
	major, minor, build, platform := r.Uint32LE(), r.Uint32LE(), r.Uint32LE(), r.Uint32LE()
	if r.Err() != nil || size < shortest {
		return ""
	}
	name, ok := map[uint32]string{1: "Windows", 2: "Windows NT", 3: "Windows CE"}[platform]
	if !ok {
		return ""
	}
	if build == 0 {
		return fmt.Sprintf("%s %d.%d", name, major, minor)
	}
	return fmt.Sprintf("%s %d.%d.%d", name, major, minor, build)
}
