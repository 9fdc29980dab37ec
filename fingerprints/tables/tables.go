// Package tables holds public registries in a compact form: the MAC prefixes of the IEEE (MA-L, MA-M, MA-S), the private
// enterprise numbers of IANA, the vendor ids of CIP (ODVA), BACnet (ASHRAE) and PROFINET (PI), the device types of CIP, what order
// numbers of Siemens begin with, and what makers' own lists call the products behind a sysObjectID. The .bin files are made by gen
// from transcriptions of the registries and the makers' MIBs; each begins with a header in plain text that names its source, licence, date and
// rows, then a zlib stream follows. They are unpacked at their first use, so a program that never asks pays nothing but their
// size. A user's own files are laid over them ([Set.Overlay]).
package tables

import (
	"bufio"
	"bytes"
	"compress/zlib"
	_ "embed" // for the tables
	"encoding/binary"
	"fmt"
	"io"
	"sort"
	"strconv"
	"strings"
)

//go:generate go run ./gen

//go:embed oui.bin
var ouiFile []byte

//go:embed enterprises.bin
var enterprisesFile []byte

//go:embed cip-vendors.bin
var cipVendorsFile []byte

//go:embed bacnet-vendors.bin
var bacnetVendorsFile []byte

//go:embed profinet.bin
var profinetFile []byte

// Info is the header of a table.
type Info struct {
	Name    string `json:"name"`
	Rows    int    `json:"rows"`
	Date    string `json:"date"` // of the registry's state, YYYY-MM-DD or YYYY-MM
	Source  string `json:"source"`
	Licence string `json:"licence"`
}

// header reads the text in front: "key: value" lines, closed by an empty one.
func header(file []byte) (Info, []byte) {
	var info Info
	for {
		line, rest, ok := bytes.Cut(file, []byte("\n"))
		file = rest
		if !ok || len(line) == 0 {
			return info, file
		}
		key, value, _ := strings.Cut(string(line), ": ")
		switch key {
		case "name":
			info.Name = value
		case "rows":
			info.Rows, _ = strconv.Atoi(value)
		case "date":
			info.Date = value
		case "source":
			info.Source = value
		case "licence":
			info.Licence = value
		}
	}
}

// column is a sorted list of numbers and the name of each.
type column struct {
	keys  []uint64
	names []uint32 // index into the names
}

// table is the unpacked form: all names once, then columns.
type table struct {
	names   []string
	columns []column
}

// maxTable bounds what a table unpacks to, in bytes; the files are ours, but a user may bring a newer one.
const maxTable = 32 << 20

// unpack reads: uvarint length of the names, the names joined by line feeds, then per column uvarint rows and per row uvarint
// difference to the key before and uvarint index of the name.
func unpack(file []byte, columns int) (table, error) {
	_, packed := header(file)
	stream, err := zlib.NewReader(bytes.NewReader(packed))
	if err != nil {
		return table{}, fmt.Errorf("unpack table: %w", err)
	}
	r := bufio.NewReader(io.LimitReader(stream, maxTable))
	size, err := binary.ReadUvarint(r)
	if err != nil || size > maxTable {
		return table{}, fmt.Errorf("unpack table: names of %d bytes: %w", size, err)
	}
	text := make([]byte, size)
	if _, err := io.ReadFull(r, text); err != nil {
		return table{}, fmt.Errorf("unpack table: names: %w", err)
	}
	t := table{names: strings.Split(string(text), "\n")}
	for range columns {
		rows, err := binary.ReadUvarint(r)
		if err != nil || rows > maxTable/2 {
			return table{}, fmt.Errorf("unpack table: %d rows: %w", rows, err)
		}
		var c column
		var key uint64
		for range rows {
			step, err := binary.ReadUvarint(r)
			if err != nil {
				return table{}, fmt.Errorf("unpack table: row %d: %w", len(c.keys), err)
			}
			name, err := binary.ReadUvarint(r)
			if err != nil || name >= uint64(len(t.names)) {
				return table{}, fmt.Errorf("unpack table: row %d names %d: %w", len(c.keys), name, err)
			}
			key += step
			c.keys = append(c.keys, key)
			c.names = append(c.names, uint32(name))
		}
		t.columns = append(t.columns, c)
	}
	return t, nil
}

// lookup finds a key in a column.
func (t table) lookup(col int, key uint64) (string, bool) {
	if col >= len(t.columns) {
		return "", false
	}
	c := t.columns[col]
	i := sort.Search(len(c.keys), func(i int) bool { return c.keys[i] >= key })
	if i == len(c.keys) || c.keys[i] != key {
		return "", false
	}
	return t.names[c.names[i]], true
}
