// Gen makes the packed registries of package tables out of CSV transcriptions.
//
//	go run ./gen [-shared DIR] [-oui-data FILE] [-iana FILE] [-zeek FILE] [-mibs DIR]
//
// DIR holds ieee_oui.csv (prefix, bits, organization, source), cip_vendors.csv and bacnet_vendors.csv (number, name, sources), and
// profinet_device_ids.csv (vendor id, device id, vendor, vendor and product of the GSDML file, its date). The FILE of -oui-data is
// index.json of the npm package oui-data, which adds the 28- and 36-bit prefixes and newer 24-bit ones; that of -iana is IANA's own
// enterprise-numbers.txt, as Debian's ipmitool ships it (/usr/share/misc); that of -zeek is scripts/BACnet/consts.zeek of
// amzn/zeek-plugin-bacnet, which spells the newer BACnet vendors. Rows whose spelling is that of a source under the NPSL or
// the GPL are left out. The DIR of -mibs is the collection netdisco/netdisco-mibs; products.txt says what is taken of it. A source that is absent leaves its table as it is.
package main

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"encoding/csv"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"

	"github.com/walkdown-ot/walkdown/fingerprints/tables"
)

func main() {
	shared := flag.String("shared", "../../../shared/tables", "folder of the CSV files")
	ouiData := flag.String("oui-data", "", "index.json of the npm package oui-data")
	iana := flag.String("iana", "", "enterprise-numbers.txt of IANA")
	zeek := flag.String("zeek", "", "consts.zeek of zeek-plugin-bacnet")
	mibs := flag.String("mibs", "", "folder of netdisco-mibs")
	out := flag.String("out", ".", "folder to write to")
	flag.Parse()
	if err := run(*shared, *ouiData, *iana, *zeek, *mibs, *out); err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}

func run(shared, ouiData, iana, zeek, mibs, out string) error {
	if mibs == "" {
		fmt.Fprintln(os.Stderr, "gen: no -mibs, products.bin stays as it is")
	} else if err := writeProducts(mibs, out); err != nil {
		return err
	}
	if ouiData == "" {
		fmt.Fprintln(os.Stderr, "gen: no -oui-data, oui.bin stays as it is")
	} else if err := writeOUI(shared, ouiData, out); err != nil {
		return err
	}
	if iana == "" {
		fmt.Fprintln(os.Stderr, "gen: no -iana, enterprises.bin stays as it is")
	} else if err := writeEnterprises(iana, out); err != nil {
		return err
	}
	for _, writeTable := range []func(shared, out string) error{writeCIPVendors, writeProfinet} {
		if err := writeTable(shared, out); errors.Is(err, fs.ErrNotExist) {
			fmt.Fprintln(os.Stderr, "gen: a table stays as it is:", err)
		} else if err != nil {
			return err
		}
	}
	if zeek == "" {
		fmt.Fprintln(os.Stderr, "gen: no -zeek, bacnet-vendors.bin stays as it is")
		return nil
	}
	return writeBACnetVendors(shared, zeek, out)
}

func writeEnterprises(iana, out string) error {
	file, err := os.Open(iana)
	if err != nil {
		return fmt.Errorf("read enterprise numbers: %w", err)
	}
	defer file.Close() //nolint:errcheck // it was only read
	numbers, date, err := tables.ReadEnterprises(file)
	if err != nil {
		return fmt.Errorf("read enterprise numbers %s: %w", iana, err)
	}
	for n, name := range numbers {
		numbers[n], _, _ = strings.Cut(name, " # ") // "formerly ..." stands behind
	}
	return write(filepath.Join(out, "enterprises.bin"), heading{
		name: "iana-enterprise-numbers", date: date,
		source:  "IANA, Private Enterprise Numbers: its own enterprise-numbers.txt, as Debian's ipmitool ships it; numbers and names, no contacts",
		licence: "CC0-1.0 (IANA's terms for its protocol registries)",
	}, []map[uint64]string{numbers})
}

func writeCIPVendors(shared, out string) error {
	numbers, err := permissive(filepath.Join(shared, "cip_vendors.csv"), "gologix", "icsnpp", "pylogix", "pycomm3")
	if err != nil {
		return err
	}
	return write(filepath.Join(out, "cip-vendors.bin"), heading{
		name: "cip-vendors", date: "2026-05",
		source:  "ODVA vendor ids, by way of gologix, icsnpp-enip, pylogix and pycomm3",
		licence: "registry facts; transcriptions MIT, BSD-3-Clause, Apache-2.0",
	}, []map[uint64]string{numbers})
}

// zeekVendor is a row of the vendors in zeek-plugin-bacnet.
var zeekVendor = regexp.MustCompile(`(?m)^\s*\[(\d+)\] = "([^"]+)",?\s*$`)

func writeBACnetVendors(shared, zeek, out string) error {
	numbers, err := permissive(filepath.Join(shared, "bacnet_vendors.csv"), "icsnpp", "amzn", "hvac-scanner")
	if err != nil {
		return err
	}
	file, err := os.ReadFile(zeek)
	if err != nil {
		return fmt.Errorf("read BACnet vendors: %w", err)
	}
	_, vendors, ok := strings.Cut(string(file), "vendors")
	if !ok {
		return fmt.Errorf("read BACnet vendors: %s has no table of vendors", zeek)
	}
	for _, row := range zeekVendor.FindAllStringSubmatch(vendors, -1) {
		n, err := strconv.ParseUint(row[1], 10, 32)
		if err != nil {
			return fmt.Errorf("read BACnet vendor %q: %w", row[1], err)
		}
		if _, ok := numbers[n]; !ok {
			numbers[n] = row[2]
		}
	}
	return write(filepath.Join(out, "bacnet-vendors.bin"), heading{
		name: "bacnet-vendors", date: "2026-08",
		source:  "ASHRAE vendor ids, by way of icsnpp-bacnet, zeek-plugin-bacnet and HVAC-Network-Scanner",
		licence: "registry facts; transcriptions BSD-3-Clause, MIT",
	}, []map[uint64]string{numbers})
}

// permissive reads number, name, sources ("a+b"), and keeps the rows whose name is spelt as a good source spells it: the first.
func permissive(path string, good ...string) (map[uint64]string, error) {
	rows, err := readCSV(path)
	if err != nil {
		return nil, err
	}
	numbers := map[uint64]string{}
	for _, row := range rows {
		if first, _, _ := strings.Cut(row[2], "+"); !slices.Contains(good, first) {
			continue
		}
		n, err := strconv.ParseUint(row[0], 10, 32)
		if err != nil {
			return nil, fmt.Errorf("read vendor id %q: %w", row[0], err)
		}
		numbers[n] = row[1]
	}
	return numbers, nil
}

// writeProfinet takes the vendors and the products of their GSDML files.
func writeProfinet(shared, out string) error {
	rows, err := readCSV(filepath.Join(shared, "profinet_device_ids.csv"))
	if err != nil {
		return err
	}
	vendors, products := map[uint64]string{}, map[uint64]string{}
	for _, row := range rows {
		vendor, err := strconv.ParseUint(row[0], 0, 16)
		if err != nil {
			return fmt.Errorf("read vendor id %q: %w", row[0], err)
		}
		device, err := strconv.ParseUint(row[1], 0, 16)
		if err != nil {
			return fmt.Errorf("read device id %q: %w", row[1], err)
		}
		switch vendor {
		case 0x0002, 0x081a: // the vendor of the files is another than the one named
			continue
		}
		if row[2] != "" {
			vendors[vendor] = row[2]
		}
		products[vendor<<16|device] = strings.ReplaceAll(row[4], "_", " ")
	}
	return write(filepath.Join(out, "profinet.bin"), heading{
		name: "profinet-ids", date: "2025-02",
		source:  "names of GSDML files and their vendors, by way of OpenCommissioning/OC_ProfinetDeviceIds",
		licence: "facts; transcription BSD-3-Clause",
	}, []map[uint64]string{vendors, products})
}

// writeOUI takes the longer prefixes and the newest names from oui-data, and 24-bit ones that it lacks from the CSV.
func writeOUI(shared, ouiData, out string) error {
	bySize := map[int]map[uint64]string{36: {}, 28: {}, 24: {}}
	add := func(prefix, name string) error {
		n, err := strconv.ParseUint(prefix, 16, 64)
		size, ok := bySize[4*len(prefix)]
		if err != nil || !ok {
			return fmt.Errorf("read MAC prefix %q: want 6, 7 or 9 hex digits", prefix)
		}
		// The IEEE's own rows stand for ranges that were given out in smaller pieces: they name no maker.
		if !strings.EqualFold(name, "IEEE Registration Authority") && !strings.EqualFold(name, "Private") {
			size[n] = name
		}
		return nil
	}
	rows, err := readCSV(filepath.Join(shared, "ieee_oui.csv"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, row := range rows {
		if len(row) < 4 || strings.Contains(strings.ToLower(row[3]), "nmap") {
			continue
		}
		if err := add(row[0], row[2]); err != nil {
			return err
		}
	}
	file, err := os.ReadFile(ouiData)
	if err != nil {
		return fmt.Errorf("read oui-data: %w", err)
	}
	var newest map[string]string
	if err := json.Unmarshal(file, &newest); err != nil {
		return fmt.Errorf("read oui-data: %w", err)
	}
	for prefix, text := range newest {
		name, _, _ := strings.Cut(text, "\n") // the lines behind are the postal address
		if err := add(prefix, name); err != nil {
			return err
		}
	}
	return write(filepath.Join(out, "oui.bin"), heading{
		name: "ieee-mac-prefixes", date: "2026-08",
		source:  "IEEE Registration Authority (MA-L, MA-M, MA-S), by way of npm oui-data 2.1.9, endobit/oui and PcapPlusPlus",
		licence: "registry facts (IEEE claims no copyright in the listing); transcriptions BSD-2-Clause, Apache-2.0, Unlicense",
	}, []map[uint64]string{bySize[36], bySize[28], bySize[24]})
}

// readCSV gives the rows behind the heading.
func readCSV(path string) ([][]string, error) {
	file, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read registry: %w", err)
	}
	rows, err := csv.NewReader(bytes.NewReader(file)).ReadAll()
	if err != nil {
		return nil, fmt.Errorf("read registry %s: %w", path, err)
	}
	return rows[1:], nil
}

type heading struct{ name, date, source, licence string }

// write packs the columns; the layout is described at unpack in package tables.
func write(path string, head heading, columns []map[uint64]string) error {
	rows := 0
	uses := map[string]int{}
	for _, column := range columns {
		rows += len(column)
		for key, name := range column {
			column[key] = strings.Join(strings.Fields(name), " ")
			uses[column[key]]++
		}
	}
	names := make([]string, 0, len(uses))
	for name := range uses {
		names = append(names, name)
	}
	sort.Strings(names) // sorted neighbours share their beginnings, which zlib likes
	index := map[string]uint64{}
	for i, name := range names {
		index[name] = uint64(i)
	}
	var body []byte
	text := strings.Join(names, "\n")
	body = binary.AppendUvarint(body, uint64(len(text)))
	body = append(body, text...)
	for _, column := range columns {
		keys := make([]uint64, 0, len(column))
		for key := range column {
			keys = append(keys, key)
		}
		sort.Slice(keys, func(i, j int) bool { return keys[i] < keys[j] })
		body = binary.AppendUvarint(body, uint64(len(keys)))
		before := uint64(0)
		for _, key := range keys {
			body = binary.AppendUvarint(body, key-before)
			body = binary.AppendUvarint(body, index[column[key]])
			before = key
		}
	}
	return pack(path, head, rows, body)
}

// pack writes the header and the compressed body.
func pack(path string, head heading, rows int, body []byte) error {
	var file bytes.Buffer
	fmt.Fprintf(&file, "name: %s\nsource: %s\nlicence: %s\ndate: %s\nrows: %d\n\n", head.name, head.source, head.licence, head.date, rows)
	packer, err := zlib.NewWriterLevel(&file, zlib.BestCompression)
	if err != nil {
		return fmt.Errorf("pack %s: %w", head.name, err)
	}
	if _, err := packer.Write(body); err != nil {
		return fmt.Errorf("pack %s: %w", head.name, err)
	}
	if err := packer.Close(); err != nil {
		return fmt.Errorf("pack %s: %w", head.name, err)
	}
	if err := os.WriteFile(path, file.Bytes(), 0o644); err != nil {
		return fmt.Errorf("write table: %w", err)
	}
	fmt.Printf("%s: %d rows, %d bytes\n", path, rows, file.Len())
	return nil
}
