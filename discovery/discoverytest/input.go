package discoverytest

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"reflect"
	"strconv"
)

// input is what a fuzz body is called with: bytes (of a slice or a string) and numbers.
type input []value

type value struct {
	isBytes bool
	bytes   []byte
	number  uint64 // of a bool, 1 is true
}

// set takes the value of an argument. It reports false for a kind that no body here takes.
func (v *value) set(from reflect.Value) bool {
	switch from.Kind() {
	case reflect.Slice:
		b, ok := from.Interface().([]byte)
		v.isBytes, v.bytes = true, bytes.Clone(b)
		return ok
	case reflect.String:
		v.isBytes, v.bytes = true, []byte(from.String())
	case reflect.Bool:
		if from.Bool() {
			v.number = 1
		}
	default:
		switch {
		case from.CanInt():
			v.number = uint64(from.Int())
		case from.CanUint():
			v.number = from.Uint()
		default:
			return false
		}
	}
	return true
}

// copyFrom makes the input a copy of another one of its kind, in the room that it has.
func (in input) copyFrom(other input) {
	for i := range in {
		in[i].isBytes, in[i].number = other[i].isBytes, other[i].number
		in[i].bytes = append(in[i].bytes[:0], other[i].bytes...)
	}
}

// give puts the values into the arguments.
func (in input) give(args []reflect.Value) {
	for i, v := range in {
		switch to := args[i]; to.Kind() {
		case reflect.Slice:
			to.SetBytes(v.bytes[:len(v.bytes):len(v.bytes)])
		case reflect.String:
			to.SetString(string(v.bytes))
		case reflect.Bool:
			to.SetBool(v.number&1 != 0)
		default:
			if to.CanInt() {
				to.SetInt(int64(v.number))
			} else {
				to.SetUint(v.number)
			}
		}
	}
}

// text is the input in the form of the Go tool's corpus files.
func (in input) text(args []reflect.Value) []byte {
	in.give(args)
	out := []byte("go test fuzz v1\n")
	for _, arg := range args {
		switch arg.Kind() {
		case reflect.Slice:
			out = fmt.Appendf(out, "[]byte(%q)\n", arg.Bytes())
		case reflect.String:
			out = fmt.Appendf(out, "string(%q)\n", arg.String())
		default:
			out = fmt.Appendf(out, "%s(%v)\n", arg.Type(), arg)
		}
	}
	return out
}

// parseInput reads such a file.
func parseInput(text []byte) ([]any, error) {
	lines := bytes.Split(bytes.TrimRight(text, "\n"), []byte("\n"))
	if string(bytes.TrimSpace(lines[0])) != "go test fuzz v1" {
		return nil, fmt.Errorf("it begins with %.40q", lines[0])
	}
	var out []any
	for _, line := range lines[1:] {
		arg, err := parseValue(string(line))
		if err != nil {
			return nil, fmt.Errorf("line %.80q: %w", line, err)
		}
		out = append(out, arg)
	}
	return out, nil
}

// parseValue reads a conversion of a literal: []byte("x"), string("x"), uint8(3), byte('x'), int(-1), bool(true).
func parseValue(line string) (any, error) {
	expression, err := parser.ParseExpr(line)
	if err != nil {
		return nil, err
	}
	call, ok := expression.(*ast.CallExpr)
	if !ok || len(call.Args) != 1 {
		return nil, fmt.Errorf("not a conversion")
	}
	sign, operand := "", call.Args[0]
	if minus, ok := operand.(*ast.UnaryExpr); ok && minus.Op == token.SUB {
		sign, operand = "-", minus.X
	}
	word := ""
	switch x := operand.(type) {
	case *ast.BasicLit:
		word = x.Value
		switch x.Kind {
		case token.STRING:
			word, err = strconv.Unquote(x.Value)
		case token.CHAR:
			var char rune
			char, _, _, err = strconv.UnquoteChar(x.Value[1:], '\'')
			word = strconv.Itoa(int(char))
		}
		if err != nil {
			return nil, err
		}
	case *ast.Ident:
		word = x.Name
	}
	if _, slice := call.Fun.(*ast.ArrayType); slice {
		return []byte(word), nil
	}
	name, ok := call.Fun.(*ast.Ident)
	if !ok {
		return nil, fmt.Errorf("not a conversion")
	}
	return convert(name.Name, sign+word)
}

func convert(to, word string) (any, error) {
	types := map[string]reflect.Type{
		"int": reflect.TypeFor[int](), "int8": reflect.TypeFor[int8](), "int16": reflect.TypeFor[int16](), "int32": reflect.TypeFor[int32](),
		"int64": reflect.TypeFor[int64](), "rune": reflect.TypeFor[rune](), "uint": reflect.TypeFor[uint](), "byte": reflect.TypeFor[byte](),
		"uint8": reflect.TypeFor[uint8](), "uint16": reflect.TypeFor[uint16](), "uint32": reflect.TypeFor[uint32](), "uint64": reflect.TypeFor[uint64](),
	}
	switch to {
	case "string":
		return word, nil
	case "bool":
		return strconv.ParseBool(word)
	}
	kind, ok := types[to]
	if !ok {
		return nil, fmt.Errorf("type %q", to)
	}
	v := reflect.New(kind).Elem()
	if v.CanInt() {
		n, err := strconv.ParseInt(word, 0, kind.Bits())
		v.SetInt(n)
		return v.Interface(), err
	}
	n, err := strconv.ParseUint(word, 0, kind.Bits())
	v.SetUint(n)
	return v.Interface(), err
}
