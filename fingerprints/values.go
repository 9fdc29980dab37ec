package fingerprints

import (
	"github.com/walkdown-ot/walkdown/discovery"
)

// maxPerKey bounds how many values of one key are looked at, and maxMatched how many bytes of each.
const (
	maxPerKey  = 32
	maxMatched = 2048
)

// values is the facts to look at, by key, in the order said. Sureness is 1 for what was said.
type values map[discovery.Key][]value

type value struct {
	text     string
	lower    string // the text in lower case, for the sieves
	sureness float32
	from     []discovery.Key // what it rests on
}

// gather takes what was said; what was deduced before is left out.
func gather(facts []discovery.Fact) values {
	said := values{}
	for _, f := range facts {
		if f.Value == "" || f.Key.Protocol() == "id" || f.Rule != "" || len(said[f.Key]) >= maxPerKey {
			continue
		}
		text := f.Value
		if len(text) > maxMatched {
			text = text[:maxMatched]
		}
		said[f.Key] = append(said[f.Key], value{text: text, lower: lowerASCII(text), sureness: 1, from: []discovery.Key{f.Key}})
	}
	return said
}

// only gives the values of the keys of one protocol.
func (v values) only(protocol string) values {
	out := values{}
	for key, vs := range v {
		if key.Protocol() == protocol {
			out[key] = vs
		}
	}
	return out
}

// deduced makes the best value of each field a value to match, as long as it is more than a hint.
func deduced(best []discovery.Fact) values {
	out := values{}
	for _, f := range best {
		if len(out[f.Key]) == 0 && f.Confidence > 0.5 {
			out[f.Key] = []value{{text: f.Value, lower: lowerASCII(f.Value), sureness: f.Confidence, from: f.From}}
		}
	}
	return out
}
