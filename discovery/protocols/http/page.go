package http

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"html"
	"io"
	"strings"
	"unicode/utf8"
)

// page looks for the title of an HTML page that comes in pieces. It keeps the title alone, and of a compressed page the
// beginning.
type page struct {
	open    bool
	packing packing
	title   []byte // complete when write or end say so
	seen    int    // bytes looked at
	state   titleState
	matched int // bytes of "<title"
	packed  []byte
	tryAt   int // the length of packed at which it is worth a try
}

type packing uint8

const (
	plain packing = iota
	gzipped
	deflated
)

type titleState uint8

const (
	beforeTitle titleState = iota
	inTag
	inTitle
)

// The bounds of the search.
const (
	maxPage   = 16 << 10 // of a page are looked at
	maxPacked = 4 << 10  // of a compressed page are kept
	maxTitle  = 512
	maxPages  = 32 // of one connection
)

// begin opens the page of a response, and reports whether it may hold a title that can be read.
func (p *page) begin(m *message) bool {
	kind := m.fields[fieldContentType]
	if kind != nil && !contains(kind, "html") { // old devices leave the type out
		return false
	}
	*p = page{title: p.title[:0], packed: p.packed[:0], tryAt: 256}
	switch coding := m.fields[fieldContentEncoding]; {
	case len(coding) == 0 || isName(coding, "identity"):
	case isName(coding, "gzip") || isName(coding, "x-gzip"):
		p.packing = gzipped
	case isName(coding, "deflate"):
		p.packing = deflated
	default:
		return false
	}
	p.open = true
	return true
}

// write takes the next piece, and reports whether the title is complete. The page closes with it.
func (p *page) write(b []byte) bool {
	if p.packing == plain {
		return p.scan(b)
	}
	p.packed = append(p.packed, b[:min(len(b), maxPacked-len(p.packed))]...)
	if len(p.packed) < p.tryAt {
		return false
	}
	for p.tryAt <= len(p.packed) {
		p.tryAt *= 2
	}
	return p.unpack()
}

// end closes the page, and reports whether a title came to light with it.
func (p *page) end() bool {
	found := p.packing != plain && p.unpack()
	p.open = false
	return found
}

// unpack looks into what is there of a compressed page.
func (p *page) unpack() bool {
	reader, err := p.unpacker()
	if err != nil {
		return false
	}
	begun := make([]byte, maxPage)
	n, _ := io.ReadFull(reader, begun) // it ends in the middle, as a rule
	inner := page{open: true}
	if !inner.scan(begun[:n]) {
		p.open = len(p.packed) < maxPacked && n < maxPage
		return false
	}
	p.title, p.open = append(p.title[:0], inner.title...), false
	return true
}

func (p *page) unpacker() (io.Reader, error) {
	if p.packing == gzipped {
		return gzip.NewReader(bytes.NewReader(p.packed))
	}
	// The standard's "deflate" has a header of zlib (RFC 9110 section 8.4.1.2); some servers leave it out.
	if r, err := zlib.NewReader(bytes.NewReader(p.packed)); err == nil {
		return r, nil
	}
	return flate.NewReader(bytes.NewReader(p.packed)), nil
}

// scan looks for the title in the next bytes of the page. Zero bytes are passed over, so that UTF-16 is read like ASCII.
func (p *page) scan(b []byte) bool {
	const opening, closing = "<title", "</title"
	for _, c := range b {
		if p.seen++; p.seen > maxPage {
			p.open = false
			return false
		}
		if c == 0 {
			continue
		}
		switch p.state {
		case beforeTitle:
			switch {
			case p.matched == len(opening) && (c == '>' || c <= ' '):
				p.matched, p.state = 0, inTag
				if c == '>' {
					p.state = inTitle
				}
			case p.matched < len(opening) && lower(c) == opening[p.matched]:
				p.matched++
			case c == '<':
				p.matched = 1
			default:
				p.matched = 0
			}
		case inTag:
			if c == '>' {
				p.state = inTitle
			}
		case inTitle:
			p.title = append(p.title, c)
			if n := len(p.title) - len(closing); n >= 0 && isName(p.title[n:], closing) {
				p.title, p.open = p.title[:n], false
				return true
			}
			if len(p.title) > maxTitle+len(closing) {
				p.open = false
				return false
			}
		}
	}
	return false
}

// titleText is a title as people read it. What is neither UTF-8 nor Latin-1 (Shift JIS, GB 18030 and their like) loses the
// letters beyond ASCII: names of products are mostly within.
func titleText(title []byte) string {
	if !utf8.Valid(title) && !isLatin(title) {
		title = bytes.Map(func(r rune) rune {
			if r >= utf8.RuneSelf {
				return ' '
			}
			return r
		}, title)
	}
	return html.UnescapeString(string(title))
}

// isLatin tells a text in Latin-1 or Windows-1252 from one in an encoding of several bytes: it has single letters beyond ASCII
// between others, and none that are control characters.
func isLatin(text []byte) bool {
	high := false
	for _, c := range text {
		isHigh := c >= utf8.RuneSelf
		if isHigh && (high || c < 0x91 || c > 0x97 && c < 0xa0) {
			return false
		}
		high = isHigh
	}
	return true
}

// isGeneric reports whether a title says nothing of the device: the words of an error or a redirection, or a page's place.
func isGeneric(title string) bool {
	title = strings.ToLower(strings.Trim(title, " .!"))
	if len(title) >= 3 && title[0] >= '3' && title[0] <= '5' && isDigit(title[1]) && isDigit(title[2]) && (len(title) == 3 || title[3] == ' ') {
		return true // "301 Moved Permanently"
	}
	for _, prefix := range [...]string{"index of", "error", "document error", "http error", "access error", "object moved", "document moved", "directory:"} {
		if strings.HasPrefix(title, prefix) {
			return true
		}
	}
	switch title {
	case "moved", "moved permanently", "moved temporarily", "found", "redirect", "redirecting", "redirection", "unauthorized", "forbidden", "not found", "bad request",
		"service unavailable", "untitled", "untitled document", "new page 1", "document", "html", "title", "index", "index.html", "index.htm", "home", "home page",
		"homepage", "main", "main page", "login", "log in", "login page", "logon", "sign in", "welcome", "loading", "please wait", "page", "test", "start", "default", "frame", "menu", "top":
		return true
	}
	return false
}
