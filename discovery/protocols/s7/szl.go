package s7

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/wire"
)

// The system status lists (SZL) that name a device, by the low byte of the id. The high byte says which module class and which
// part of the list: 0011 is all of it, 0111 one record, 0F11 its header alone.
const (
	listModules    = 0x11 // identification of the module
	listComponents = 0x1c // identification of the components
	headerAlone    = 0x0f00
)

// Sizes of a list: id 2, index 2, length of a record 2, number of records 2, records.
const (
	szlHeader       = 8
	moduleRecord    = 28
	componentRecord = 34
	maxRecords      = 64
)

// list is one system status list.
type list struct {
	id      uint16
	size    int // of a record
	count   int
	records []byte
}

// names reports whether the list is one of those that name a device, and looks like one: only such are put together from parts.
func (l list) names() bool {
	if l.id&headerAlone == headerAlone {
		return false
	}
	switch uint8(l.id) {
	case listModules:
		return l.size == moduleRecord
	case listComponents:
		return l.size == componentRecord
	}
	return false
}

// parseList reads the header. What is too short for one is the end of a list whose beginning was not heard.
func parseList(b []byte) (l list, ok bool) {
	r := wire.NewReader(b)
	l.id = r.Uint16()
	r.Skip(2) // index
	l.size, l.count = int(r.Uint16()), int(r.Uint16())
	l.records = r.Rest()
	return l, r.Err() == nil
}

// facts are those of all records. Those of the records before a damage are returned with the error.
func (l list) facts() ([]discovery.Fact, error) {
	var out []discovery.Fact
	if !l.names() {
		return nil, nil
	}
	r := wire.NewReader(l.records)
	for i := range min(l.count, maxRecords) {
		record := r.Sub(l.size)
		if r.Err() != nil {
			return out, fmt.Errorf("read SZL %04x: record %d of %d at byte %d: %w", l.id, i+1, l.count, szlHeader+i*l.size, io.ErrUnexpectedEOF)
		}
		if uint8(l.id) == listModules {
			out = append(out, module(&record)...)
		} else {
			out = append(out, component(&record)...)
		}
	}
	return out, nil
}

// The records of the list of modules, by index.
const (
	ofModule            = 0x0001
	ofHardware          = 0x0006
	ofFirmware          = 0x0007
	ofFirmwareExtension = 0x0081
)

// module reads a record: index 2, order number 20, type of module 2, version 2 and 2. Of hardware the first of these is the
// release; of firmware the two are a letter, major, minor and patch.
func module(r *wire.Reader) []discovery.Fact {
	var out facts
	index := r.Uint16()
	text := r.Bytes(20)
	r.Skip(2) // type of module
	a, b, c, d := r.Uint8(), r.Uint8(), r.Uint8(), r.Uint8()
	version := ""
	if a > ' ' && a <= '~' {
		version = fmt.Sprintf("%c%d.%d.%d", a, b, c, d)
	}
	switch index {
	case ofModule:
		out.text(KeyOrderNumber, text)
	case ofHardware:
		out.text(KeyHardwareOrderNumber, text)
		if a == 0 && b != 0 { // some fill it with blanks
			out.add(KeyHardwareVersion, fmt.Sprint(b))
		}
	case ofFirmware:
		if version != "" {
			out.add(KeyFirmwareVersion, version)
		}
	case ofFirmwareExtension:
		if version != "" {
			out.add(KeyFirmwareExtension, strings.Trim(string(text), " \x00")+" "+version)
		}
	}
	return out
}

// componentKeys are the texts in the list of components, by index.
var componentKeys = [...]discovery.Key{
	1: KeyPLCName, 2: KeyModuleName, 3: KeyPlant, 4: KeyCopyright, 5: KeySerialNumber, 7: KeyModuleTypeName, 8: KeyMemoryCardSerial, 11: KeyLocation,
}

// The records that are not plain texts, and the length of the text in those that have something behind it.
const (
	ofManufacturer = 9
	ofOEM          = 10
	oemText        = 26
)

// component reads a record: index 2, and 32 bytes that are a text, filled up with zeros, or for index 9 the manufacturer's number
// (those of PROFIBUS & PROFINET International) and a profile, for index 10 a text of 26, a number 2 and another 4.
func component(r *wire.Reader) []discovery.Fact {
	var out facts
	index := int(r.Uint16())
	value := r.Rest()
	switch {
	case index == ofManufacturer:
		if id := uint16(value[0])<<8 | uint16(value[1]); id != 0 {
			out.add(KeyManufacturer, fmt.Sprintf("0x%04X", id))
		}
	case index == ofOEM:
		out.text(KeyOEM, value[:oemText])
	case index < len(componentKeys) && componentKeys[index] != "":
		out.text(componentKeys[index], value)
	}
	return out
}

// facts collects.
type facts []discovery.Fact

func (f *facts) add(key discovery.Key, value string) { *f = append(*f, discovery.NewFact(key, value)) }

// text adds a text that is filled up with zeros or blanks, if there is one.
func (f *facts) text(key discovery.Key, value []byte) {
	value, _, _ = bytes.Cut(value, []byte{0})
	if fact := discovery.NewFact(key, string(value)); fact.Value != "" {
		*f = append(*f, fact)
	}
}
