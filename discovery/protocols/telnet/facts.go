package telnet

import (
	"bytes"
	"strings"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
)

// KeyBanner is the text that a server shows, with the prompt that ends it: "EDR-G902 login:". Lines are joined by blanks.
const KeyBanner discovery.Key = "telnet.banner"

// Protocol is Telnet, heard only.
func Protocol() discovery.Protocol {
	return discovery.Protocol{
		Name:     "telnet",
		Title:    "Telnet",
		Standard: "RFC 854, RFC 855",
		Hears:    "what servers show before anybody logs in",
		Keys:     []discovery.Key{KeyBanner},
		Ports:    []discovery.Port{{Transport: discovery.TCP, Number: 23}},
		Claims:   claims,
		Decode:   func(f discovery.Flow) discovery.Decoder { return &conversation{server: f.Ends[discovery.Server]} },
	}
}

// tell tells a banner of the server, which need not be the side that spoke last. A prompt alone says nothing.
func tell(server discovery.Subject, t time.Time, text []byte, out discovery.Sink) {
	fact := discovery.NewFact(KeyBanner, string(text))
	if words := strings.Trim(fact.Value, " :>?"); words == "" || isPromptWord(words) {
		return
	}
	out.Observe(discovery.Observation{Time: t, Subject: server, Facts: []discovery.Fact{fact}})
}

// The words that a prompt for a name ends with, in lower case, in the languages that were met; and those for a password.
var (
	nameWords     = [...]string{"login", "login as", "username", "user name", "user id", "userid", "user", "account", "benutzer", "benutzername", "utilisateur", "usuario"}
	passwordWords = [...]string{"password", "passwd", "passcode", "pass", "kennwort", "passwort", "mot de passe", "contraseña"}
)

func isPromptWord(words string) bool {
	words = strings.ToLower(words)
	for _, w := range nameWords {
		if words == w {
			return true
		}
	}
	for _, w := range passwordWords {
		if words == w {
			return true
		}
	}
	return false
}

// endsWithPrompt reports whether the text, which ends with a mark like ":", asks for a name or a password.
func endsWithPrompt(text []byte) bool {
	return endsWithNamePrompt(text) || endsWithWord(text, passwordWords[:])
}

// endsWithNamePrompt is the same for a name alone. "Last login:" is shown to those who are in.
func endsWithNamePrompt(text []byte) bool {
	return endsWithWord(text, nameWords[:]) && !endsWithWord(text, []string{"last login"})
}

// endsWithWord compares without case what stands before the last byte.
func endsWithWord(text []byte, words []string) bool {
	const longest = 32
	text = bytes.ToLower(bytes.TrimRight(text[max(0, len(text)-longest):len(text)-1], " "))
	for _, w := range words {
		before, ok := bytes.CutSuffix(text, []byte(w))
		if ok && (len(before) == 0 || !isLetter(before[len(before)-1])) {
			return true
		}
	}
	return false
}

func isLetter(c byte) bool { return c >= 'a' && c <= 'z' || c >= 0x80 }
