package sqlite

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/walkdown-ot/walkdown/inventory"
)

// assetOf reads the body of an asset.
func assetOf(id string, body []byte) (inventory.Asset, error) {
	var a inventory.Asset
	b := bodyReader{rest: body}
	if !readAsset(&b, reflect.ValueOf(&a).Elem()) || len(b.rest) > 0 {
		a = inventory.Asset{}
		if err := json.Unmarshal(body, &a); err != nil {
			return a, fmt.Errorf("%w: asset %s: %w", ErrDamaged, id, err)
		}
	}
	a.ID = id
	return a, nil
}

// readAsset reads the JSON of an asset as this walkdown writes it, and leaves whatever looks otherwise to encoding/json. That takes two
// to three times as long, which is most of what a long list takes.
var readAsset = readerOf(reflect.TypeFor[inventory.Asset]())

// A readFunc takes a value off a body, or reports that encoding/json must.
type readFunc func(*bodyReader, reflect.Value) bool

// readerOf makes the reader of a type, by the same tags that encoding/json goes by.
func readerOf(t reflect.Type) readFunc {
	switch t.Kind() {
	case reflect.String:
		return func(b *bodyReader, v reflect.Value) bool {
			text, ok := b.text()
			v.SetString(text)
			return ok
		}
	case reflect.Uint16, reflect.Float32:
		return numberReader(t)
	case reflect.Slice:
		return listReader(t)
	case reflect.Map:
		return mapReader(t)
	case reflect.Struct:
		return structReader(t)
	}
	return func(*bodyReader, reflect.Value) bool { return false }
}

func numberReader(t reflect.Type) readFunc {
	return func(b *bodyReader, v reflect.Value) bool {
		text := b.number()
		if t.Kind() == reflect.Float32 {
			number, err := strconv.ParseFloat(text, t.Bits())
			v.SetFloat(number)
			return err == nil
		}
		number, err := strconv.ParseUint(text, 10, t.Bits())
		v.SetUint(number)
		return err == nil
	}
}

func listReader(t reflect.Type) readFunc {
	read := readerOf(t.Elem())
	return func(b *bodyReader, v reflect.Value) bool {
		if !v.IsNil() {
			return false // it came before
		}
		v.Set(reflect.MakeSlice(t, 0, 0))
		return b.members('[', ']', func() bool {
			n := v.Len()
			v.Grow(1)
			v.SetLen(n + 1)
			return read(b, v.Index(n))
		})
	}
}

func mapReader(t reflect.Type) readFunc {
	read := readerOf(t.Elem())
	return func(b *bodyReader, v reflect.Value) bool {
		if !v.IsNil() {
			return false
		}
		v.Set(reflect.MakeMap(t))
		element := reflect.New(t.Elem()).Elem()
		return b.members('{', '}', func() bool {
			key, ok := b.text()
			if !ok || !b.skip(":") || !read(b, element) {
				return false
			}
			v.SetMapIndex(reflect.ValueOf(key), element)
			return true
		})
	}
}

func structReader(t reflect.Type) readFunc {
	type field struct {
		index []int
		read  readFunc
	}
	fields := map[string]field{}
	for _, f := range reflect.VisibleFields(t) {
		if name, _, _ := strings.Cut(f.Tag.Get("json"), ","); name != "" && f.IsExported() {
			fields[name] = field{f.Index, readerOf(f.Type)}
		}
	}
	return func(b *bodyReader, v reflect.Value) bool {
		return b.members('{', '}', func() bool {
			name, ok := b.plain()
			f, known := fields[string(name)]
			return ok && known && b.skip(":") && f.read(b, v.FieldByIndex(f.index))
		})
	}
}

// bodyReader is what is left to be read of a body.
type bodyReader struct{ rest []byte }

// skip takes a piece of text off, if it is next.
func (b *bodyReader) skip(text string) bool {
	if len(b.rest) < len(text) || string(b.rest[:len(text)]) != text {
		return false
	}
	b.rest = b.rest[len(text):]
	return true
}

// members reads what stands between brackets, separated by commas.
func (b *bodyReader) members(open, shut byte, member func() bool) bool {
	if len(b.rest) < 2 || b.rest[0] != open {
		return false
	}
	if b.rest = b.rest[1:]; b.rest[0] == shut {
		b.rest = b.rest[1:]
		return true
	}
	for member() && len(b.rest) > 0 {
		next := b.rest[0]
		b.rest = b.rest[1:]
		if next != ',' {
			return next == shut
		}
	}
	return false
}

// plain reads a string without anything that is written otherwise than it reads. The bytes are the body's.
func (b *bodyReader) plain() ([]byte, bool) {
	if len(b.rest) == 0 || b.rest[0] != '"' {
		return nil, false
	}
	ascii := true
	for i := 1; i < len(b.rest); i++ {
		switch c := b.rest[i]; {
		case c == '"':
			text := b.rest[1:i]
			if !ascii && !utf8.Valid(text) {
				return nil, false
			}
			b.rest = b.rest[i+1:]
			return text, true
		case c == '\\' || c < ' ':
			return nil, false
		case c >= utf8.RuneSelf:
			ascii = false
		}
	}
	return nil, false
}

// text reads a string.
func (b *bodyReader) text() (string, bool) {
	if text, ok := b.plain(); ok {
		return string(text), true
	}
	for i := 1; i < len(b.rest); i++ {
		switch b.rest[i] {
		case '\\':
			i++
		case '"':
			var text string
			err := json.Unmarshal(b.rest[:i+1], &text)
			b.rest = b.rest[i+1:]
			return text, err == nil
		}
	}
	return "", false
}

// number gives the next digits, with a fraction or without. What else JSON knows of numbers does not occur.
func (b *bodyReader) number() string {
	n := 0
	for n < len(b.rest) && (b.rest[n] >= '0' && b.rest[n] <= '9' || b.rest[n] == '.' && n > 0) {
		n++
	}
	text := string(b.rest[:n])
	if n > 1 && text[0] == '0' && text[1] != '.' || strings.HasSuffix(text, ".") {
		return "" // not as it is written
	}
	b.rest = b.rest[n:]
	return text
}
