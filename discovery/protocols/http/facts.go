package http

import (
	"bytes"
	"encoding/base64"
	"strings"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/wire/ntlm"
)

// The keys.
const (
	// KeyServer is the Server field: "Schneider-WEB/V2.1.4".
	KeyServer discovery.Key = "http.server"
	// KeyPoweredBy is the X-Powered-By field, which is no standard but common.
	KeyPoweredBy discovery.Key = "http.powered-by"
	// KeyRealm is the realm of a challenge (WWW-Authenticate).
	KeyRealm discovery.Key = "http.realm"
	// KeyTitle is the title of an HTML page that was delivered; those of errors and redirections are left out.
	KeyTitle discovery.Key = "http.title"
	// KeyHost is the name that a client used for the server; the client is its teller. Addresses are left out.
	KeyHost discovery.Key = "http.host"
	// KeyUserAgent is what a client says of its program; it is about the client.
	KeyUserAgent discovery.Key = "http.user-agent"

	// Names and version of a server that challenges by NTLM (MS-NTHT), as SMB servers tell them.
	KeyNTLMTargetName      discovery.Key = "http.ntlm-target-name"
	KeyNTLMComputerName    discovery.Key = "http.ntlm-computer-name"
	KeyNTLMDomain          discovery.Key = "http.ntlm-domain"
	KeyNTLMDNSComputerName discovery.Key = "http.ntlm-dns-computer-name"
	KeyNTLMDNSDomain       discovery.Key = "http.ntlm-dns-domain"
	KeyNTLMDNSTree         discovery.Key = "http.ntlm-dns-tree"
	KeyNTLMVersion         discovery.Key = "http.ntlm-version" // of the system: "10.0.17763"
)

// Protocol is HTTP, both faces.
func Protocol() discovery.Protocol {
	return discovery.Protocol{
		Name:     "http",
		Title:    "HTTP",
		Standard: "RFC 9110 (HTTP semantics), RFC 9112 (HTTP/1.1)",
		Hears: "what web servers say of themselves (Server, X-Powered-By, realms and NTLM names of challenges, titles of pages), the names " +
			"that clients use for them, and what clients say of their programs",
		Keys: []discovery.Key{
			KeyServer, KeyPoweredBy, KeyRealm, KeyTitle, KeyHost, KeyUserAgent,
			KeyNTLMTargetName, KeyNTLMComputerName, KeyNTLMDomain, KeyNTLMDNSComputerName, KeyNTLMDNSDomain, KeyNTLMDNSTree, KeyNTLMVersion,
		},
		Ports:  ports(),
		Claims: claims,
		Decode: func(f discovery.Flow) discovery.Decoder { return &conversation{flow: f} },
		Asker:  asker(),
	}
}

// told remembers what a conversation has told, so that a page that is polled tells it once. When it is full, nothing more is told.
type told struct {
	sums [32]uint64
	many int
}

// isNew reports whether a value was not told under the key, and notes that it is now.
func (d *told) isNew(key discovery.Key, value []byte) bool {
	const offset, prime = 14695981039346656037, 1099511628211 // FNV-1a
	sum := uint64(offset)
	for i := range len(key) {
		sum = (sum ^ uint64(key[i])) * prime
	}
	for _, c := range value {
		sum = (sum ^ uint64(c)) * prime
	}
	for _, have := range d.sums[:d.many] {
		if have == sum {
			return false
		}
	}
	if d.many == len(d.sums) {
		return false
	}
	d.sums[d.many] = sum
	d.many++
	return true
}

// add appends a fact that is new in the conversation.
func (c *conversation) add(facts []discovery.Fact, key discovery.Key, value []byte) []discovery.Fact {
	if len(value) == 0 || !c.told.isNew(key, value) {
		return facts
	}
	if fact := discovery.NewFact(key, string(value)); fact.Value != "" {
		facts = append(facts, fact)
	}
	return facts
}

// tellServer tells what a response says of its sender.
func (c *conversation) tellServer(t time.Time, m *message, out discovery.Sink) {
	facts := c.add(nil, KeyServer, m.fields[fieldServer])
	facts = c.add(facts, KeyPoweredBy, m.fields[fieldPoweredBy])
	for _, challenge := range m.challenges[:m.nChallenges] {
		facts = c.addNTLM(facts, challenge)
		for len(challenge) > 0 {
			var value []byte
			value, challenge = realm(challenge)
			facts = c.add(facts, KeyRealm, value)
		}
	}
	if len(facts) > 0 {
		out.Observe(discovery.Observation{Time: t, Facts: facts})
	}
}

// addNTLM appends what an NTLM challenge names, in one of the two schemes that carry it: "NTLM base64", "Negotiate base64" (RFC
// 4559).
func (c *conversation) addNTLM(facts []discovery.Fact, challenge []byte) []discovery.Fact {
	scheme, token, ok := bytes.Cut(challenge, []byte(" "))
	if !ok || !isName(scheme, "ntlm") && !isName(scheme, "negotiate") {
		return facts
	}
	blob, _ := base64.StdEncoding.AppendDecode(nil, token) // what stands before a damage
	message := ntlm.Find(blob)
	if message == nil {
		return facts
	}
	said, _ := ntlm.Parse(message) // the same
	if said.Type != ntlm.Challenge {
		return facts
	}
	for _, name := range [...]struct {
		key   discovery.Key
		value string
	}{
		{KeyNTLMTargetName, said.TargetName},
		{KeyNTLMComputerName, said.ComputerName},
		{KeyNTLMDomain, said.Domain},
		{KeyNTLMDNSComputerName, said.DNSComputerName},
		{KeyNTLMDNSDomain, said.DNSDomain},
		{KeyNTLMDNSTree, said.DNSTree},
	} {
		facts = c.add(facts, name.key, []byte(name.value))
	}
	if !said.Version.IsZero() {
		facts = c.add(facts, KeyNTLMVersion, []byte(said.Version.String()))
	}
	return facts
}

// tellClient tells what a request says of its sender, and how it calls the server.
func (c *conversation) tellClient(side discovery.Side, t time.Time, m *message, kind kind, out discovery.Sink) {
	if facts := c.add(nil, KeyUserAgent, m.fields[fieldUserAgent]); len(facts) > 0 {
		out.Observe(discovery.Observation{Time: t, Facts: facts})
	}
	if kind != kindPlain && kind != kindHead {
		return // the name of a server behind the proxy
	}
	if name := hostName(m.fields[fieldHost]); len(name) > 0 && c.told.isNew(KeyHost, name) {
		out.Observe(discovery.Observation{
			Time: t, Subject: c.flow.Ends[side.Other()], Teller: c.flow.Ends[side],
			Facts: []discovery.Fact{discovery.NewFact(KeyHost, string(name))},
		})
	}
}

// tellTitle tells the title of a page of the side that speaks.
func (c *conversation) tellTitle(t time.Time, title []byte, out discovery.Sink) {
	if !c.told.isNew(KeyTitle, title) {
		return
	}
	text := discovery.Text(titleText(title))
	if text == "" || isGeneric(text) {
		return
	}
	out.Observe(discovery.Observation{Time: t, Facts: []discovery.Fact{discovery.NewFact(KeyTitle, text)}})
}

// realm takes the first realm off a list of challenges (RFC 9110 section 11.6.1): realm="text" or realm=token. Without one, both
// results are empty.
func realm(challenges []byte) (value, rest []byte) {
	const name = "realm"
	for i := 0; i+len(name) < len(challenges); i++ {
		if !isName(challenges[i:i+len(name)], name) || i > 0 && challenges[i-1] != ' ' && challenges[i-1] != ',' {
			continue
		}
		rest = bytes.TrimLeft(challenges[i+len(name):], " ")
		if len(rest) == 0 || rest[0] != '=' {
			continue
		}
		rest = bytes.TrimLeft(rest[1:], " ")
		if len(rest) == 0 || rest[0] != '"' {
			end := bytes.IndexAny(rest, ", ")
			if end < 0 {
				end = len(rest)
			}
			return rest[:end], rest[end:]
		}
		return quoted(rest[1:])
	}
	return nil, nil
}

// quoted takes a quoted string off b, which begins behind the opening mark (RFC 9110 section 5.6.4). Without a closing mark it
// goes to the end: some devices forget it.
func quoted(b []byte) (value, rest []byte) {
	escaped := false
	for i := 0; i < len(b); i++ {
		switch b[i] {
		case '\\':
			escaped = true
			i++
		case '"':
			return unescape(b[:i], escaped), b[i+1:]
		}
	}
	return unescape(b, escaped), nil
}

func unescape(b []byte, escaped bool) []byte {
	if !escaped {
		return b
	}
	out := make([]byte, 0, len(b))
	for i := 0; i < len(b); i++ {
		if b[i] == '\\' && i+1 < len(b) {
			i++
		}
		out = append(out, b[i])
	}
	return out
}

// hostName is the name in a Host field without the port; nil for an address, the client's own machine, and what is no name.
func hostName(host []byte) []byte {
	if i := bytes.LastIndexByte(host, ':'); i >= 0 {
		host = host[:i]
	}
	host = bytes.TrimSuffix(host, []byte("."))
	if len(host) == 0 || len(host) > 253 || isName(host, "localhost") {
		return nil
	}
	hasLetter := false
	for _, c := range host {
		letter := lower(c) >= 'a' && lower(c) <= 'z'
		if !letter && !isDigit(c) && strings.IndexByte(".-_", c) < 0 {
			return nil
		}
		hasLetter = hasLetter || letter
	}
	if !hasLetter { // an address
		return nil
	}
	return host
}
