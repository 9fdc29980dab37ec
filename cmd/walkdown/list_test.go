package main

import (
	"slices"
	"strings"
	"testing"
)

func TestFit(t *testing.T) {
	for _, c := range []struct {
		name          string
		widths, minor []int
		room          int
		want          []int
	}{
		{"all_fit", []int{10, 20}, nil, 32, []int{10, 20}},
		{"widest_shrinks", []int{10, 20, 30}, nil, 50, []int{10, 18, 18}},
		{"first_stays_whole", []int{30, 10}, nil, 20, []int{30, 8}},
		{"minor_goes_first", []int{10, 20, 30}, []int{0, 1, 2}, 50, []int{10, 20, 0}},
		{"both_minor_go", []int{10, 20, 30}, []int{0, 1, 2}, 20, []int{10, 0, 0}},
		{"left_out_already", []int{10, 0, 20}, []int{0, 3, 0}, 24, []int{10, 0, 12}},
		{"nothing_left_to_take", []int{10, 8}, nil, 5, []int{10, 8}},
	} {
		t.Run(c.name, func(t *testing.T) {
			fit(c.widths, c.minor, c.room)
			if !slices.Equal(c.widths, c.want) {
				t.Errorf("widths %v, want %v", c.widths, c.want)
			}
		})
	}
}

func TestWriteTable(t *testing.T) {
	var out strings.Builder
	rows := [][]string{{"10.0.0.1", "", "press"}, {"10.0.0.12", "", strings.Repeat("ü", pipedColumn+5)}}
	if err := writeTable(&out, []string{"Address", "Empty", "Name"}, nil, rows); err != nil {
		t.Fatal(err)
	}
	want := "Address    Name\n10.0.0.1   press\n10.0.0.12  " + strings.Repeat("ü", pipedColumn-1) + "…\n"
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", out.String(), want)
	}
}

// A long table begins before it is known whole: later rows may widen it.
func TestALongTableIsWrittenInBlocks(t *testing.T) {
	var out strings.Builder
	w := tableWriter{to: &out, heads: []string{"Address", "Name"}}
	for i := range firstRows + 2 {
		cells := []string{"10.0.0.1", ""}
		if i == firstRows+1 {
			cells = []string{"10.0.0.111", "press"}
		}
		if err := w.add(cells); err != nil {
			t.Fatal(err)
		}
		if i == firstRows-1 && strings.Count(out.String(), "\n") != 1+firstRows {
			t.Errorf("%d lines after %d rows", strings.Count(out.String(), "\n"), firstRows)
		}
	}
	if err := w.flush(); err != nil {
		t.Fatal(err)
	}
	want := "Address\n" + strings.Repeat("10.0.0.1\n", firstRows) + "Address     Name\n10.0.0.1\n10.0.0.111  press\n"
	if out.String() != want {
		t.Errorf("got\n%s", out.String())
	}
}
