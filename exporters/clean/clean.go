// Package clean makes values fit for documents that keep their structure, such as JSON: whatever a device or a person has called
// something, its texts do no harm where they are shown.
package clean

import (
	"math"
	"reflect"

	"github.com/walkdown-ot/walkdown/discovery"
)

// mostText is the longest text that is left, in bytes.
const mostText = 4096

// Value gives a copy of a value whose texts are clean (no control or bidirectional marks, not longer than mostText) and whose numbers
// JSON can hold. Fields of a struct that are not exported are as they were.
func Value[T any](value T) T {
	v := reflect.ValueOf(&value).Elem()
	v.Set(cleaned(v))
	return value
}

func cleaned(v reflect.Value) reflect.Value {
	switch v.Kind() {
	case reflect.String:
		text := discovery.Text(v.String())
		if len(text) > mostText {
			text = discovery.Text(text[:mostText])
		}
		out := reflect.New(v.Type()).Elem()
		out.SetString(text)
		return out
	case reflect.Float32, reflect.Float64:
		if f := v.Float(); math.IsNaN(f) || math.IsInf(f, 0) {
			return reflect.Zero(v.Type())
		}
	case reflect.Struct:
		out := reflect.New(v.Type()).Elem()
		out.Set(v)
		for i := range out.NumField() {
			if field := out.Field(i); field.CanSet() {
				field.Set(cleaned(field))
			}
		}
		return out
	case reflect.Pointer:
		if !v.IsNil() {
			out := reflect.New(v.Type().Elem())
			out.Elem().Set(cleaned(v.Elem()))
			return out
		}
	case reflect.Interface:
		if !v.IsNil() {
			return cleaned(v.Elem())
		}
	case reflect.Slice:
		if !v.IsNil() {
			out := reflect.MakeSlice(v.Type(), v.Len(), v.Len())
			for i := range v.Len() {
				out.Index(i).Set(cleaned(v.Index(i)))
			}
			return out
		}
	case reflect.Map:
		if !v.IsNil() {
			out := reflect.MakeMapWithSize(v.Type(), v.Len())
			for _, key := range v.MapKeys() {
				out.SetMapIndex(cleaned(key), cleaned(v.MapIndex(key)))
			}
			return out
		}
	}
	return v
}
