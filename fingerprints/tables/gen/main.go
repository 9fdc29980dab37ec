// Gen makes the packed registries of package tables out of CSV transcriptions.
//
//	go run ./gen [-shared DIR] [-oui-data FILE]
//
// DIR holds ieee_oui.csv (prefix, bits, organization, source) and iana_enterprise_numbers.csv (number, organization); FILE is
// index.json of the npm package oui-data, which adds the 28- and 36-bit prefixes and newer 24-bit ones. Rows of the CSV whose
// source is nmap stand under the NPSL and are left out. A source that is absent leaves its table as it is.
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
	"sort"
	"strconv"
	"strings"
)

func main() {
	shared := flag.String("shared", "../../../shared/tables", "folder of the CSV files")
	ouiData := flag.String("oui-data", "", "index.json of the npm package oui-data")
	out := flag.String("out", ".", "folder to write to")
	flag.Parse()
	if err := run(*shared, *ouiData, *out); err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}

func run(shared, ouiData, out string) error {
	if ouiData == "" {
		fmt.Fprintln(os.Stderr, "gen: no -oui-data, oui.bin stays as it is")
	} else if err := writeOUI(shared, ouiData, out); err != nil {
		return err
	}
	rows, err := readCSV(filepath.Join(shared, "iana_enterprise_numbers.csv"))
	if errors.Is(err, fs.ErrNotExist) {
		fmt.Fprintln(os.Stderr, "gen: no iana_enterprise_numbers.csv, enterprises.bin stays as it is")
		return nil
	}
	if err != nil {
		return err
	}
	numbers := map[uint64]string{}
	for _, row := range rows {
		n, err := strconv.ParseUint(row[0], 10, 32)
		if err != nil {
			return fmt.Errorf("read enterprise number %q: %w", row[0], err)
		}
		name, _, _ := strings.Cut(row[1], " # ") // "formerly ..." stands behind
		numbers[n] = name
	}
	return write(filepath.Join(out, "enterprises.bin"), heading{
		name: "iana-enterprise-numbers", date: "2024-08-23",
		source:  "IANA, Private Enterprise Numbers, by way of enterprises.tsv of wireshark (Debian 12)",
		licence: "registry facts; the transcription that they were taken from is GPL-2.0",
	}, []map[uint64]string{numbers})
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
