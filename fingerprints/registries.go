package fingerprints

import (
	"strconv"
	"strings"
	"unicode"

	"github.com/walkdown-ot/walkdown/discovery"
)

// What a registry alone is worth. The prefix of a MAC names the maker of the network chip and nobody else; an enterprise
// number names the author of the agent, who usually made the device; that of an SNMPv3 engine more often the agent's kit.
const (
	ouiConfidence        = 0.95
	enterpriseConfidence = 0.8
	engineConfidence     = 0.7
)

// registries adds what the tables say of the facts.
func (e *Engine) registries(said values, out *candidates) {
	for _, v := range said[discovery.KeyMAC] {
		mac, err := discovery.ParseMAC(v.text)
		if err != nil {
			continue
		}
		if maker, ok := e.MACVendor(mac); ok {
			out.add(candidate{key: discovery.KeyMACVendor, value: maker, confidence: ouiConfidence, from: v.from, rule: "table-oui", evidence: v.text})
		}
	}
	for _, said := range enterpriseNumbers(said) {
		if isAgentKit(said.number) {
			continue
		}
		if maker, ok := e.Enterprise(said.number); ok {
			out.add(candidate{
				key: discovery.KeyVendor, value: maker, confidence: said.confidence, from: said.by.from,
				rule: "table-enterprise", evidence: said.by.text,
			})
		}
	}
}

// enterpriseNumbers are those that a device shows: in its object identifier, and in the id of its SNMPv3 engine.
func enterpriseNumbers(said values) []enterpriseSaid {
	var out []enterpriseSaid
	for _, v := range said["snmp.sysObjectID"] {
		if number, ok := enterpriseOf(v.text); ok {
			out = append(out, enterpriseSaid{number, v, enterpriseConfidence})
		}
	}
	for _, v := range said["snmp.engineEnterprise"] {
		if number, err := strconv.ParseUint(v.text, 10, 32); err == nil {
			out = append(out, enterpriseSaid{uint32(number), v, engineConfidence})
		}
	}
	return out
}

type enterpriseSaid struct {
	number     uint32
	by         value
	confidence float32
}

// enterpriseOf is the enterprise number of an object identifier under 1.3.6.1.4.1.
func enterpriseOf(oid string) (uint32, bool) {
	rest, ok := strings.CutPrefix(strings.TrimPrefix(oid, "."), "1.3.6.1.4.1.")
	if !ok {
		return 0, false
	}
	digits, _, _ := strings.Cut(rest, ".")
	number, err := strconv.ParseUint(digits, 10, 32)
	return uint32(number), err == nil
}

// isAgentKit reports whether a number belongs to those who make agents, chips or cards for others, so that it says nothing of
// the device: the University of California at Davis, Net-SNMP, Microsoft, Broadcom (FASTPATH), Wind River, SNMP Research,
// Realtek, and Phoenixtec, whose cards sit in the supplies of many brands.
func isAgentKit(number uint32) bool {
	switch number {
	case 0, 2021, 8072, 311, 4413, 731, 99, 27282, 935:
		return true
	}
	return false
}

// What the first words of a description are worth when they are a vendor's name, and the model behind them.
const (
	leadingConfidence = 0.88
	leadingModel      = 0.75
)

// leading reads descriptions that begin with their maker: "PLANET IGS-10020MT Managed Switch". The model is taken when it is
// all that follows, or the word behind the maker that holds a digit.
func (e *Engine) leading(said values, out *candidates) {
	for _, key := range expandKey("descr") {
		for _, v := range said[key] {
			words := strings.Fields(v.text)
			for n := min(3, len(words)); n > 0; n-- {
				name := strings.Trim(strings.Join(words[:n], " "), ",;:-()\"'")
				if len(name) < 4 && !e.words.canonical[name] || isCommonWord(name) {
					continue // short names count only in their own spelling: IBM, ABB, Oce
				}
				vendor, ok := e.words.spelling[fold(name)]
				if !ok {
					continue
				}
				from := v.from
				out.add(candidate{key: discovery.KeyVendor, value: vendor, confidence: leadingConfidence, from: from, rule: "leading-vendor", evidence: v.text})
				if rest := words[n:]; len(rest) > 0 && isModelWord(rest[0]) {
					model := strings.Trim(rest[0], ",;:()")
					out.add(candidate{key: discovery.KeyModel, value: model, confidence: leadingModel, from: from, rule: "leading-model", evidence: v.text, free: true})
				}
				break
			}
		}
	}
}

// isModelWord reports whether a word looks like a model: a letter and a digit, no version.
func isModelWord(word string) bool {
	letters := strings.ContainsFunc(word, unicode.IsLetter)
	digits := strings.ContainsFunc(word, unicode.IsDigit)
	return letters && digits && len(word) >= 3 && !versionV.MatchString(word) && !strings.ContainsAny(word, "=@{}<>")
}

// isCommonWord reports whether a vendor's name is a word that descriptions begin with for other reasons.
func isCommonWord(name string) bool {
	switch fold(name) {
	case "intel", "linux", "microsoft", "apple", "alpha", "symbol", "keyper", "shelly", "troy", "tivo", "sony", "tomato", "niagara", "matrix", "delta",
		"parker", "poly", "source", "harting", "freebsd", "vmware", "google", "motorola", "test", "private", "marathon", "sun", "default", "compact":
		return true
	}
	return false
}
