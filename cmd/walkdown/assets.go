package main

import (
	"iter"
	"strconv"
	"strings"

	"github.com/walkdown-ot/walkdown/inventory"
)

type assetsCmd struct {
	Limit int `placeholder:"N" help:"Only the first N, by site, segment and address."`
}

// Help is shown below the flags.
func (assetsCmd) Help() string {
	return "The JSON form is described in docs/json.md. A field that is not known is empty. The first rows come at once, however many follow."
}

// Run prints the inventory.
func (c assetsCmd) Run(a *app) error {
	if c.Limit < 0 {
		return usage("", "--limit must be more than 0")
	}
	store, err := a.openToRead()
	if err != nil {
		return err
	}
	defer store.Close() //nolint:errcheck // it was only read
	return list(a, atMost(store.Assets(a.ctx), c.Limit), assetColumns(), "the inventory is empty")
}

// atMost gives the first n rows; all for 0.
func atMost[T any](rows iter.Seq2[T, error], n int) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		left := n
		for row, err := range rows {
			if left--; !yield(row, err) || left == 0 {
				return
			}
		}
	}
}

// assetColumns are those of the table of assets, here and at the end of a survey.
func assetColumns() []column[inventory.Asset] {
	return []column[inventory.Asset]{
		{"Address", firstAddress, 0},
		{"MAC", firstMAC, 4},
		{"Name", func(v inventory.Asset) string { return v.Name }, 0},
		{"Vendor", func(v inventory.Asset) string { return orMAC(orDoubt(v, "vendor", v.Vendor), v.MACVendor) }, 0},
		{"Model", func(v inventory.Asset) string {
			return first(orDoubt(v, "model", v.Model), orDoubt(v, "order_number", v.OrderNumber), orDoubt(v, "family", v.Family))
		}, 0},
		{"Firmware", func(v inventory.Asset) string {
			return first(orDoubt(v, "firmware", v.Firmware), orDoubt(v, "firmware_raw", v.FirmwareRaw))
		}, 0},
		{"Serial", func(v inventory.Asset) string { return orDoubt(v, "serial", v.Serial) }, 2},
		{"Type", func(v inventory.Asset) string { return first(orDoubt(v, "type", v.Type), v.Role) }, 0},
		{"Protocols", func(v inventory.Asset) string { return strings.Join(v.Protocols, " ") }, 1},
		{"Parts", func(v inventory.Asset) string { return count(len(v.Components)) }, 3},
		{"Segment", func(v inventory.Asset) string { return unlessDefault(v.Segment) }, 0},
		{"Sure", func(v inventory.Asset) string { return percent(v.Confidence) }, 5},
		{"ID", func(v inventory.Asset) string { return v.ID }, 6},
	}
}

// firstAddress is the first IP, else the first MAC: what the row is known by.
func firstAddress(v inventory.Asset) string {
	for _, address := range v.Addresses {
		if address.IP != "" {
			return address.IP
		}
	}
	return firstMAC(v)
}

func firstMAC(v inventory.Asset) string {
	for _, address := range v.Addresses {
		if address.MAC != "" {
			return address.MAC
		}
	}
	return ""
}

// first is the first of the texts that is not empty.
func first(texts ...string) string {
	for _, text := range texts {
		if text != "" {
			return text
		}
	}
	return ""
}

// doubtBelow is the confidence below which a value is shown with a question mark.
const doubtBelow = 0.6

// orDoubt marks a value that is a guess rather than a nameplate; the JSON form has its confidence. What only a person knows is not doubted.
func orDoubt(v inventory.Asset, key, value string) string {
	if sure, ok := v.Confidences[key]; ok && v.Seen != "" && value != "" && sure < doubtBelow {
		return value + " ?"
	}
	return value
}

// orMAC marks the maker of the network chip, which need not be the maker of the device.
func orMAC(vendor, chip string) string {
	if vendor == "" && chip != "" {
		return "(" + chip + ")"
	}
	return vendor
}

func unlessDefault(name string) string {
	if name == "default" {
		return ""
	}
	return name
}

func count(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

func percent(confidence float32) string {
	if confidence == 0 {
		return ""
	}
	return strconv.Itoa(int(confidence*100+0.5)) + " %"
}
