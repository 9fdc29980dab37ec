package fingerprints

import (
	"strings"
	"testing"

	"github.com/walkdown-ot/walkdown/discovery"
)

// TestUnknownDevices takes the facts of real devices and makes them those of devices that nobody knows: in another alphabet, in
// letters moved along, reversed, drowned in garbage. Nothing may be claimed beyond a hint, except what the tables of numbers say, so
// facts that are numbers of a registry are left out.
func TestUnknownDevices(t *testing.T) {
	engine := mustDefault(t)
	devices := corpusFacts(t)
	for name, change := range map[string]func(string) string{
		"rot13":    rot13,
		"greek":    greek,
		"reversed": reversed,
		"vowels_out": func(s string) string {
			return strings.NewReplacer("a", "", "e", "", "i", "x", "o", "", "u", "z", "A", "", "E", "Q", "I", "", "O", "X", "U", "").Replace(rot13(s))
		},
		"empty":   func(string) string { return "" },
		"garbage": func(s string) string { return strings.Repeat("\x00\xff%&/()=?zq", 6000) + rot13(s) },
		"drowned": func(s string) string { return rot13(s) + strings.Repeat(" qzx", 16000) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			claims := 0
			for _, device := range devices {
				var facts []discovery.Fact
				for _, f := range device {
					if !isRegistryKey(f.Key) {
						facts = append(facts, discovery.NewFact(f.Key, change(f.Value)))
					}
				}
				for _, f := range engine.Identify(facts) {
					if f.Confidence > 0.5 && f.Key != discovery.KeyName {
						claims++
						t.Errorf("%s %q (%.2f by %s) from %v of %v", f.Key, f.Value, f.Confidence, f.Rule, f.From, saidUnder(facts, f.From))
					}
				}
			}
		})
	}
}

// isRegistryKey reports whether the key, or the number that stands under it, says something whatever the words are.
func isRegistryKey(key discovery.Key) bool {
	switch key {
	case "snmp.sysObjectID", "cdp.system-object-id", "http.favicon-md5":
		return true
	}
	for _, prefix := range []string{"pjl.", "snmp.prt", "snmp.upsIdent"} {
		if strings.HasPrefix(string(key), prefix) {
			return true // only printers, only supplies have it
		}
	}
	return strings.HasPrefix(string(key), "snmp.1.") || strings.HasSuffix(string(key), "-id") || strings.HasSuffix(string(key), "device-type") ||
		strings.HasSuffix(string(key), "product-code") && key.Protocol() == "enip"
}

func saidUnder(facts []discovery.Fact, keys []discovery.Key) []string {
	var out []string
	for _, f := range facts {
		for _, key := range keys {
			if f.Key == key {
				out = append(out, cutText(f.Value, 120))
			}
		}
	}
	return out
}

func cutText(text string, n int) string {
	if len(text) > n {
		return text[:n] + "..."
	}
	return text
}

func rot13(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z':
			return 'a' + (r-'a'+13)%26
		case r >= 'A' && r <= 'Z':
			return 'A' + (r-'A'+13)%26
		}
		return r
	}, text)
}

// greek writes the letters in Greek, so that no word stays and lengths and digits do.
func greek(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z':
			return 'α' + (r-'a')%16
		case r >= 'A' && r <= 'Z':
			return 'Α' + (r-'A')%16
		}
		return r
	}, text)
}

func reversed(text string) string {
	runes := []rune(text)
	for i, j := 0, len(runes)-1; i < j; i, j = i+1, j-1 {
		runes[i], runes[j] = runes[j], runes[i]
	}
	return string(runes)
}
