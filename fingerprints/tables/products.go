package tables

import (
	"bufio"
	"bytes"
	"compress/zlib"
	_ "embed" // for the table
	"fmt"
	"io"
	"maps"
	"strings"
	"sync"
)

//go:embed products.bin
var productsFile []byte

// Product is what a maker's list of products calls the devices with an object identifier (sysObjectID). What the list does not tell
// is empty; the list of a series names a family alone.
type Product struct{ Family, Model, OrderNumber string }

// ParseProduct reads "model", "family|model" or "family|model|order number".
func ParseProduct(text string) Product {
	parts := strings.Split(text, "|")
	for len(parts) < 3 {
		parts = append(parts, "")
	}
	if !strings.Contains(text, "|") {
		return Product{Model: clean(text)}
	}
	return Product{Family: clean(parts[0]), Model: clean(parts[1]), OrderNumber: clean(parts[2])}
}

// String is what ParseProduct reads.
func (p Product) String() string {
	switch {
	case p.OrderNumber != "":
		return p.Family + "|" + p.Model + "|" + p.OrderNumber
	case p.Family != "":
		return p.Family + "|" + p.Model
	}
	return p.Model
}

// Products tells the products behind object identifiers.
type Products struct {
	rows func() map[string]Product
	own  map[string]Product
}

// Lookup gives the product that has this object identifier, which may begin with a dot.
func (p Products) Lookup(oid string) (Product, bool) {
	oid, ok := strings.CutPrefix(strings.TrimPrefix(oid, "."), enterprises)
	if !ok {
		return Product{}, false
	}
	if product, ok := p.own[oid]; ok {
		return product, true
	}
	product, ok := p.rows()[oid]
	return product, ok
}

const enterprises = "1.3.6.1.4.1."

// lazyProducts unpacks a table at its first use.
func lazyProducts(file []byte) func() map[string]Product {
	return sync.OnceValue(func() map[string]Product {
		rows, _ := unpackProducts(file) // the embedded one is proved by the tests, a user's before it is taken
		return rows
	})
}

// unpackProducts reads lines of an object identifier without 1.3.6.1.4.1, a tab, and the product.
func unpackProducts(file []byte) (map[string]Product, error) {
	_, packed := header(file)
	stream, err := zlib.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, fmt.Errorf("unpack table: %w", err)
	}
	rows := map[string]Product{}
	lines := bufio.NewScanner(io.LimitReader(stream, maxTable))
	for lines.Scan() {
		oid, text, ok := strings.Cut(lines.Text(), "\t")
		if !ok || len(rows) >= maxRows {
			return nil, fmt.Errorf("unpack table: line %d is no product", len(rows)+1)
		}
		rows[oid] = ParseProduct(text)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("unpack table: %w", err)
	}
	return rows, nil
}

// ReadProducts reads a CSV with a column of object identifiers (oid, sysobjectid) and one of products (product, model, name), which
// are spelt as ParseProduct reads them.
func ReadProducts(from io.Reader) (map[string]Product, error) {
	out := map[string]Product{}
	err := readRows(from, []string{"oid", "sysobjectid"}, []string{"product", "model", "name"}, func(id, name string) error {
		oid, ok := strings.CutPrefix(strings.TrimPrefix(id, "."), enterprises)
		if !ok || strings.Trim(oid, ".0123456789") != "" {
			return fmt.Errorf("%q is no object identifier below 1.3.6.1.4.1", id)
		}
		out[oid] = ParseProduct(name)
		return nil
	})
	return out, err
}

// products takes a user's file over the table.
func (s *Set) products(file []byte) (Info, error) {
	rows, err := ReadProducts(bytes.NewReader(file))
	if err != nil {
		return Info{}, err
	}
	own := maps.Clone(s.Products.own)
	if own == nil {
		own = map[string]Product{}
	}
	maps.Copy(own, rows)
	s.Products.own = own
	return Info{Rows: len(rows)}, nil
}

// packedProducts takes a table of ours instead of the embedded one.
func packedProducts(s *Set, file []byte) (Info, error) {
	rows, err := unpackProducts(file)
	if err != nil {
		return Info{}, err
	}
	info, _ := header(file)
	s.Products.rows = func() map[string]Product { return rows }
	return info, nil
}
