package telnet

// stripper takes Telnet commands and the control sequences of terminals out of one side's bytes.
type stripper struct{ state state }

type state uint8

const (
	inText         state = iota
	inCommand            // behind IAC
	inOption             // behind WILL, WONT, DO or DONT
	inNegotiation        // behind SB, up to IAC SE
	inNegotiation2       // behind an IAC in it
	inEscape             // behind ESC
	inControl            // behind ESC [, up to a final byte
	inString             // behind ESC ], up to BEL or ESC \
	inStringEnd          // behind an ESC in it
	inCharset            // behind ESC ( and its like: one more byte
)

// The commands that matter (RFC 854).
const (
	se   = 240
	sb   = 250
	will = 251
	dont = 254
	iac  = 255
)

const (
	bell   = 0x07
	escape = 0x1b
)

// next takes a byte, and gives the text byte that it makes, if it makes one.
func (s *stripper) next(c byte) (text byte, ok bool) {
	switch s.state {
	case inText:
		switch c {
		case iac:
			s.state = inCommand
		case escape:
			s.state = inEscape
		default:
			return c, true
		}
	case inCommand:
		switch {
		case c == iac: // stands for itself
			s.state = inText
			return c, true
		case c == sb:
			s.state = inNegotiation
		case c >= will && c <= dont:
			s.state = inOption
		default:
			s.state = inText
		}
	case inNegotiation:
		if c == iac {
			s.state = inNegotiation2
		}
	case inNegotiation2:
		s.state = inNegotiation
		if c == se {
			s.state = inText
		}
	case inEscape:
		return s.escape(c)
	case inControl:
		if c >= 0x40 && c <= 0x7e {
			s.state = inText
			return ' ', c != 'm' // all but colours may move to another place
		}
	case inString:
		switch c {
		case bell:
			s.state = inText
		case escape:
			s.state = inStringEnd
		}
	case inOption, inStringEnd, inCharset:
		s.state = inText
	}
	return 0, false
}

// escape takes the byte behind ESC (ECMA-48 clause 5.3).
func (s *stripper) escape(c byte) (byte, bool) {
	switch c {
	case '[':
		s.state = inControl
	case ']', 'P', '_', '^', 'X':
		s.state = inString
	case '(', ')', '*', '+', '#', '%', ' ':
		s.state = inCharset
	default:
		s.state = inText
		return ' ', true // a line feed, a reset: another place
	}
	return 0, false
}

// isText allows letters of any encoding, and the control characters that NVT knows (RFC 854) or that terminals obey.
func isText(c byte) bool {
	return c >= ' ' && c != 0x7f || isBlank(c) || c == '\a' || c == '\b' || c == '\f' || c == '\v'
}

func isPrintable(c byte) bool { return c >= ' ' && c < 0x7f }

// isBlank is true of what a return key sends, too: CR LF, or CR NUL.
func isBlank(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == 0 }
