package fingerprints

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"unicode"
)

// vocabulary is the words that rules may use: vendors with their other spellings, and device types.
type vocabulary struct {
	canonical map[string]bool            // names as printed
	spelling  map[string]string          // folded spelling -> canonical name
	sisters   map[string]map[string]bool // canonical name -> brands of the same house, which do not contradict it
	types     map[string]bool
}

func newVocabulary() vocabulary {
	return vocabulary{
		canonical: map[string]bool{}, spelling: map[string]string{},
		sisters: map[string]map[string]bool{}, types: map[string]bool{},
	}
}

// read adds vocabulary/vendors.txt (a line a vendor: the canonical name, then its other spellings behind ';', a '+' in front
// marks a sister brand) and vocabulary/types.txt (a word a line). '#' begins a comment.
func (v *vocabulary) read(tree fs.FS) error {
	vendors, err := readLines(tree, "vocabulary/vendors.txt")
	if err != nil {
		return err
	}
	for _, line := range vendors {
		names := strings.Split(line.text, ";")
		name := strings.TrimSpace(names[0])
		v.canonical[name] = true
		for i, other := range names {
			other = strings.TrimSpace(other)
			if sister, ok := strings.CutPrefix(other, "+"); ok {
				v.relate(name, sister)
				v.relate(sister, name)
				continue
			}
			if i > 0 && v.spelling[fold(other)] != "" {
				continue // two names that fold alike, or a spelling that another vendor claimed before
			}
			v.spelling[fold(other)] = name
		}
	}
	types, err := readLines(tree, "vocabulary/types.txt")
	if err != nil {
		return err
	}
	for _, word := range types {
		v.types[word.text] = true
	}
	return nil
}

func (v *vocabulary) relate(a, b string) {
	if v.sisters[a] == nil {
		v.sisters[a] = map[string]bool{}
	}
	v.sisters[a][b] = true
}

// vendor gives the canonical name of a vendor, trying the name as it stands and then without the words that say what kind of
// company it is. An unknown name comes back without its legal form ("Inc.", "GmbH & Co. KG").
func (v *vocabulary) vendor(name string) (string, bool) {
	name = strings.ReplaceAll(name, `\,`, ",") // as certificates spell it
	if canonical, ok := v.spelling[fold(name)]; ok {
		return canonical, true
	}
	words := strings.FieldsFunc(name, func(r rune) bool { return unicode.IsSpace(r) || r == ',' || r == '(' || r == ')' || r == '/' })
	for len(words) > 1 && isCompanyWord(words[len(words)-1]) {
		words = words[:len(words)-1]
		if canonical, ok := v.spelling[fold(strings.Join(words, " "))]; ok {
			return canonical, true
		}
	}
	return withoutLegalForm(name), false
}

// withoutLegalForm takes the legal form of a firm off the end of its name, and what it was called before.
func withoutLegalForm(name string) string {
	if at := strings.Index(strings.ToLower(name), "(former"); at > 1 {
		name = strings.TrimSpace(name[:at])
	}
	words := strings.Fields(name)
	for len(words) > 1 {
		last := strings.ToLower(strings.Trim(words[len(words)-1], ".,;"))
		switch strings.NewReplacer(".", "", "/", "", ",", "").Replace(last) {
		case "inc", "incorporated", "corp", "corporation", "co", "ltd", "limited", "llc", "plc", "gmbh", "mbh", "ag", "kg", "kgaa", "bv", "nv", "oy", "oyj",
			"as", "asa", "aps", "srl", "spa", "sarl", "sas", "sro", "pty", "pte", "pvt", "coltd", "sdn", "bhd", "&":
			words = words[:len(words)-1]
			continue
		}
		break
	}
	return strings.TrimRight(strings.Join(words, " "), ` ,;\`)
}

// registered gives the canonical name behind a registry's entry, which often names a division ("ABB Control Products") and what
// the firm was called before ("(Formerly: ...)"). Beginnings count only if they are a whole name as printed: "Phoenix Controls" is
// not Phoenix Contact.
func (v *vocabulary) registered(name string) (string, bool) {
	if at := strings.Index(strings.ToLower(name), "former"); at > 1 {
		name = strings.TrimRight(name[:at], " (")
	}
	if canonical, ok := v.vendor(name); ok {
		return canonical, true
	}
	words := strings.FieldsFunc(name, func(r rune) bool { return unicode.IsSpace(r) || r == ',' || r == '(' || r == '/' })
	for n := min(3, len(words)-1); n > 0; n-- {
		if start := strings.Join(words[:n], " "); v.canonical[start] && !isCommonWord(start) {
			return start, true
		}
	}
	return withoutLegalForm(name), false
}

// isCompanyWord reports whether a word at the end of a firm's name says nothing of who it is.
func isCompanyWord(word string) bool {
	switch fold(word) {
	case "ag", "gmbh", "co", "kg", "kgaa", "se", "inc", "incorporated", "corp", "corporation", "company", "ltd", "limited", "llc", "plc", "bv", "nv",
		"oy", "oyj", "ab", "as", "asa", "aps", "sa", "sas", "srl", "spa", "sl", "sro", "kk", "pte", "pty", "pvt", "sdnbhd", "group",
		"international", "technologies", "technology", "systems", "electronics", "electronic", "electric", "industries",
		"networks", "networking", "communications", "automation", "controls", "instruments", "products", "solutions",
		"deutschland", "germany", "usa", "america", "china", "taiwan", "lp", "":
		return true
	}
	return false
}

// areSisters reports whether two vendors are brands of one house.
func (v *vocabulary) areSisters(a, b string) bool { return v.sisters[a][b] }

// fold reduces text to what counts when two spellings are compared: letters and digits, lower case.
func fold(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, text)
}

// textLine is a line of a data file, with where it stands.
type textLine struct {
	text string
	file string
	line int
}

// mistake says what is wrong with the line.
func (l textLine) mistake(format string, args ...any) error {
	return &MistakeError{File: l.file, Line: l.line, Err: fmt.Errorf(format, args...)}
}

// cells splits the line at the bars that stand between blanks; those of patterns do not.
func (l textLine) cells() []string {
	var out []string
	start := 0
	for i, c := range l.text {
		if c == '|' && i > 0 && l.text[i-1] == ' ' && (i+1 == len(l.text) || l.text[i+1] == ' ') {
			out = append(out, strings.TrimSpace(l.text[start:i]))
			start = i + 1
		}
	}
	return append(out, strings.TrimSpace(l.text[start:]))
}

// readLines gives the lines of a data file without comments, blanks and empty ones. The file may lie in its folder or, in a
// user's tree, beside the rules; without one there are no lines.
func readLines(tree fs.FS, file string) ([]textLine, error) {
	text, err := fs.ReadFile(tree, file)
	if errors.Is(err, fs.ErrNotExist) {
		file = path.Base(file)
		text, err = fs.ReadFile(tree, file)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", file, err)
	}
	var lines []textLine
	n := 0
	for line := range strings.SplitSeq(string(text), "\n") {
		n++
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
			lines = append(lines, textLine{line, file, n})
		}
	}
	return lines, nil
}

// Vendor is the canonical name of a vendor, for any spelling that the vocabulary knows; another name comes back as it is.
func (e *Engine) Vendor(name string) string {
	canonical, _ := e.words.vendor(name)
	return canonical
}

// IsType reports whether a word is in the vocabulary of device types.
func (e *Engine) IsType(word string) bool { return e.words.types[word] }
