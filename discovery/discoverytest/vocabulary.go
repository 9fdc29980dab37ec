package discoverytest

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/walkdown-ot/walkdown/discovery"
)

// knows reports whether the protocol may tell the key. In a listed key an arc "*" between dots stands for any number, since objects
// of vendors' MIBs have rows, and a "**" at its end for all that may follow.
func knows(p discovery.Protocol, key discovery.Key) bool {
	if slices.Contains(discovery.SharedKeys(), key) || slices.Contains(p.Retells, key) {
		return true
	}
	return slices.ContainsFunc(p.Keys, func(listed discovery.Key) bool {
		if listed == key || !strings.Contains(string(listed), "*") {
			return listed == key
		}
		if beginning, ok := strings.CutSuffix(string(listed), "**"); ok {
			return strings.HasPrefix(string(key), beginning)
		}
		want, got := strings.Split(string(listed), "."), strings.Split(string(key), ".")
		return slices.EqualFunc(want, got, func(w, g string) bool { return w == "*" || w == g })
	})
}

func checkVocabulary(p discovery.Protocol) error {
	var sins []error
	sin := func(format string, args ...any) { sins = append(sins, fmt.Errorf(format, args...)) }
	if !regexp.MustCompile(`^[a-z][a-z0-9]*$`).MatchString(p.Name) {
		sin("the name %q is not one lower-case word", p.Name)
	}
	for what, text := range map[string]string{"title": p.Title, "standard": p.Standard, "sentence of what is heard": p.Hears} {
		if text == "" {
			sin("no %s", what)
		}
	}
	seen := map[discovery.Key]bool{}
	for _, key := range p.Keys {
		if key.Protocol() != p.Name {
			sin("key %q does not begin with %q", key, p.Name+".")
		}
		if seen[key] {
			sin("key %q is listed twice", key)
		}
		seen[key] = true
	}
	if p.Decode != nil && len(p.Ports) == 0 && p.Claims == nil {
		sin("it can be heard, but has neither a port nor Claims")
	}
	if p.Claims != nil {
		for _, first := range [][]byte{nil, {0}, {0xff}, make([]byte, 4096)} {
			p.Claims(first)
		}
	}
	return errors.Join(sins...)
}

func checkAsker(p discovery.Protocol, a *discovery.Asker) error {
	var sins []error
	sin := func(format string, args ...any) { sins = append(sins, fmt.Errorf(format, args...)) }
	if a.Ask == nil {
		sin("no Ask")
	}
	if a.Transport != discovery.EtherType && a.Transport != discovery.UDP && a.Transport != discovery.TCP || a.Port == 0 {
		sin("transport %s, port %d", a.Transport, a.Port)
	}
	if a.Transport == discovery.TCP && a.Message == nil {
		sin("a stream needs Message")
	}
	for _, r := range a.Requests {
		if r.Transport != 0 && (a.Transport == discovery.EtherType || r.Transport != discovery.UDP && r.Transport != discovery.TCP) {
			sin("request %s over %s of an asker over %s", r.Name, r.Transport, a.Transport)
		}
		if a.TransportOf(r) == discovery.TCP && a.Message == nil {
			sin("request %s: a stream needs Message", r.Name)
		}
	}
	if a.Message != nil {
		for n := range 32 {
			if got, err := a.Message(make([]byte, n)); err == nil && (got < 0 || got > n) {
				sin("Message gives %d for %d zero bytes", got, n)
			}
		}
	}
	if len(a.Requests) == 0 {
		sin("no requests")
	}
	names := map[string]bool{}
	questions := 0
	for _, r := range a.Requests {
		if !regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`).MatchString(r.Name) || names[r.Name] {
			sin("request name %q is not kebab-case or not unique", r.Name)
		}
		names[r.Name] = true
		if r.Template.IsZero() {
			sin("request %s: no template", r.Name)
		}
		if r.Max < 1 {
			sin("request %s: Max %d", r.Name, r.Max)
		}
		if err := checkSafety(r); err != nil {
			sin("request %s: %w", r.Name, err)
		}
		if r.Effect == "" {
			sin("request %s: no effect", r.Name)
		}
		if !r.Setup {
			questions++
			if len(r.Yields) == 0 {
				sin("request %s: a question that yields nothing", r.Name)
			}
		}
		for _, key := range r.Yields {
			if !knows(p, key) {
				sin("request %s yields the unknown key %q", r.Name, key)
			}
		}
	}
	if questions == 0 {
		sin("no request is a question")
	}
	return errors.Join(sins...)
}

// checkSafety finds a request that could be sent to no device, and classes that say nothing.
func checkSafety(r discovery.Request) error {
	best := discovery.SafetyD
	for _, class := range discovery.Classes() {
		safety := r.SafetyFor(class)
		if safety == discovery.SafetyA0 || safety > discovery.SafetyD {
			return fmt.Errorf("safety %d cannot be sent to the class %s", safety, class)
		}
		best = min(best, safety)
	}
	if best == discovery.SafetyD {
		return errors.New("it is never sent to any class of device")
	}
	for class, safety := range r.ByClass {
		if !class.IsValid() || safety == r.Safety {
			return fmt.Errorf("the class %s stands apart for nothing", class)
		}
	}
	return nil
}
