package listen

import (
	"fmt"
	"strings"

	"github.com/walkdown-ot/walkdown/discovery"
)

// Trouble is something that went wrong in reading a protocol, counted instead of told each time.
type Trouble struct {
	Protocol string
	Reason   string // with its numbers and quoted words taken out
	Count    int
	Example  string // the first one, as it was, and whose
}

// troubles are kept in the order in which they first came.
type troubles struct {
	limit int
	byKey map[[2]string]int
	kinds map[string]int // reasons of each protocol
	list  []Trouble
}

// otherReasons stands for what is too various to be told apart.
const otherReasons = "other reasons"

// Lengths of texts.
const (
	maxReason  = 120
	maxExample = 240
)

func newTroubles(limit int) troubles {
	return troubles{limit: limit, byKey: map[[2]string]int{}, kinds: map[string]int{}}
}

// Troubles are the errors of decoders so far, each kind once.
func (l *Listener) Troubles() []Trouble {
	return append([]Trouble(nil), l.troubles.list...)
}

// trouble counts an error of a session's decoder.
func (l *Listener) trouble(s *session, err error) {
	client, server := l.end(s, discovery.Client), l.end(s, discovery.Server)
	l.troubles.add(l.protocols.name(s.protocol), err.Error(), fmt.Sprintf("%s to %s, %s %d", client, server, s.transport, s.port))
}

func (t *troubles) add(protocol, reason, where string) {
	key := [2]string{protocol, general(reason)}
	at, known := t.byKey[key]
	if !known && (len(t.list) >= t.limit || t.kinds[protocol] >= reasonsOfProtocol) {
		key[1] = otherReasons
		at, known = t.byKey[key]
	}
	if !known {
		at = len(t.list)
		t.byKey[key] = at
		t.kinds[protocol]++
		t.list = append(t.list, Trouble{Protocol: protocol, Reason: key[1], Example: cut(discovery.Text(reason)+" ("+where+")", maxExample)})
	}
	t.list[at].Count++
}

// general takes out of a reason what differs each time: numbers become N, and quoted words "...".
func general(reason string) string {
	var out strings.Builder
	for i := 0; i < len(reason) && out.Len() < maxReason; i++ {
		c := reason[i]
		switch {
		case c == '"':
			end := i + 1
			for end < len(reason) && reason[end] != '"' {
				if reason[end] == '\\' {
					end++
				}
				end++
			}
			out.WriteString(`"..."`)
			i = end
		case isDigit(c) && (i == 0 || !isWord(reason[i-1])):
			for i+1 < len(reason) && isWord(reason[i+1]) {
				i++
			}
			out.WriteByte('N')
		default:
			out.WriteByte(c)
		}
	}
	return cut(discovery.Text(out.String()), maxReason)
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func isWord(c byte) bool { return isDigit(c) || 'a' <= c|0x20 && c|0x20 <= 'z' }

func cut(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	return strings.ToValidUTF8(text[:limit], "") + "..."
}
