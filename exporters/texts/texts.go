// Package texts goes through every text of a value, whatever its shape: to make it fit for a page, or to take addresses out.
package texts

import (
	"math"
	"net/netip"
	"reflect"

	"github.com/walkdown-ot/walkdown/discovery"
)

// Change is what is done to the parts of a value; what is nil leaves them as they are.
type Change struct {
	Text func(string) string
	Addr func(netip.Addr) netip.Addr
	MAC  func(discovery.MAC) discovery.MAC
}

// Map gives a changed copy of a value. Numbers that JSON cannot hold become 0. Fields that are not exported are as they were.
func Map[T any](value T, c Change) T {
	v := reflect.ValueOf(&value).Elem()
	v.Set(c.changed(v))
	return value
}

var (
	addrType = reflect.TypeFor[netip.Addr]()
	macType  = reflect.TypeFor[discovery.MAC]()
)

func (c Change) changed(v reflect.Value) reflect.Value {
	switch {
	case v.Type() == addrType:
		if c.Addr != nil {
			return reflect.ValueOf(c.Addr(v.Interface().(netip.Addr)))
		}
		return v
	case v.Type() == macType:
		if c.MAC != nil {
			return reflect.ValueOf(c.MAC(v.Interface().(discovery.MAC)))
		}
		return v
	}
	switch v.Kind() {
	case reflect.String:
		if c.Text != nil {
			out := reflect.New(v.Type()).Elem()
			out.SetString(c.Text(v.String()))
			return out
		}
	case reflect.Float32, reflect.Float64:
		if f := v.Float(); math.IsNaN(f) || math.IsInf(f, 0) {
			return reflect.Zero(v.Type())
		}
	case reflect.Struct:
		out := reflect.New(v.Type()).Elem()
		out.Set(v)
		for i := range out.NumField() {
			if field := out.Field(i); field.CanSet() {
				field.Set(c.changed(field))
			}
		}
		return out
	case reflect.Pointer:
		if !v.IsNil() {
			out := reflect.New(v.Type().Elem())
			out.Elem().Set(c.changed(v.Elem()))
			return out
		}
	case reflect.Interface:
		if !v.IsNil() {
			return c.changed(v.Elem())
		}
	case reflect.Slice:
		if !v.IsNil() && v.Type().Elem().Kind() != reflect.Uint8 {
			out := reflect.MakeSlice(v.Type(), v.Len(), v.Len())
			for i := range v.Len() {
				out.Index(i).Set(c.changed(v.Index(i)))
			}
			return out
		}
	case reflect.Map:
		if !v.IsNil() {
			out := reflect.MakeMapWithSize(v.Type(), v.Len())
			for _, key := range v.MapKeys() {
				out.SetMapIndex(c.changed(key), c.changed(v.MapIndex(key)))
			}
			return out
		}
	}
	return v
}
