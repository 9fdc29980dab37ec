package fingerprints

import (
	"cmp"
	"io/fs"
	"regexp"
	"strconv"
	"strings"
	"unicode"
)

var (
	// versionWord is what stands in front of a version: "FW: Version V", "REV ", "Ver.", "v".
	versionWord   = regexp.MustCompile(`(?i)^(?:(?:firmware|software|release|revision|version|build|fw|sw|rev|ver|vers|rel)\b[\s.:_=-]*)+`)
	huaweiRelease = regexp.MustCompile(`^V\d{3}R\d`)
	versionV      = regexp.MustCompile(`^[vV][\s._]*(\d)`)
	looseDots     = regexp.MustCompile(`\s*\.\s*`)
)

// scheme is how a maker numbers firmware: a row of rules/firmware.txt, which explains the fields.
type scheme struct {
	vendor               string // "" = of any
	pattern              *regexp.Regexp
	printed, line, order string
}

type schemes []scheme

// readSchemes reads rules/firmware.txt.
func readSchemes(tree fs.FS) (schemes, error) {
	lines, err := readLines(tree, "rules/firmware.txt")
	if err != nil {
		return nil, err
	}
	var out schemes
	for _, line := range lines {
		cells := line.cells()
		if len(cells) != 5 {
			return nil, line.mistake("%q: want 5 cells divided by ' | '", line.text)
		}
		s := scheme{vendor: cells[0], printed: cells[2], line: cells[3], order: cells[4]}
		if s.vendor == "*" {
			s.vendor = ""
		}
		if s.pattern, err = regexp.Compile("^(?:" + cells[1] + ")$"); err != nil {
			return nil, line.mistake("%w", err)
		}
		for _, template := range cells[2:] {
			for _, name := range templateNames(template) {
				if s.pattern.SubexpIndex(name) < 0 {
					return nil, line.mistake("%q uses a capture that the pattern does not have", template)
				}
			}
		}
		out = append(out, s)
	}
	return out, nil
}

// bareVersion takes off what makers put around a version: the words in front, a leading V, blanks around dots.
func bareVersion(raw string) string {
	text := strings.TrimSpace(raw)
	text = versionWord.ReplaceAllString(text, "")
	if !huaweiRelease.MatchString(text) { // V200R009C00: the letters are part of it
		text = versionV.ReplaceAllString(text, "$1")
	}
	text = looseDots.ReplaceAllString(text, ".")
	return strings.TrimRight(strings.Trim(text, " ,;:"), " .")
}

// normalise makes a version comparable with what advisories and catalogues print. What the makers mean by zeros differs
// (Rockwell prints revision 20.13 as "20.013", MicroLogix "5.00" and Schneider "03.110" mean what they say), so beyond the words
// around it only what a row knows is changed.
func (s schemes) normalise(vendor, raw string) string {
	text := bareVersion(raw)
	for _, row := range s {
		if row.printed == "" || row.vendor != "" && row.vendor != vendor {
			continue
		}
		if captured, ok := row.match(text); ok {
			text = strings.Trim(expand(row.printed, captured), " ,;:")
		}
	}
	return text
}

func (s scheme) match(text string) (map[string]string, bool) {
	groups := s.pattern.FindStringSubmatch(text)
	if groups == nil {
		return nil, false
	}
	captured := map[string]string{}
	for i, name := range s.pattern.SubexpNames() {
		if name != "" {
			captured[name] = groups[i]
		}
	}
	return captured, true
}

// version is a firmware version taken apart. The zero version is of no known scheme.
type version struct {
	known bool
	line  string     // of different ones none is newer
	parts [][]string // the first that differs decides; in each, numbers and letters one after another
}

// parse takes a version apart by the first row that fits. Rows of the maker stand before those for all.
func (s schemes) parse(vendor, raw string) version {
	whole := bareVersion(raw)
	for _, text := range []string{whole, s.normalise(vendor, raw)} { // what is not printed (a build) still tells which is newer
		for _, general := range []bool{false, true} {
			for _, row := range s {
				if row.order == "" || general != (row.vendor == "") || row.vendor != "" && row.vendor != vendor {
					continue
				}
				captured, ok := row.match(text)
				if !ok {
					continue
				}
				v := version{known: true, line: fill(row.line, captured)}
				for part := range strings.SplitSeq(row.order, "/") {
					v.parts = append(v.parts, pieces(fill(part, captured)))
				}
				return v
			}
		}
	}
	return version{}
}

// fill is expand, except that empty captures leave empty text.
func fill(template string, captured map[string]string) string {
	return templateName.ReplaceAllStringFunc(template, func(name string) string { return captured[name[2:len(name)-1]] })
}

// pieces splits text into its numbers and its words.
func pieces(text string) []string {
	var out []string
	before := 0 // 1 digits, 2 letters
	for _, r := range text {
		kind := 0
		switch {
		case r >= '0' && r <= '9':
			kind = 1
		case unicode.IsLetter(r):
			kind = 2
		}
		if kind != 0 && kind != before {
			out = append(out, "")
		}
		if kind != 0 {
			out[len(out)-1] += string(r)
		}
		before = kind
	}
	return out
}

// CompareFirmware compares two versions of one maker's firmware, raw or normalised: negative when a is older, 0 when they are the
// same, positive when a is newer. It reports false where that cannot be said: a scheme that is not known, or two lines of which
// none is the newer.
func (e *Engine) CompareFirmware(vendor, a, b string) (int, bool) {
	x, y := e.schemes.parse(vendor, a), e.schemes.parse(vendor, b)
	if !x.known || !y.known || x.line != y.line {
		same := e.schemes.normalise(vendor, a)
		return 0, same != "" && same == e.schemes.normalise(vendor, b)
	}
	for i := range max(len(x.parts), len(y.parts)) {
		if c := comparePieces(partOf(x.parts, i), partOf(y.parts, i)); c != 0 {
			return c, true
		}
	}
	return 0, true
}

func partOf[T any](parts []T, i int) T {
	if i < len(parts) {
		return parts[i]
	}
	var none T
	return none
}

// comparePieces compares numbers as numbers, words as words; a missing piece is 0, and a number is newer than a word.
func comparePieces(a, b []string) int {
	for i := range max(len(a), len(b)) {
		x, y := partOf(a, i), partOf(b, i)
		m, errM := strconv.ParseUint("0"+x, 10, 64)
		n, errN := strconv.ParseUint("0"+y, 10, 64)
		var c int
		switch {
		case errM == nil && errN == nil:
			c = cmp.Compare(m, n)
		case errM != nil && errN != nil:
			c = cmp.Compare(strings.ToLower(x), strings.ToLower(y))
		case x == "":
			c = -1
		case y == "":
			c = 1
		case errM == nil:
			c = 1
		default:
			c = -1
		}
		if c != 0 {
			return c
		}
	}
	return 0
}
