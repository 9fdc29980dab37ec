package tables

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxRows bounds the rows of one registry; the largest has 70,000.
const maxRows = 500_000

var lastUpdated = regexp.MustCompile(`last updated (\d{4}-\d\d-\d\d)`)

// ReadEnterprises reads the text that IANA publishes the private enterprise numbers in: a line with the number, then, indented by
// two blanks, the organisation; contacts stand below, further in, and are not kept. The date is the one that the text gives.
func ReadEnterprises(from io.Reader) (numbers map[uint64]string, date string, err error) {
	numbers = map[uint64]string{}
	lines := bufio.NewScanner(from)
	number, waiting := uint64(0), false
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimRight(lines.Text(), " \r")
		if date == "" && len(numbers) == 0 {
			if groups := lastUpdated.FindStringSubmatch(line); groups != nil {
				date = groups[1]
			}
		}
		if got, err := strconv.ParseUint(line, 10, 32); err == nil && line != "" {
			number, waiting = got, true
			continue
		}
		name, ok := strings.CutPrefix(line, "  ")
		if !ok || !waiting || strings.HasPrefix(name, " ") {
			continue
		}
		if len(numbers) >= maxRows {
			return nil, "", fmt.Errorf("line %d: more than %d numbers", n, maxRows)
		}
		if name = clean(name); name != "" && !isNobody(name) {
			numbers[number] = name
		}
		waiting = false
	}
	if err := lines.Err(); err != nil {
		return nil, "", err
	}
	if len(numbers) == 0 {
		return nil, "", errors.New("no number with an organisation below it: not IANA's list of enterprise numbers")
	}
	return numbers, date, nil
}

// isNobody reports whether a name in a registry says that a number was given to no one who could be named.
func isNobody(name string) bool {
	switch strings.ToLower(name) {
	case "reserved", "unassigned", "none", "private", "ieee registration authority", "---none---":
		return true
	}
	return false
}

// clean folds blanks, cuts what is far too long and drops what is no text.
func clean(name string) string {
	if !utf8.ValidString(name) {
		return ""
	}
	name = strings.Join(strings.Fields(name), " ")
	if len(name) > 200 {
		return ""
	}
	return name
}

// ReadPrefixes reads the CSV that the IEEE publishes MAC prefixes in (oui.csv, mam.csv, oui36.csv: Registry, Assignment,
// Organization Name, Organization Address), or one with the columns prefix and organization. By size in bits: 24, 28, 36.
func ReadPrefixes(from io.Reader) (map[int]map[uint64]string, error) {
	out := map[int]map[uint64]string{24: {}, 28: {}, 36: {}}
	err := readRows(from, []string{"assignment", "prefix"}, []string{"organization name", "organization"}, func(id, name string) error {
		id = strings.NewReplacer(":", "", "-", "").Replace(id)
		prefix, err := strconv.ParseUint(id, 16, 64)
		bySize, ok := out[4*len(id)]
		if err != nil || !ok {
			return fmt.Errorf("%q is no MAC prefix of 6, 7 or 9 hex digits", id)
		}
		if !isNobody(name) {
			bySize[prefix] = name
		}
		return nil
	})
	return out, err
}

// ReadNumbers reads a CSV with a column of numbers (number, id, vendor_id; decimal or 0x hex) and one of names (name,
// organization, vendor).
func ReadNumbers(from io.Reader) (map[uint64]string, error) {
	out := map[uint64]string{}
	err := readRows(from, []string{"number", "vendor_id", "id"}, []string{"name", "organization", "vendor"}, func(id, name string) error {
		number, err := strconv.ParseUint(id, 0, 32)
		if err != nil {
			return fmt.Errorf("%q is no number", id)
		}
		if !isNobody(name) {
			out[number] = name
		}
		return nil
	})
	return out, err
}

// readRows gives the cells of two columns, which are found by their heading, of each row.
func readRows(from io.Reader, ids, names []string, do func(id, name string) error) error {
	rows := csv.NewReader(from)
	rows.FieldsPerRecord = -1
	heads, err := rows.Read()
	if err != nil {
		return fmt.Errorf("line 1: no heading: %w", err)
	}
	column := func(wanted []string) int {
		for _, name := range wanted {
			if i := slices.IndexFunc(heads, func(head string) bool {
				return strings.EqualFold(strings.TrimSpace(strings.TrimPrefix(head, "\ufeff")), name)
			}); i >= 0 {
				return i
			}
		}
		return -1
	}
	id, name := column(ids), column(names)
	if id < 0 || name < 0 {
		return fmt.Errorf("line 1: want the columns %s and %s", strings.Join(ids, " or "), strings.Join(names, " or "))
	}
	for n := 0; ; n++ {
		row, err := rows.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err // it names the line itself
		}
		line, _ := rows.FieldPos(0)
		if n >= maxRows {
			return fmt.Errorf("line %d: more than %d rows", line, maxRows)
		}
		if id >= len(row) || name >= len(row) {
			return fmt.Errorf("line %d: a row of %d cells", line, len(row))
		}
		if text := clean(row[name]); text != "" {
			if err := do(strings.TrimSpace(row[id]), text); err != nil {
				return fmt.Errorf("line %d: %w", line, err)
			}
		}
	}
}
