// Package tables holds public registries in a compact form: the MAC prefixes of the IEEE (MA-L, MA-M, MA-S), the private
// enterprise numbers of IANA, the vendor ids of CIP (ODVA), BACnet (ASHRAE) and PROFINET (PI). The .bin files are made by gen
// from CSV transcriptions of the registries; each begins with a header in plain text that names its source, licence, date and
// rows, then a zlib stream follows. They are unpacked at their first use, so a program that never asks pays nothing but their
// size.
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
	"sync"

	"github.com/walkdown-ot/walkdown/discovery"
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

// Version gives the headers of all tables, without unpacking any.
func Version() []Info {
	var out []Info
	for _, file := range [][]byte{ouiFile, enterprisesFile, cipVendorsFile, bacnetVendorsFile, profinetFile} {
		info, _ := header(file)
		out = append(out, info)
	}
	return out
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

// OUI is the registry of MAC prefixes. Make it with NewOUI; copies share the unpacked rows.
type OUI struct{ rows func() table }

// NewOUI is the embedded registry, unpacked at the first Lookup.
func NewOUI() OUI {
	return OUI{rows: sync.OnceValue(func() table {
		t, _ := unpack(ouiFile, 3) // the embedded file is proved by the tests; an empty table knows nobody
		return t
	})}
}

// Lookup gives the organisation that the longest registered prefix of the address (36, 28, then 24 bits) was assigned to.
func (o OUI) Lookup(mac discovery.MAC) (string, bool) {
	var key uint64
	for _, b := range mac {
		key = key<<8 | uint64(b)
	}
	t := o.rows()
	for col, bits := range [...]int{36, 28, 24} {
		if name, ok := t.lookup(col, key>>(48-bits)); ok {
			return name, true
		}
	}
	return "", false
}

// Numbers is a registry of who was given which number. Copies share the unpacked rows.
type Numbers struct{ rows func() table }

func newNumbers(file []byte) Numbers {
	return Numbers{rows: sync.OnceValue(func() table {
		t, _ := unpack(file, 1) // proved by the tests, as above
		return t
	})}
}

// Lookup gives the organisation that a number was assigned to.
func (n Numbers) Lookup(number uint32) (string, bool) { return n.rows().lookup(0, uint64(number)) }

// NewEnterprises is the registry of private enterprise numbers: 1.3.6.1.4.1.number.
func NewEnterprises() Numbers { return newNumbers(enterprisesFile) }

// NewCIPVendors is the registry of CIP vendor ids, which EtherNet/IP devices name themselves by.
func NewCIPVendors() Numbers { return newNumbers(cipVendorsFile) }

// NewBACnetVendors is the registry of BACnet vendor ids.
func NewBACnetVendors() Numbers { return newNumbers(bacnetVendorsFile) }

// Profinet is a part of the registry of PROFINET vendor ids, and what some of the vendors call the devices behind their device
// ids. Make it with NewProfinet; copies share the unpacked rows.
type Profinet struct{ rows func() table }

// NewProfinet is the embedded table.
func NewProfinet() Profinet {
	return Profinet{rows: sync.OnceValue(func() table {
		t, _ := unpack(profinetFile, 2)
		return t
	})}
}

// Vendor gives the organisation that a vendor id was assigned to.
func (p Profinet) Vendor(vendor uint16) (string, bool) { return p.rows().lookup(0, uint64(vendor)) }

// Product gives the family of products in whose device description (GSDML) the vendor uses the device id.
func (p Profinet) Product(vendor, device uint16) (string, bool) {
	return p.rows().lookup(1, uint64(vendor)<<16|uint64(device))
}
