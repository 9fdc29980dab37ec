package smb

import (
	"io"

	"github.com/walkdown-ot/walkdown/discovery/wire"
)

// The commands of versions 2 and 3 (MS-SMB2 section 2.2.1.2).
const (
	command2Negotiate    = 0
	command2SessionSetup = 1
)

const (
	header2Size     = 64
	flag2Response   = 0x00000001
	dialectWildcard = 0x02ff // "any of version 2": the real one comes in the next answer
)

// message2 reads a message of version 2 or 3: header of 64 bytes (magic 4, size 2, credit charge 2, status 4, command 2, credits 2,
// flags 4, ...) and a body; little endian.
func (f *facts) message2(b []byte) error {
	r := wire.NewReader(b)
	r.Skip(12)
	command := r.Uint16LE()
	r.Skip(2)
	reply := r.Uint32LE()&flag2Response != 0
	r.Skip(header2Size - 20)
	switch {
	case command == command2Negotiate && reply:
		// size 2, security mode 2, dialect 2, contexts 2, GUID 16, abilities 4, limits 4+4+4, times 8+8, blob's offset 2 and length 2
		if size := r.Uint16LE(); r.Err() == nil && size != 65 {
			return nil // an error response
		}
		r.Skip(2)
		dialect := r.Uint16LE()
		r.Skip(2)
		id := r.Bytes(guidSize)
		r.Skip(32)
		if r.Err() != nil {
			return r.Err()
		}
		f.dialect2(dialect)
		f.guid(id)
		return f.blobAt(b, r.Uint16LE(), r.Uint16LE())
	case command == command2SessionSetup && reply:
		// size 2, flags 2, blob's offset 2 and length 2
		if size := r.Uint16LE(); r.Err() == nil && size != 9 {
			return nil
		}
		r.Skip(2)
		offset, size := r.Uint16LE(), r.Uint16LE()
		if r.Err() != nil {
			return r.Err()
		}
		return f.blobAt(b, offset, size)
	case command == command2SessionSetup:
		// size 2, flags 1, security mode 1, abilities 4, channel 4, blob's offset 2 and length 2
		r.Skip(12)
		offset, size := r.Uint16LE(), r.Uint16LE()
		if r.Err() != nil {
			return r.Err()
		}
		return f.blobAt(b, offset, size)
	}
	return r.Err()
}

// blobAt reads the security blob at an offset from the header.
func (f *facts) blobAt(b []byte, offset, size uint16) error {
	if int(offset)+int(size) > len(b) {
		return io.ErrUnexpectedEOF
	}
	return f.blob(b[offset : int(offset)+int(size)])
}
