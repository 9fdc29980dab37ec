package texts_test

import (
	"math"
	"net/netip"
	"reflect"
	"strings"
	"testing"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/exporters/texts"
)

func TestEveryTextIsChangedInACopy(t *testing.T) {
	type part struct {
		Name string
		Addr netip.Addr
		MAC  discovery.MAC
	}
	type whole struct {
		Title  string
		Parts  []part
		Notes  map[string]string
		Next   *whole
		Any    any
		Raw    []byte
		Sure   float32
		secret string
	}
	before := whole{
		Title: "a", Parts: []part{{"b", netip.MustParseAddr("10.0.0.1"), discovery.MAC{1}}}, Notes: map[string]string{"c": "d"}, Next: &whole{Title: "e"},
		Any: []any{"f", 1}, Raw: []byte("g"), Sure: float32(math.NaN()), secret: "h",
	}
	after := texts.Map(before, texts.Change{
		Text: strings.ToUpper, Addr: func(netip.Addr) netip.Addr { return netip.IPv4Unspecified() }, MAC: func(discovery.MAC) discovery.MAC { return discovery.MAC{2} },
	})
	want := whole{
		Title: "A", Parts: []part{{"B", netip.IPv4Unspecified(), discovery.MAC{2}}}, Notes: map[string]string{"C": "D"}, Next: &whole{Title: "E"},
		Any: []any{"F", 1}, Raw: []byte("g"), secret: "h",
	}
	if !reflect.DeepEqual(after, want) {
		t.Errorf("got %+v, want %+v", after, want)
	}
	if before.Parts[0].Name != "b" || before.Notes["c"] != "d" || before.Next.Title != "e" {
		t.Errorf("the original was changed: %+v", before)
	}
}
