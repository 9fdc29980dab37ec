package fingerprints

import (
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strings"
	"sync"
	"unicode"

	"github.com/walkdown-ot/walkdown/discovery"
)

// OrderNumber is what an order or catalogue number says of the thing that bears it. Empty fields are not known.
type OrderNumber struct {
	Number string // as the maker prints it
	Vendor string
	Family string
	Model  string
	Type   string
}

// orderFound is an order number that was read, and whether its family is that of its beginning alone.
type orderFound struct {
	OrderNumber
	coarse bool
}

// orderRow is a row of rules/order-numbers.txt, which explains the fields.
type orderRow struct {
	vendor                      string
	bound                       bool // only on a device that is known to be that maker's
	pattern                     func() *regexp.Regexp
	sieve                       sieve
	number, family, model, kind string
	at                          textLine
}

// readOrderNumbers reads rules/order-numbers.txt.
func readOrderNumbers(tree fs.FS, words *vocabulary) ([]orderRow, error) {
	lines, err := readLines(tree, "rules/order-numbers.txt")
	if err != nil {
		return nil, err
	}
	var rows []orderRow
	for _, line := range lines {
		cells := line.cells()
		if len(cells) != 6 {
			return nil, line.mistake("%q: want 6 cells divided by ' | '", line.text)
		}
		row := orderRow{number: cells[2], family: cells[3], model: cells[4], kind: cells[5], at: line}
		row.vendor, row.bound = strings.CutSuffix(cells[0], " ?")
		whole := "^(?:" + cells[1] + ")$"
		parsed, err := parsePattern(whole)
		if err != nil {
			return nil, line.mistake("%w", err)
		}
		row.sieve = newSieve(parsed)
		row.pattern = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(whole) })
		if !words.canonical[row.vendor] {
			return nil, line.mistake("vendor %q is not in the vocabulary", row.vendor)
		}
		if row.kind != "" && !words.types[row.kind] {
			return nil, line.mistake("type %q is not in the vocabulary", row.kind)
		}
		for _, template := range cells[2:5] {
			for _, name := range templateNames(template) {
				if !slices.Contains(parsed.CapNames(), name) {
					return nil, line.mistake("%q uses a capture that the pattern does not have", template)
				}
			}
		}
		rows = append(rows, row)
	}
	return rows, nil
}

// mlfb is the form of Siemens order numbers (Maschinenlesbare Fabrikatebezeichnung): four and three characters, five, four, and
// -Z with the codes of options behind. Devices leave out blanks and dashes as they please; some products have no third group.
var mlfb = regexp.MustCompile(`^([1-9][A-Z][A-Z0-9][0-9])[ -]?([0-9][A-Z0-9]{2})-?([0-9][A-Z0-9]{4})(?:-?([0-9][A-Z0-9]{3}))?(?:-?(Z)(?:[ -]?([A-Z][0-9]{2}(?:[+ ]?[A-Z][0-9]{2})*))?)?$`)

// NormaliseMLFB brings a Siemens order number to the form that the maker prints: "6ES7 516-3AN01-0AB0", options as "-Z A01+B02".
func NormaliseMLFB(text string) (string, bool) {
	text = strings.ToUpper(strings.Join(strings.Fields(text), " "))
	g := mlfb.FindStringSubmatch(text)
	if g == nil {
		if g = mlfb.FindStringSubmatch(strings.ReplaceAll(text, " ", "")); g == nil {
			return "", false
		}
	}
	out := fmt.Sprintf("%s %s-%s", g[1], g[2], g[3])
	if g[4] != "" {
		out += "-" + g[4]
	}
	if g[5] != "" {
		out += "-Z"
	}
	if g[6] != "" {
		codes := strings.FieldsFunc(g[6], func(r rune) bool { return r == '+' || r == ' ' })
		out += " " + strings.Join(codes, "+")
	}
	return out, true
}

// maxOrderWords is how many words of a text are looked at for an order number.
const maxOrderWords = 6

// OrderNumber reads an order or catalogue number at the beginning of a text: alone, behind its maker's name, or with more words
// behind it. Vendor is whose device it is, where that is known; empty otherwise.
func (e *Engine) OrderNumber(text, vendor string) (OrderNumber, bool) {
	found, ok := e.findOrder(text, vendor)
	return found.OrderNumber, ok
}

func (e *Engine) findOrder(text, vendor string) (orderFound, bool) {
	words := strings.Fields(text)
	for n := min(3, len(words)-1); n > 0; n-- { // the maker's name in front
		if name := e.words.spelling[fold(strings.Join(words[:n], " "))]; name != "" {
			if vendor == "" {
				vendor = name
			}
			words = words[n:]
			break
		}
	}
	if len(words) > maxOrderWords {
		words = words[:maxOrderWords]
	}
	for n := len(words); n > 0; n-- {
		if n > 1 && isPlainWord(words[n-1]) {
			continue // "1769-L35E Ethernet Port": the number has ended
		}
		number := strings.ToUpper(strings.Trim(strings.Join(words[:n], ""), ",;:()"))
		printed, isSiemens := NormaliseMLFB(strings.Join(words[:n], " "))
		if isSiemens {
			number = printed
			if e.tables.SiemensOrders.Owns(number) {
				return e.siemensOrder(orderFound{OrderNumber: OrderNumber{Number: number}})
			}
		}
		lower := lowerASCII(number)
		for _, row := range e.orders {
			if row.bound && row.vendor != vendor || !row.sieve.passes(lower) {
				continue
			}
			if read, ok := row.read(number); ok {
				got := orderFound{OrderNumber: read}
				if isSiemens && got.Vendor == siemens {
					got, _ = e.siemensOrder(got)
				}
				return got, true
			}
		}
		if isSiemens && (vendor == "" || vendor == siemens) {
			if got, ok := e.siemensOrder(orderFound{OrderNumber: OrderNumber{Number: number}}); ok {
				return got, true
			}
		}
	}
	return orderFound{}, false
}

// isPlainWord reports whether a word is one of a sentence: four letters and more, and no digit.
func isPlainWord(word string) bool {
	word = strings.Trim(word, ",;:()")
	return len(word) >= 4 && !strings.ContainsFunc(word, func(r rune) bool { return !unicode.IsLetter(r) })
}

const siemens = "Siemens"

// siplus is the order number of a hardened product, which is that of the standard one with other characters in front.
var siplus = regexp.MustCompile(`^6AG[12] (?:(\d{3}-1[A-Z]X\d\d|[345]4[23]-\w{5})|(12[348]-\w{5})|(05[25]-\w{5})|(\w{3}-\w{5}))`)

// siemensOrder fills what is not known of an order number of Siemens with what its beginning tells.
func (e *Engine) siemensOrder(o orderFound) (orderFound, bool) {
	number := o.Number
	if groups := siplus.FindStringSubmatch(number); groups != nil {
		for i, series := range []string{"6GK7 ", "6AV2 ", "6ED1 ", "6ES7 "} {
			if groups[i+1] != "" {
				number = series + groups[i+1]
			}
		}
	}
	kind, ok := e.tables.SiemensOrders.Prefix(number)
	if !ok {
		return o, false
	}
	o.Vendor = siemens
	if o.Family == "" {
		o.Family, o.coarse = kind.Name, true
	}
	if o.Type == "" {
		o.Type = kind.Type
	}
	return o, true
}

func (r orderRow) read(number string) (OrderNumber, bool) {
	re := r.pattern()
	groups := re.FindStringSubmatch(number)
	if groups == nil {
		return OrderNumber{}, false
	}
	captured := map[string]string{}
	for i, name := range re.SubexpNames() {
		if name != "" {
			captured[name] = groups[i]
		}
	}
	out := OrderNumber{Number: number, Vendor: r.vendor, Family: fill(r.family, captured), Model: fill(r.model, captured), Type: r.kind}
	switch r.number {
	case "":
	case "-":
		out.Number = "" // a type designation, beside which the maker has order numbers
	default:
		out.Number = fill(r.number, captured)
	}
	return out, true
}

// What an order number is worth. It is given out with care, and what it stands for is printed in catalogues; but a text that
// looks like one may be another thing's, so an answer that was itself doubtful gives a doubtful one.
const (
	orderRule       = "table-order-numbers"
	orderConfidence = 0.94 // maker, type, number
	orderModel      = 0.92
	orderFamily     = 0.88 // where a family begins and what it is called, makers see differently from year to year
	orderCoarse     = 0.8  // the family that the beginning of a number tells
)

// orderNumbers adds what the order numbers and models that were found so far say.
func (e *Engine) orderNumbers(out *candidates) {
	vendor := ""
	for _, c := range out.all {
		if c.key == discovery.KeyVendor && c.spelt && c.confidence >= 0.8 && out.silenced[c.rule] == "" {
			vendor = c.value
			break
		}
	}
	for _, c := range slices.Clone(out.all) {
		if c.key != discovery.KeyOrderNumber && c.key != discovery.KeyModel || !c.free || out.silenced[c.rule] != "" {
			continue
		}
		number, ok := e.findOrder(c.value, vendor)
		if !ok {
			continue
		}
		sureness := float32(1)
		if c.confidence < orderTrusted {
			sureness = c.confidence + 0.1
		}
		family := float32(orderFamily)
		if number.coarse {
			family = orderCoarse
		}
		for _, found := range []struct {
			key        discovery.Key
			value      string
			confidence float32
		}{
			{discovery.KeyVendor, number.Vendor, orderConfidence},
			{discovery.KeyType, number.Type, orderConfidence},
			{discovery.KeyOrderNumber, number.Number, orderConfidence},
			{discovery.KeyFamily, number.Family, family},
			{discovery.KeyModel, number.Model, orderModel},
		} {
			if found.value != "" {
				out.add(candidate{
					key: found.key, value: found.value, confidence: found.confidence * sureness, from: c.from, rule: orderRule, evidence: c.value,
				})
			}
		}
	}
}

// The texts that a catalogue number may stand at the beginning of, and what it is worth there: pages and greetings are about the
// device in whose memory they lie.
const orderPage = 0.85

// orderPages adds what the catalogue numbers at the beginning of descriptions, pages and greetings say.
func (e *Engine) orderPages(said values, out *candidates) {
	for _, key := range append(expandKey("descr"), expandKey("banner")...) {
		for _, v := range said[key] {
			text := strings.TrimLeft(v.text, "([\"' ")
			if number, ok := e.OrderNumber(text, ""); ok {
				for _, found := range []struct {
					key   discovery.Key
					value string
				}{
					{discovery.KeyVendor, number.Vendor},
					{discovery.KeyType, number.Type},
					{discovery.KeyOrderNumber, number.Number},
					{discovery.KeyFamily, number.Family},
					{discovery.KeyModel, number.Model},
				} {
					if found.value != "" {
						out.add(candidate{key: found.key, value: found.value, confidence: orderPage, from: v.from, rule: orderRule, evidence: v.text})
					}
				}
			}
		}
	}
}

// orderTrusted is how sure an answer must be for what its order number says to count in full.
const orderTrusted = 0.8
