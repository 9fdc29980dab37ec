package sqlite

import (
	"encoding/json"
	"fmt"
	"math"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/inventory"
)

// timeForm is RFC 3339 of fixed length, so that text sorts like time.
const timeForm = "2006-01-02T15:04:05.000000000Z"

func timeText(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(timeForm)
}

func parseTime(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	t, err := time.Parse(timeForm, text)
	if err != nil {
		return time.Time{}, fmt.Errorf("%w: the time %q", ErrDamaged, text)
	}
	return t.UTC(), nil
}

// parseTimes parses the two times of a span.
func parseTimes(first string, into *time.Time, last string, intoLast *time.Time) error {
	var err error
	if *into, err = parseTime(first); err != nil {
		return err
	}
	*intoLast, err = parseTime(last)
	return err
}

// The whole seconds that 64 bits of nanoseconds hold lie between 1678 and 2262.
const (
	earliest = math.MinInt64 / int64(time.Second)
	latest   = math.MaxInt64/int64(time.Second) - 1
)

// nanos is a time in nanoseconds since 1970. What lies outside of the times that they can tell, as a damaged capture may, is moved to
// the nearest.
func nanos(t time.Time) int64 {
	seconds := min(max(t.Unix(), earliest), latest)
	return seconds*int64(time.Second) + int64(t.Nanosecond())
}

func timeOf(nanos int64) time.Time { return time.Unix(0, nanos).UTC() }

// open is behind every time: the end of a part that is not cut.
const open = "~"

// ipText is the IP, or empty text.
func ipText(ip netip.Addr) string {
	if !ip.IsValid() {
		return ""
	}
	return ip.String()
}

// subjectOf reads the columns of a subject.
func subjectOf(site, segment, mac, ip string, vlan uint16, path string) (discovery.Subject, error) {
	s := discovery.Subject{Site: site, Segment: segment, VLAN: vlan, Path: path}
	if err := s.MAC.UnmarshalText([]byte(mac)); err != nil {
		return s, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	if ip != "" {
		addr, err := netip.ParseAddr(ip)
		if err != nil {
			return s, fmt.Errorf("%w: %w", ErrDamaged, err)
		}
		s.IP = addr
	}
	return s, nil
}

// placeOf sorts addresses as numbers: IPv4, IPv6, then MACs without an IP.
func placeOf(ip, mac string) []byte {
	if addr, err := netip.ParseAddr(ip); err == nil {
		kind := byte(4)
		if addr.Is6() {
			kind = 6
		}
		return append([]byte{kind}, addr.AsSlice()...)
	}
	if m, err := discovery.ParseMAC(mac); err == nil {
		return append([]byte{7}, m[:]...)
	}
	return []byte{8}
}

func bit(b bool) int {
	if b {
		return 1
	}
	return 0
}

// jsonText encodes what cannot fail: plain structs, lists and maps.
func jsonText(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// numbersText is a JSON list.
func numbersText(numbers []int64) string {
	text := make([]byte, 0, 2+12*len(numbers))
	for _, n := range numbers {
		text = append(text, ',')
		text = strconv.AppendInt(text, n, 10)
	}
	if len(numbers) == 0 {
		return "[]"
	}
	text[0] = '['
	return string(append(text, ']'))
}

func parseMode(text string) discovery.Mode {
	for _, m := range []discovery.Mode{discovery.Heard, discovery.Asked, discovery.Deduced, discovery.Person} {
		if m.String() == text {
			return m
		}
	}
	return 0
}

// surveyID is "s-" and the number.
func surveyID(number int64) string { return "s-" + strconv.FormatInt(number, 10) }

func surveyNumber(id string) (int64, error) {
	text, ok := strings.CutPrefix(id, "s-")
	number, err := strconv.ParseInt(text, 10, 64)
	if !ok || err != nil {
		return 0, fmt.Errorf("survey %q: %w", id, ErrNotFound)
	}
	return number, nil
}

func keysText(keys []discovery.Key) string {
	if len(keys) == 0 {
		return "[]"
	}
	return jsonText(keys)
}

func parseKeys(text string) ([]discovery.Key, error) {
	if text == "[]" {
		return nil, nil
	}
	var keys []discovery.Key
	if err := json.Unmarshal([]byte(text), &keys); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return keys, nil
}

// isExternal reports whether an IP is one of the internet.
func isExternal(ip string) bool {
	addr, err := netip.ParseAddr(ip)
	return err == nil && inventory.IsPublic(addr)
}
