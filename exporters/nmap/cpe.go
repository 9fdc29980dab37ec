package nmap

import (
	"fmt"
	"strings"
)

// uri writes the formatted string of a CPE 2.3 as the URI of CPE 2.2 (NISTIR 7695 section 6.1), which is what nmap prints. It is empty
// for what is none. The edition and what comes behind it is left out where it says nothing.
func uri(name string) string {
	rest, ok := strings.CutPrefix(name, "cpe:2.3:")
	if !ok {
		return ""
	}
	fields := split(rest)
	const all = 11
	if len(fields) != all {
		return ""
	}
	out := make([]string, 0, 7)
	for i, field := range fields[:7] { // part, vendor, product, version, update, edition, language
		if field == "*" {
			field = ""
		} else if field != "-" {
			field = encoded(field)
		}
		if i == 0 && field != "a" && field != "h" && field != "o" {
			return ""
		}
		out = append(out, field)
	}
	return "cpe:/" + strings.TrimRight(strings.Join(out, ":"), ":")
}

// split cuts at colons that are not escaped.
func split(text string) []string {
	var fields []string
	start := 0
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case ':':
			fields = append(fields, text[start:i])
			start = i + 1
		}
	}
	return append(fields, text[start:])
}

// encoded writes escaped characters as %xx, apart from those that need no escape in a URI.
func encoded(field string) string {
	var out strings.Builder
	for i := 0; i < len(field); i++ {
		c := field[i]
		switch {
		case c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_':
			out.WriteByte(c)
		case c == '\\' && i+1 < len(field):
			i++
			if c = field[i]; c == '-' || c == '.' {
				out.WriteByte(c)
			} else {
				fmt.Fprintf(&out, "%%%02x", c)
			}
		case c == '-' || c == '.':
			out.WriteByte(c)
		case c == '?':
			out.WriteString("%01")
		case c == '*':
			out.WriteString("%02")
		default:
			fmt.Fprintf(&out, "%%%02x", c)
		}
	}
	return out.String()
}
