package main

import (
	"cmp"
	_ "embed" // for products.txt
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/walkdown-ot/walkdown/fingerprints/tables"
)

//go:embed products.txt
var productsText string

// listing is what products.txt says of one module.
type listing struct {
	file    string
	at      map[string]string // object id of a name
	under   string
	drop    []*regexp.Regexp
	spell   []spelling
	capital []*regexp.Regexp
}

type spelling struct {
	re *regexp.Regexp
	to string
}

// parseListings reads products.txt.
func parseListings(text string) ([]listing, error) {
	var out []listing
	for n, line := range strings.Split(text, "\n") {
		word, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		if word == "" || word == "#" {
			continue
		}
		if word == "mib" {
			out = append(out, listing{file: rest, at: map[string]string{"enterprises": "1.3.6.1.4.1"}})
			continue
		}
		if len(out) == 0 {
			return nil, fmt.Errorf("products.txt:%d: %s stands before a mib", n+1, word)
		}
		l := &out[len(out)-1]
		pattern, to, _ := strings.Cut(rest, " => ")
		re, err := regexp.Compile(pattern)
		if err != nil {
			return nil, fmt.Errorf("products.txt:%d: %w", n+1, err)
		}
		switch word {
		case "at":
			name, oid, _ := strings.Cut(rest, " ")
			l.at[name] = oid
		case "under":
			l.under = rest
		case "drop":
			l.drop = append(l.drop, re)
		case "s":
			l.spell = append(l.spell, spelling{re, to})
		case "upper":
			l.capital = append(l.capital, re)
		default:
			return nil, fmt.Errorf("products.txt:%d: unknown word %q", n+1, word)
		}
	}
	return out, nil
}

// spelt makes a product of a name; false when it is none.
func (l listing) spelt(name string) (tables.Product, bool) {
	for _, re := range l.drop {
		if re.MatchString(name) {
			return tables.Product{}, false
		}
	}
	text, changed := name, false
	for _, s := range l.spell {
		if s.re.MatchString(text) {
			text, changed = s.re.ReplaceAllString(text, s.to), true
		}
	}
	if !changed {
		return tables.Product{}, false
	}
	p := tables.ParseProduct(text)
	for _, re := range l.capital {
		if re.MatchString(text) {
			p.Model = strings.ToUpper(p.Model)
			break
		}
	}
	return p, p != tables.Product{}
}

// A definition of a name: under another name, or under the root where that is none.
var (
	mibComment    = regexp.MustCompile(`--[^\n]*`)
	mibText       = regexp.MustCompile(`"[^"]*"`)
	mibDefinition = regexp.MustCompile(`(?s)\b([a-z][\w-]*)\s+(?:OBJECT\s+IDENTIFIER|OBJECT-IDENTITY\b[^{}]*?|MODULE-IDENTITY\b[^{}]*?)\s*::=\s*\{\s*([a-zA-Z][\w-]*)((?:\s+(?:[\w-]+\s*\(\s*)?\d+\s*\)?)+)\s*\}`)
	mibNumber     = regexp.MustCompile(`(\d+)\s*\)?\s*(?:\s|$)`)
)

// objects are the object ids of all names in the files.
func (l listing) objects(dir string) (map[string]string, error) {
	paths, err := filepath.Glob(filepath.Join(dir, l.file))
	if err != nil || len(paths) == 0 {
		return nil, fmt.Errorf("read products: no file %s in %s", l.file, dir)
	}
	out := map[string]string{}
	for _, path := range paths {
		file, err := os.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("read products: %w", err)
		}
		l.addObjects(string(file), out)
	}
	return out, nil
}

// addObjects adds the object ids of the names in a module.
func (l listing) addObjects(module string, out map[string]string) {
	text := mibText.ReplaceAllString(mibComment.ReplaceAllString(module, ""), "")
	type definition struct{ parent, arcs string }
	defined := map[string]definition{}
	for _, m := range mibDefinition.FindAllStringSubmatch(text, -1) {
		var arcs []string
		for _, n := range mibNumber.FindAllStringSubmatch(m[3], -1) {
			arcs = append(arcs, n[1])
		}
		defined[m[1]] = definition{m[2], strings.Join(arcs, ".")}
	}
	for name := range defined {
		oid, at := "", name
		for range 30 {
			if known, ok := l.at[at]; ok {
				oid = known + oid
				break
			}
			d, ok := defined[at]
			if !ok {
				oid = ""
				break
			}
			oid, at = "."+d.arcs+oid, d.parent
		}
		if strings.HasPrefix(oid, "1.3.6.1.4.1.") {
			out[name] = oid
		}
	}
}

// writeProducts takes the lists of products out of the folder of netdisco-mibs.
func writeProducts(mibs, out string) error {
	listings, err := parseListings(productsText)
	if err != nil {
		return err
	}
	products := map[string]tables.Product{}
	for _, l := range listings {
		objects, err := l.objects(mibs)
		if err != nil {
			return err
		}
		taken := 0
		for _, name := range slices.Sorted(maps.Keys(objects)) {
			oid := objects[name]
			if !strings.HasPrefix(oid+".", l.under+".") && l.under != "" {
				continue
			}
			if p, ok := l.spelt(name); ok {
				products[oid] = p
				taken++
			}
		}
		fmt.Printf("%s: %d of %d names\n", l.file, taken, len(objects))
	}
	oids := slices.SortedFunc(maps.Keys(products), compareOIDs)
	var body strings.Builder
	for _, oid := range oids {
		fmt.Fprintf(&body, "%s\t%s\n", strings.TrimPrefix(oid, "1.3.6.1.4.1."), products[oid])
	}
	return pack(filepath.Join(out, "products.bin"), heading{
		name: "sysobjectid-products", date: "2026-08",
		source:  "the lists of products in the MIBs of 28 makers, by way of netdisco-mibs: numbers and names, respelt",
		licence: "facts: object identifiers and the names of products",
	}, len(oids), []byte(body.String()))
}

func compareOIDs(a, b string) int {
	x, y := strings.Split(a, "."), strings.Split(b, ".")
	return slices.CompareFunc(x, y, func(a, b string) int {
		m, _ := strconv.Atoi(a)
		n, _ := strconv.Atoi(b)
		return cmp.Compare(m, n)
	})
}
