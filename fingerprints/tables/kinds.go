package tables

import (
	"bytes"
	_ "embed" // for the tables
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"
)

//go:embed cip-device-types.csv
var cipDeviceTypesFile []byte

//go:embed siemens-order-prefixes.csv
var siemensOrdersFile []byte

// Kind is what a number of a catalogue or of a registry of profiles stands for. Empty fields are not known.
type Kind struct {
	Name string  // of the profile, or the family of products
	Type string  // a word of vocabulary/types.txt
	Sure float32 // how likely the type is; 0: not stated
}

// Kinds is a table that is small enough to be kept as text: the header of the packed tables, an empty line, then CSV of key, name,
// type and how sure the type is.
type Kinds struct {
	rows func() map[string]Kind
	own  map[string]Kind // a user's
}

func kindsOf(file []byte) Kinds {
	return Kinds{rows: sync.OnceValue(func() map[string]Kind {
		_, text := header(file)
		rows, _ := readKinds(bytes.NewReader(text)) // proved by the tests
		return rows
	})}
}

// kindsInfo is the header of such a table, with the rows counted.
func kindsInfo(file []byte) Info {
	info, text := header(file)
	info.Rows = bytes.Count(text, []byte("\n")) - 1 // without the heading
	return info
}

// Number gives what stands under a number.
func (k Kinds) Number(number uint32) (Kind, bool) {
	return k.exact(strconv.FormatUint(uint64(number), 10))
}

// shortestPrefix is the fewest characters of an order number that tell its family.
const shortestPrefix = 3

// Prefix gives what stands under the longest beginning of an order number; blanks and dashes count for nothing. A user's
// beginning goes before a longer one of ours.
func (k Kinds) Prefix(number string) (Kind, bool) {
	key := orderKey(number)
	for _, rows := range []map[string]Kind{k.own, k.rows()} {
		for n := len(key); n >= shortestPrefix; n-- {
			if kind, ok := rows[key[:n]]; ok {
				return kind, true
			}
		}
	}
	return Kind{}, false
}

// Owns reports whether what Prefix gives is a row of the user's.
func (k Kinds) Owns(number string) bool {
	key := orderKey(number)
	for n := len(key); n >= shortestPrefix; n-- {
		if _, ok := k.own[key[:n]]; ok {
			return true
		}
	}
	return false
}

func (k Kinds) exact(key string) (Kind, bool) {
	if kind, ok := k.own[key]; ok {
		return kind, true
	}
	kind, ok := k.rows()[key]
	return kind, ok
}

// orderKey is an order number as the rows spell it: upper case, without blanks and dashes, at most so long as ASCII lasts.
func orderKey(number string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == ' ' || r == '-':
			return -1
		case r >= 'a' && r <= 'z':
			return r - 'a' + 'A'
		}
		return r
	}, number)
}

// readKinds reads the CSV: key, name, and, as far as they are stated, type and sureness. A heading is passed over: a first row
// without a digit in its key.
func readKinds(from io.Reader) (map[string]Kind, error) {
	reader := csv.NewReader(from)
	reader.FieldsPerRecord = -1
	reader.TrimLeadingSpace = true
	rows := map[string]Kind{}
	for n := 1; ; n++ {
		cells, err := reader.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		key := orderKey(strings.TrimSpace(cells[0]))
		if n == 1 && !strings.ContainsAny(key, "0123456789") {
			continue
		}
		if len(cells) < 2 || len(cells) > 4 || key == "" {
			return nil, fmt.Errorf("row %d: want number, name, type", n)
		}
		if len(rows) >= maxRows {
			return nil, fmt.Errorf("row %d: more than %d rows", n, maxRows)
		}
		kind := Kind{Name: clean(cells[1])}
		if len(cells) > 2 {
			kind.Type = strings.TrimSpace(cells[2])
		}
		if len(cells) > 3 && cells[3] != "" {
			sure, err := strconv.ParseFloat(cells[3], 32)
			if err != nil || sure <= 0 || sure > 0.99 {
				return nil, fmt.Errorf("row %d: %q is no confidence above 0 and up to 0.99", n, cells[3])
			}
			kind.Sure = float32(sure)
		}
		rows[key] = kind
	}
	if len(rows) == 0 {
		return nil, errors.New("no rows of number, name, type")
	}
	return rows, nil
}

// kindsFile takes a user's table of this kind, with the header of ours or without one.
func kindsFile(of func(*Set) *Kinds) func(*Set, []byte) (Info, error) {
	return func(s *Set, file []byte) (Info, error) {
		var info Info
		text := file
		if bytes.HasPrefix(file, []byte("name: ")) {
			info, text = header(file)
		}
		rows, err := readKinds(bytes.NewReader(text))
		if err != nil {
			return Info{}, err
		}
		kinds := of(s)
		if kinds.own == nil {
			kinds.own = map[string]Kind{}
		}
		for key, kind := range rows {
			kinds.own[key] = kind
		}
		info.Rows = len(rows)
		return info, nil
	}
}

// Types are the types that the rows name, for those who know which there are.
func (k Kinds) Types() []string {
	var out []string
	for _, rows := range []map[string]Kind{k.rows(), k.own} {
		for _, kind := range rows {
			if kind.Type != "" {
				out = append(out, kind.Type)
			}
		}
	}
	return out
}
