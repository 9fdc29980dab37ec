package discovery

import (
	"encoding/hex"
	"strings"
	"testing"
)

func TestTemplateMatches(t *testing.T) {
	for _, c := range []struct {
		name, template, message string
		secrets                 []Span
		ok                      bool
	}{
		{"each", "01 each( 02 ? )", "0102000203", nil, true},
		{"each_of_none", "01 each( 02 ? )", "01", nil, true},
		{"each_cut", "01 each( 02 ? )", "01020002", nil, false},
		{"each_other", "01 u8( each( 02 u8( *4 ) ) ) 05", "0105020000020005", nil, false},
		{"each_in_group", "01 u8( each( 02 u8( *4 ) ) ) 05", "0105020102020005", nil, true},
		{"fixed", "2b0e 01 00", "2b0e0100", nil, true},
		{"fixed_other_byte", "2b 0e 01 00", "2b0e0101", nil, false},
		{"too_long", "2b 0e", "2b0e00", nil, false},
		{"too_short", "2b 0e", "2b", nil, false},
		{"varying", "?2 00", "aabb00", nil, true},
		{"range", "01-f7 00", "0100", nil, true},
		{"range_last", "01-f7 00", "f700", nil, true},
		{"range_before", "01-f7 00", "0000", nil, false},
		{"range_behind", "01-f7 00", "f800", nil, false},
		{"rest", "01 *2", "01ffff", nil, true},
		{"rest_empty", "01 *2", "01", nil, true},
		{"rest_too_long", "01 *2", "01ffffff", nil, false},
		{"u16_group", "?2 0000 u16( ? 2b0e 01 00 )", "000100000005ff2b0e0100", nil, true},
		{"u16_group_lies", "?2 0000 u16( ? 2b0e 01 00 )", "000100000006ff2b0e0100", nil, false},
		{"extra", "48454c46 u32le+8( *9 )", "48454c460a000000aabb", nil, true},
		{"extra_negative", "48454c46 u32le+8( *9 )", "48454c4601000000", nil, false},
		{"absent", "i32le( *4 ) 07", "ffffffff07", nil, true},
		{"present", "i32le( *4 ) 07", "020000006162" + "07", nil, true},
		{"ber_secret", "30 ber( 020101 04 ber( secret*64 ) a0 ber( *9 ) )", "300d0201010406" + "7075626c6963" + "a000", []Span{{7, 13}}, true},
		{"ber_long_form", "30 ber( *300 )", "3081030102" + "03", nil, true},
		{"one", "one( 01 | 02 ?) 09", "02ff09", nil, true},
		{"one_with_group", "one( 00 ? | 05 u16le( *4 )) 09", "050200616209", nil, true},
		{"one_with_group_lies", "one( 00 ? | 05 u16le( *4 )) 09", "050300616209", nil, false},
		{"one_none", "one(01|02) 09", "0309", nil, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			message, err := hex.DecodeString(c.message)
			if err != nil {
				t.Fatal(err)
			}
			secrets, ok := MustTemplate(c.template).Match(message)
			if ok != c.ok || len(secrets) != len(c.secrets) {
				t.Fatalf("match %q: got %v %v, want %v %v", c.template, secrets, ok, c.secrets, c.ok)
			}
			for i, s := range secrets {
				if s != c.secrets[i] {
					t.Errorf("secret %d: got %v, want %v", i, s, c.secrets[i])
				}
			}
		})
	}
}

func TestTemplateMistakesPanic(t *testing.T) {
	for _, text := range []string{"zz", "u8( 01", "01 )", "*4 01", "?x", "u9( )", "a | b", "f7-01", "0102-03", "01-"} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("template %q compiled", text)
				}
			}()
			MustTemplate(text)
		}()
	}
}

func TestRedact(t *testing.T) {
	message := []byte("community public here")
	if got := string(Redact(message, []Span{{10, 16}})); got != "community xxxxxx here" {
		t.Errorf("got %q", got)
	}
	if strings.Contains(string(message), "xxxxxx") {
		t.Error("the message itself was overwritten")
	}
}

func FuzzTemplate(f *testing.F) {
	template := MustTemplate("30 ber( 020101 04 ber( secret*64 ) a0 ber( i32le( *4 ) one( 01 | 02 ? ) *9 ) )")
	f.Add([]byte("0\x0d\x02\x01\x01\x04\x06public\xa0\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		secrets, _ := template.Match(b)
		Redact(b, secrets)
	})
}
