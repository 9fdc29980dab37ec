package fingerprints

import (
	"regexp"
	"strings"
	"unicode"

	"github.com/walkdown-ot/walkdown/discovery"
)

// What the first words of a description are worth when they are a vendor's name, and the model behind them. Pages and greetings
// are written for people, and by whoever runs the server; what stands in front of the name may be anything.
const (
	leadingConfidence = 0.88
	leadingModel      = 0.75
	leadingBanner     = 0.8
	leadingBehind     = 0.7 // behind a greeting, or a name of the device's own
	leadingHint       = 0.5
)

// leading reads descriptions and greetings that begin with their maker: "PLANET IGS-10020MT Managed Switch", "Welcome to ASUS
// RT-N13U.B1 FTP service". The model is the word behind the maker, if it looks like one.
func (e *Engine) leading(said values, out *candidates) {
	e.leadingIn(append(expandKey("descr"), "dhcp.vendor-class", "rtsp.server", "pjl.id", "cdp.platform"), leadingConfidence, said, out)
	e.leadingIn(expandKey("banner"), leadingBanner, said, out)
}

func (e *Engine) leadingIn(keys []discovery.Key, confidence float32, said values, out *candidates) {
	for _, key := range keys {
		for _, v := range said[key] {
			words := strings.FieldsFunc(v.text, func(r rune) bool { return unicode.IsSpace(r) || r == ';' || r == '|' })
			if len(words) > 0 && confidence == leadingConfidence && isModelWord(words[0]) && strings.ContainsFunc(words[0], unicode.IsUpper) {
				out.add(candidate{key: discovery.KeyModel, value: strings.Trim(words[0], ",;:()"), confidence: leadingHint, from: v.from, rule: "leading-model", evidence: v.text, free: true})
			}
			if e.leadingVendor(words, confidence, v, out) || confidence == leadingConfidence {
				continue
			}
			if behind := afterGreeting(words); len(behind) < len(words) {
				e.leadingVendor(behind, leadingBehind, v, out)
			}
		}
	}
}

// leadingVendor reads a text that begins with a maker's name.
func (e *Engine) leadingVendor(words []string, confidence float32, v value, out *candidates) bool {
	for n := min(3, len(words)); n > 0; n-- {
		name := strings.Trim(strings.Join(words[:n], " "), ",;:-()\"'[]")
		if len(name) < 4 && !e.words.canonical[name] || isCommonWord(name) {
			continue // short names count only in their own spelling: IBM, ABB, Oce
		}
		vendor, ok := e.words.spelling[fold(name)]
		if !ok {
			continue
		}
		out.add(candidate{key: discovery.KeyVendor, value: vendor, confidence: confidence, from: v.from, rule: "leading-vendor", evidence: v.text})
		if rest := words[n:]; len(rest) > 0 && isModelWord(rest[0]) {
			model := strings.Trim(rest[0], ",;:()")
			out.add(candidate{key: discovery.KeyModel, value: model, confidence: min(leadingModel, confidence), from: v.from, rule: "leading-model", evidence: v.text, free: true})
		}
		return true
	}
	return false
}

// maxGreeting is how many words of a greeting are passed over.
const maxGreeting = 4

// afterGreeting gives the words behind a greeting ("Welcome to the ...", "Login -") or behind one word with digits, which is the
// name that the device was given in the factory: "ET0021B7128822 Lexmark T654 FTP Server".
func afterGreeting(words []string) []string {
	for i := 0; i < len(words) && i < maxGreeting; i++ {
		switch strings.ToLower(strings.Trim(words[i], ",;:-()!\"'*.")) {
		case "welcome", "to", "the", "login", "log", "in", "on", "at", "user", "access", "service", "server", "ftp", "telnet", "hello", "connected", "this", "is", "":
			continue
		}
		if i == 0 && len(words[0]) >= 6 && strings.ContainsFunc(words[0], unicode.IsDigit) && strings.ContainsFunc(words[0], unicode.IsLetter) {
			return words[1:]
		}
		return words[i:]
	}
	return words
}

// isModelWord reports whether a word looks like a model: a letter and a digit, no version.
func isModelWord(word string) bool {
	letters := strings.ContainsFunc(word, unicode.IsLetter)
	digits := strings.ContainsFunc(word, unicode.IsDigit)
	return letters && digits && len(word) >= 3 && !versionV.MatchString(word) && !quantity.MatchString(word) && !strings.ContainsAny(word, "=@{}<>")
}

// quantity is how many of something a device has, and no model: "8-Port", "10/100Mbps", "100BASE-TX".
var quantity = regexp.MustCompile(`(?i)^[(\[]?\d+(?:[./]\d+)*[-_x]?(?:ports?|channels?|ways?|slots?|bits?|cores?|lines?|outlets?|[gmk]bps|[gmk]b(?:it|e)?|base[-a-z0-9]*|kva|kw|va|volts?|v|hz|mhz|ghz|a)[,;:)\]]?$`)

// isCommonWord reports whether a vendor's name is a word that descriptions begin with for other reasons.
func isCommonWord(name string) bool {
	switch fold(name) {
	case "intel", "linux", "microsoft", "apple", "alpha", "symbol", "keyper", "shelly", "troy", "tivo", "sony", "tomato", "niagara", "matrix", "delta",
		"parker", "poly", "source", "harting", "freebsd", "vmware", "google", "motorola", "test", "private", "marathon", "sun", "default", "compact":
		return true
	}
	return false
}
