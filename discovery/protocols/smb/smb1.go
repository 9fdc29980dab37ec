package smb

import (
	"strings"
	"unicode/utf16"

	"github.com/walkdown-ot/walkdown/discovery/wire"
)

// The commands of version 1 (MS-CIFS section 2.2.2.1).
const (
	command1Negotiate    = 0x72
	command1SessionSetup = 0x73
)

// Flags of a message, and of a server's abilities (MS-CIFS sections 2.2.3.1 and 2.2.4.52.2).
const (
	flagReply            = 0x80
	flags2Unicode        = 0x8000
	capUnicode           = 0x00000004
	capExtendedSecurity  = 0x80000000
	header1Size          = 32
	wordsNegotiated      = 17 // of an answer in the NT LAN Manager dialect
	wordsSetupExtRequest = 12
	wordsSetupNTRequest  = 13
	wordsSetupOldRequest = 10
	wordsSetupReply      = 3
	wordsSetupExtReply   = 4
)

// message1 reads a message of version 1: header of 32 bytes (magic 4, command 1, status 4, flags 1, flags 2, ...), word count 1,
// words, byte count 2, bytes; little endian.
func (f *facts) message1(b []byte) error {
	r := wire.NewReader(b)
	r.Skip(4)
	command := r.Uint8()
	r.Skip(4)
	reply, flags2 := r.Uint8()&flagReply != 0, r.Uint16LE()
	r.Skip(header1Size - 12)
	count := int(r.Uint8())
	words := r.Sub(2 * count)
	// Some servers count their bytes wrongly (the last string lacks half of its end): all that is left is read.
	r.Skip(2)
	if r.Err() != nil {
		return r.Err()
	}
	texts := texts{r: r, wide: flags2&flags2Unicode != 0}
	switch {
	case command == command1Negotiate && reply && count == wordsNegotiated:
		f.negotiated1(words, texts)
	case command == command1SessionSetup && reply && (count == wordsSetupReply || count == wordsSetupExtReply):
		return f.setupReply1(words, texts, count == wordsSetupExtReply)
	case command == command1SessionSetup && !reply:
		return f.setupRequest1(words, texts, count)
	}
	return nil
}

// negotiated1 reads the answer to a negotiation: dialect 2, security mode 1, limits 2+2+4+4, session key 4, abilities 4, time 8+2,
// length of the challenge 1. The bytes are the server's GUID and a security blob, or the challenge, domain and server name.
func (f *facts) negotiated1(words wire.Reader, t texts) {
	f.add(KeyDialect, "NT LM 0.12") // the only one with as many words
	words.Skip(19)
	abilities := words.Uint32LE()
	words.Skip(10)
	challenge := words.Uint8()
	if abilities&capExtendedSecurity != 0 {
		f.guid(t.r.Bytes(guidSize))
		return
	}
	t.r.Skip(int(challenge))
	// Here the strings stand where they fall, and the flag that says how they are written need not be set.
	t.unaligned, t.wide = true, t.wide || abilities&capUnicode != 0
	f.add(KeyDomainName, t.next())
	f.add(KeyServerName, t.next())
}

// setupRequest1 reads what a client says of itself: behind its secrets stand the account, which is not read, its domain, and the
// client's system and LAN manager.
func (f *facts) setupRequest1(words wire.Reader, t texts, count int) error {
	words.Skip(14) // andX 4, limits 2+2, circuit 2, session key 4
	var err error
	switch count {
	case wordsSetupExtRequest:
		err = f.blob(t.r.Bytes(int(words.Uint16LE())))
	case wordsSetupNTRequest:
		oem, wide := int(words.Uint16LE()), int(words.Uint16LE())
		t.r.Skip(oem + wide)
		t.skip(2)
	case wordsSetupOldRequest:
		t.r.Skip(int(words.Uint16LE()))
		t.skip(2)
	default:
		return nil
	}
	f.add(KeyNativeOS, t.next())
	f.add(KeyNativeLANMan, t.next())
	return err
}

// setupReply1 reads what a server says of itself: system, LAN manager, and its domain unless there was a security blob.
func (f *facts) setupReply1(words wire.Reader, t texts, extended bool) error {
	words.Skip(6) // andX 4, action 2
	var err error
	if extended {
		err = f.blob(t.r.Bytes(int(words.Uint16LE())))
	}
	f.add(KeyNativeOS, t.next())
	f.add(KeyNativeLANMan, t.next())
	f.add(KeyPrimaryDomain, t.next())
	return err
}

// texts takes strings that end with a zero off the bytes of a message. Wide ones begin at an even byte, counted from the header of
// the message (MS-CIFS section 2.2.1.1).
type texts struct {
	r         wire.Reader // over the whole message
	wide      bool
	unaligned bool
}

// next is the next string, empty when there is none. The last one may lack its end.
func (t *texts) next() string {
	if !t.wide {
		var out strings.Builder
		for t.r.Len() > 0 {
			c := t.r.Uint8()
			if c == 0 {
				break
			}
			out.WriteByte(c)
		}
		return out.String()
	}
	if t.r.Offset()&1 != 0 && !t.unaligned {
		t.r.Skip(1)
	}
	var units []uint16
	for t.r.Len() >= 2 {
		unit := t.r.Uint16LE()
		if unit == 0 {
			break
		}
		units = append(units, unit)
	}
	return string(utf16.Decode(units))
}

func (t *texts) skip(n int) {
	for range n {
		t.next()
	}
}
