package tables

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
)

// Overlay lays a user's files over the tables: what they state goes first, what they do not state stays. The files keep the
// names that the registries give them:
//
//	oui.csv, mam.csv, oui36.csv     the IEEE's MAC prefixes
//	enterprise-numbers.txt          IANA's private enterprise numbers
//	cip-vendors.csv, bacnet-vendors.csv, profinet-vendors.csv     number, name
//	products.csv                    sysObjectID, and the product as ParseProduct reads it
//	cip-device-types.csv            number, name, type
//	siemens-order-prefixes.csv      what order numbers begin with, family, type
//	oui.bin, enterprises.bin ...    tables of a newer walkdown
//
// '_' may stand for '-'. Other files are not looked at; a folder without any table is an error.
func (s *Set) Overlay(tree fs.FS) error {
	entries, err := fs.ReadDir(tree, ".")
	if err != nil {
		return fmt.Errorf("list tables: %w", err)
	}
	taken := 0
	for _, entry := range entries {
		name := strings.ReplaceAll(strings.ToLower(entry.Name()), "_", "-")
		read := readers[name]
		if read == nil || entry.IsDir() {
			continue
		}
		info, err := entry.Info()
		if err != nil {
			return fmt.Errorf("read %s: %w", entry.Name(), err)
		}
		if info.Size() > maxTable {
			return fmt.Errorf("%s: %d bytes are too many for a table", entry.Name(), info.Size())
		}
		file, err := fs.ReadFile(tree, entry.Name())
		if err != nil {
			return fmt.Errorf("read %s: %w", entry.Name(), err)
		}
		about, err := read(s, file)
		if err != nil {
			return fmt.Errorf("%s: %w", entry.Name(), err)
		}
		if about.Name == "" {
			about.Name = strings.TrimSuffix(name, path.Ext(name))
		}
		if about.Date == "" {
			about.Date = info.ModTime().UTC().Format("2006-01-02")
		}
		if about.Source == "" {
			about.Source = "the user's " + entry.Name()
		}
		s.users = append(s.users, about)
		taken++
	}
	if taken == 0 {
		return errors.New("no table in the folder: oui.csv, enterprise-numbers.txt, cip-vendors.csv and the like are looked for")
	}
	return nil
}

// readers are the files that are taken, and how.
var readers = map[string]func(*Set, []byte) (Info, error){
	"oui.csv": (*Set).prefixes, "mam.csv": (*Set).prefixes, "oui36.csv": (*Set).prefixes, "ieee-oui.csv": (*Set).prefixes,
	"enterprise-numbers.txt": (*Set).enterprises, "enterprise-numbers": (*Set).enterprises,
	"iana-enterprise-numbers.csv": numbersOf(func(s *Set) *map[uint64]string { return &s.Enterprises.own }),
	"cip-vendors.csv":             numbersOf(func(s *Set) *map[uint64]string { return &s.CIPVendors.own }),
	"bacnet-vendors.csv":          numbersOf(func(s *Set) *map[uint64]string { return &s.BACnetVendors.own }),
	"profinet-vendors.csv":        numbersOf(func(s *Set) *map[uint64]string { return &s.Profinet.own }),
	"products.csv":                (*Set).products, "products.bin": packedProducts,
	"cip-device-types.csv":       kindsFile(func(s *Set) *Kinds { return &s.CIPTypes }),
	"siemens-order-prefixes.csv": kindsFile(func(s *Set) *Kinds { return &s.SiemensOrders }),
	"oui.bin":                    packed(3, func(s *Set, rows func() table) { s.OUI.rows = rows }),
	"enterprises.bin":            packed(1, func(s *Set, rows func() table) { s.Enterprises.rows = rows }),
	"cip-vendors.bin":            packed(1, func(s *Set, rows func() table) { s.CIPVendors.rows = rows }),
	"bacnet-vendors.bin":         packed(1, func(s *Set, rows func() table) { s.BACnetVendors.rows = rows }),
	"profinet.bin":               packed(2, func(s *Set, rows func() table) { s.Profinet.rows = rows }),
}

func (s *Set) prefixes(file []byte) (Info, error) {
	bySize, err := ReadPrefixes(bytes.NewReader(file))
	if err != nil {
		return Info{}, err
	}
	var info Info
	for col, bits := range prefixBits {
		s.OUI.own[col] = overlay(s.OUI.own[col], bySize[bits])
		info.Rows += len(bySize[bits])
	}
	return info, nil
}

func (s *Set) enterprises(file []byte) (Info, error) {
	numbers, date, err := ReadEnterprises(bytes.NewReader(file))
	if err != nil {
		return Info{}, err
	}
	s.Enterprises.own = overlay(s.Enterprises.own, numbers)
	return Info{Rows: len(numbers), Date: date}, nil
}

func numbersOf(of func(*Set) *map[uint64]string) func(*Set, []byte) (Info, error) {
	return func(s *Set, file []byte) (Info, error) {
		numbers, err := ReadNumbers(bytes.NewReader(file))
		if err != nil {
			return Info{}, err
		}
		*of(s) = overlay(*of(s), numbers)
		return Info{Rows: len(numbers)}, nil
	}
}

// packed takes a table of ours instead of the embedded one.
func packed(columns int, put func(*Set, func() table)) func(*Set, []byte) (Info, error) {
	return func(s *Set, file []byte) (Info, error) {
		t, err := unpack(file, columns)
		if err != nil {
			return Info{}, err
		}
		info, _ := header(file)
		put(s, func() table { return t })
		return info, nil
	}
}

func overlay(under, over map[uint64]string) map[uint64]string {
	if under == nil {
		return over
	}
	for key, name := range over {
		under[key] = name
	}
	return under
}
