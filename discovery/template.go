package discovery

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
)

// Template is the form of the messages that a Request may send, in a small language that people can read in the documents and
// the pace-keeper enforces on each message that leaves:
//
//	2b 0e 01 00    these bytes
//	?              one byte that varies (a transaction id, a sequence number); ?4 is four of them
//	01-f7          one byte of this range
//	*64            up to 64 bytes that vary, to the end of the group
//	secret*64      the same, and they are overwritten in what is kept
//	u8( ... )      a length of one byte, then a group of exactly that length; u16 and u32 big endian, u16le and u32le little endian
//	u32le+8( ... ) the length counts 8 bytes more than the group (a header before it)
//	i32le( ... )   like u32le, but ff ff ff ff stands for an absent group (an OPC UA string)
//	ber( ... )     a length in the definite form of BER (X.690 clause 8.1.3), then the group
//	one(a|b)       the first of the alternatives that fits, each a run of fixed or varying bytes and groups of its own
//	each( ... )    the run, again and again to the end of the group
//
// A "*" or an each ends its group, so matching never goes back.
type Template struct {
	text  string
	parts []part
}

type part struct {
	kind  byte // 'x' one byte from value to last, '*' rest, 's' secret rest, '(' counted group, '|' alternatives, '+' each
	value byte
	last  byte
	max   int
	count lengthForm
	group []part
	alts  [][]part
}

type lengthForm struct {
	size   int // bytes of the length; 0 = BER
	little bool
	absent bool // all ones = no group
	extra  int
}

// Span is a range of bytes of a message: [From, To).
type Span struct{ From, To int }

// MustTemplate compiles a template; it panics on a mistake, which is the programmer's.
func MustTemplate(text string) Template {
	t, err := ParseTemplate(text)
	if err != nil {
		panic(err.Error())
	}
	return t
}

// ParseTemplate compiles a template that comes from a file: a plan.
func ParseTemplate(text string) (Template, error) {
	p := templateParser{words: templateWords(text)}
	parts, err := p.group(false)
	if err == nil && len(p.words) > 0 {
		err = fmt.Errorf("unexpected %q", p.words[0])
	}
	if err != nil {
		return Template{}, fmt.Errorf("template %q: %w", text, err)
	}
	return Template{text: strings.Join(strings.Fields(text), " "), parts: parts}, nil
}

// String is the template as it was written.
func (t Template) String() string { return t.text }

// IsZero reports whether there is no template.
func (t Template) IsZero() bool { return len(t.parts) == 0 }

// Match reports whether the whole message has this form, and where in it the secrets stand.
func (t Template) Match(message []byte) (secrets []Span, ok bool) {
	m := matcher{message: message}
	end, ok := m.match(t.parts, 0, len(message))
	if !ok || end != len(message) || t.IsZero() {
		return nil, false
	}
	return m.secrets, true
}

// MinLen is the length of the shortest message of this form, in bytes.
func (t Template) MinLen() int { return minLen(t.parts) }

// Redact overwrites the spans with 'x' in a copy of the message.
func Redact(message []byte, secrets []Span) []byte {
	out := append([]byte(nil), message...)
	for _, s := range secrets {
		for i := s.From; i < s.To; i++ {
			out[i] = 'x'
		}
	}
	return out
}

func minLen(parts []part) int {
	n := 0
	for _, p := range parts {
		switch p.kind {
		case 'x':
			n++
		case '(':
			n += max(p.count.size, 1)
			if !p.count.absent {
				n += minLen(p.group)
			}
		case '|':
			least := minLen(p.alts[0])
			for _, alt := range p.alts[1:] {
				least = min(least, minLen(alt))
			}
			n += least
		}
	}
	return n
}

type matcher struct {
	message []byte
	secrets []Span
}

// match reads parts from message[at:end] and gives where it stopped.
func (m *matcher) match(parts []part, at, end int) (int, bool) {
	for _, p := range parts {
		switch p.kind {
		case 'x':
			if at >= end || m.message[at] < p.value || m.message[at] > p.last {
				return at, false
			}
			at++
		case '*', 's':
			if end-at > p.max {
				return at, false
			}
			if p.kind == 's' && end > at {
				m.secrets = append(m.secrets, Span{at, end})
			}
			at = end
		case '(':
			size, next, absent, ok := p.count.read(m.message[at:end])
			if !ok {
				return at, false
			}
			at += next
			if absent {
				continue
			}
			if size < 0 || size > end-at {
				return at, false
			}
			stop, ok := m.match(p.group, at, at+size)
			if !ok || stop != at+size {
				return stop, false
			}
			at = stop
		case '+':
			for at < end {
				stop, ok := m.match(p.group, at, end)
				if !ok || stop == at {
					return stop, false
				}
				at = stop
			}
		case '|':
			matched := false
			for _, alt := range p.alts {
				if stop, ok := m.match(alt, at, end); ok {
					at, matched = stop, true
					break
				}
			}
			if !matched {
				return at, false
			}
		}
	}
	return at, true
}

// read takes the length off the front of b: the size of the group and how many bytes the length itself took.
func (f lengthForm) read(b []byte) (size, next int, absent, ok bool) {
	if f.size == 0 {
		if len(b) == 0 {
			return 0, 0, false, false
		}
		if b[0] < 0x80 {
			return int(b[0]) - f.extra, 1, false, true
		}
		n := int(b[0] & 0x7f)
		if n == 0 || n > 3 || len(b) < 1+n {
			return 0, 0, false, false
		}
		for _, c := range b[1 : 1+n] {
			size = size<<8 | int(c)
		}
		return size - f.extra, 1 + n, false, true
	}
	if len(b) < f.size {
		return 0, 0, false, false
	}
	ones := true
	var value uint64
	for i := range f.size {
		c := b[i]
		if f.little {
			c = b[f.size-1-i]
		}
		ones = ones && c == 0xff
		value = value<<8 | uint64(c)
	}
	if f.absent && ones {
		return 0, f.size, true, true
	}
	if value > 1<<24 {
		return 0, 0, false, false
	}
	return int(value) - f.extra, f.size, false, true
}

// templateWords splits the text: words, "(" , ")" and "|"; a word that counts a group keeps its "(".
func templateWords(text string) []string {
	return strings.Fields(strings.NewReplacer("(", "( ", ")", " ) ", "|", " | ").Replace(text))
}

type templateParser struct{ words []string }

// group reads parts up to the ")" that closes the group, or to the end of the text at the outermost level.
func (p *templateParser) group(inner bool) ([]part, error) {
	var parts []part
	for len(p.words) > 0 {
		word := p.words[0]
		if word == ")" || word == "|" {
			if !inner {
				return nil, fmt.Errorf("%q without a group", word)
			}
			return parts, nil
		}
		if n := len(parts); n > 0 && (parts[n-1].kind == '*' || parts[n-1].kind == 's' || parts[n-1].kind == '+') {
			return nil, fmt.Errorf("%q stands behind a * or an each", word)
		}
		p.words = p.words[1:]
		more, err := p.one(word)
		if err != nil {
			return nil, err
		}
		parts = append(parts, more...)
	}
	if inner {
		return nil, fmt.Errorf("a group is not closed")
	}
	return parts, nil
}

func (p *templateParser) one(word string) ([]part, error) {
	switch {
	case word == "one(":
		alts := part{kind: '|'}
		for {
			alt, err := p.group(true)
			if err != nil {
				return nil, err
			}
			alts.alts = append(alts.alts, alt)
			closing := p.words[0]
			p.words = p.words[1:]
			if closing == ")" {
				return []part{alts}, nil
			}
		}
	case word == "each(":
		inner, err := p.group(true)
		if err != nil {
			return nil, err
		}
		if p.words[0] != ")" || minLen(inner) == 0 {
			return nil, fmt.Errorf("each: want a run that is not empty, closed by )")
		}
		p.words = p.words[1:]
		return []part{{kind: '+', group: inner}}, nil
	case strings.HasSuffix(word, "("):
		form, err := parseLengthForm(strings.TrimSuffix(word, "("))
		if err != nil {
			return nil, err
		}
		inner, err := p.group(true)
		if err != nil {
			return nil, err
		}
		if p.words[0] != ")" {
			return nil, fmt.Errorf("%q inside a counted group", p.words[0])
		}
		p.words = p.words[1:]
		return []part{{kind: '(', count: form, group: inner}}, nil
	case strings.HasPrefix(word, "?"):
		n := 1
		if rest := word[1:]; rest != "" {
			var err error
			if n, err = strconv.Atoi(rest); err != nil || n < 1 {
				return nil, fmt.Errorf("%q: want ? or ?N", word)
			}
		}
		parts := make([]part, n)
		for i := range parts {
			parts[i] = part{kind: 'x', last: 0xff}
		}
		return parts, nil
	case strings.HasPrefix(word, "*"), strings.HasPrefix(word, "secret*"):
		kind := byte('*')
		if strings.HasPrefix(word, "secret") {
			kind = 's'
		}
		_, number, _ := strings.Cut(word, "*")
		n, err := strconv.Atoi(number)
		if err != nil || n < 0 {
			return nil, fmt.Errorf("%q: want *N", word)
		}
		return []part{{kind: kind, max: n}}, nil
	}
	from, to, ranged := strings.Cut(word, "-")
	fixed, err := hex.DecodeString(from)
	if err != nil {
		return nil, fmt.Errorf("%q: want hex bytes", word)
	}
	if ranged {
		last, err := hex.DecodeString(to)
		if err != nil || len(fixed) != 1 || len(last) != 1 || fixed[0] > last[0] {
			return nil, fmt.Errorf("%q: want a range of one byte, such as 01-f7", word)
		}
		return []part{{kind: 'x', value: fixed[0], last: last[0]}}, nil
	}
	parts := make([]part, len(fixed))
	for i, b := range fixed {
		parts[i] = part{kind: 'x', value: b, last: b}
	}
	return parts, nil
}

func parseLengthForm(word string) (lengthForm, error) {
	var form lengthForm
	name, extra, plus := strings.Cut(word, "+")
	if plus {
		n, err := strconv.Atoi(extra)
		if err != nil {
			return form, fmt.Errorf("%q: want a number behind +", word)
		}
		form.extra = n
	}
	switch name {
	case "ber":
	case "u8":
		form.size = 1
	case "u16":
		form.size = 2
	case "u16le":
		form.size, form.little = 2, true
	case "u32":
		form.size = 4
	case "u32le":
		form.size, form.little = 4, true
	case "i32le":
		form.size, form.little, form.absent = 4, true, true
	default:
		return form, fmt.Errorf("unknown length %q", word)
	}
	return form, nil
}
