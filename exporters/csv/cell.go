package csv

import (
	"strconv"
	"strings"

	"github.com/walkdown-ot/walkdown/discovery"
)

// Cell makes a text harmless in a spreadsheet: what would be taken for a formula gets an apostrophe in front (OWASP, "CSV
// injection"), and control and bidirectional marks are removed. Where the list separator is a semicolon, a spreadsheet that opens
// the file without asking splits cells there too, so what follows one is looked at as well. Plain undoes it.
func Cell(value string) string {
	value = discovery.Text(value)
	if !strings.ContainsAny(value, suspects) {
		return value
	}
	parts := strings.Split(value, ";")
	for i, part := range parts {
		if needsGuard(part) {
			parts[i] = "'" + part
		}
	}
	return strings.Join(parts, ";")
}

// Plain is the text that Cell made harmless.
func Plain(cell string) string {
	parts := strings.Split(cell, ";")
	for i, part := range parts {
		if rest, ok := strings.CutPrefix(part, "'"); ok && needsGuard(rest) {
			parts[i] = rest
		}
	}
	return strings.Join(parts, ";")
}

// List is the elements of a cell that holds several, as they were.
func List(cell string) []string {
	var all []string
	var one strings.Builder
	for i := 0; i < len(cell); i++ {
		switch {
		case cell[i] == '\\' && i+1 < len(cell):
			i++
			one.WriteByte(cell[i])
		case strings.HasPrefix(cell[i:], "; "):
			all = append(all, Plain(one.String()))
			one.Reset()
			i++
		default:
			one.WriteByte(cell[i])
		}
	}
	if one.Len() > 0 || len(all) > 0 {
		all = append(all, Plain(one.String()))
	}
	return all
}

// suspects are the first characters of a formula, and the guard itself; the last four are the full-width forms that some
// spreadsheets accept. discovery.Text has removed the tabs and line ends that would count too.
const suspects = "=+-@＝＋－＠'"

// needsGuard reports whether a spreadsheet may take the text for a formula, or Plain for a guarded one.
func needsGuard(text string) bool {
	return strings.IndexAny(text, suspects) == 0 && !isNumber(text)
}

// isNumber is stricter than strconv, which takes "-inf" and hexadecimal.
func isNumber(text string) bool {
	if strings.Trim(text, "+-.0123456789eE") != "" {
		return false
	}
	_, err := strconv.ParseFloat(text, 64)
	return err == nil
}
