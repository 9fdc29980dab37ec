package capture

import (
	"bytes"
	"encoding/binary"
	"slices"
	"testing"

	"golang.org/x/net/bpf"
)

func TestFilter(t *testing.T) {
	program, err := filter([]uint16{0x8892, 0x2000})
	if err != nil {
		t.Fatal(err)
	}
	vm, err := bpf.NewVM(program)
	if err != nil {
		t.Fatal(err)
	}
	frame := func(words ...uint16) []byte {
		b := make([]byte, 12)
		for _, w := range words {
			b = binary.BigEndian.AppendUint16(b, w)
		}
		return append(b, make([]byte, 46)...)
	}
	cases := map[string]struct {
		frame []byte
		keep  bool
	}{
		"ipv4":              {frame(0x0800), true},
		"ipv6":              {frame(0x86dd), true},
		"arp":               {frame(0x0806), true},
		"lldp":              {frame(0x88cc), true},
		"profinet":          {frame(0x8892), true},
		"ethercat":          {frame(0x88a4), false},
		"tagged_ipv4":       {frame(0x8100, 5, 0x0800), true},
		"tagged_profinet":   {frame(0x8100, 0xc005, 0x8892), true},
		"tagged_ethercat":   {frame(0x8100, 5, 0x88a4), false},
		"qinq_lldp":         {frame(0x88a8, 5, 0x8100, 6, 0x88cc), true},
		"old_qinq_other":    {frame(0x9100, 5, 0x8100, 6, 0x1234), false},
		"three_tags":        {frame(0x9100, 5, 0x8100, 6, 0x8100, 7, 0x0800), false},
		"cdp":               {frame(40, 0xaaaa, 0x0300, 0x000c, 0x2000), true},
		"tagged_cdp":        {frame(0x8100, 9, 40, 0xaaaa, 0x0300, 0x000c, 0x2000), true},
		"snap_other":        {frame(40, 0xaaaa, 0x0300, 0x000c, 0x2004), false},
		"spanning_tree":     {frame(38, 0x4242, 0x0300), false},
		"cut_in_ethertype":  {make([]byte, 13), false},
		"cut_behind_tag":    {frame(0x8100, 5)[:16], false},
		"cut_in_snap":       {frame(40, 0xaaaa)[:17], false},
		"shortest_ethernet": {frame(0x0800)[:14], true},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			n, err := vm.Run(c.frame)
			if err != nil {
				t.Fatal(err)
			}
			if (n > 0) != c.keep {
				t.Errorf("kept %d bytes", n)
			}
		})
	}
}

func TestFilter_of_many_types(t *testing.T) {
	var types []uint16
	for i := range uint16(60) {
		types = append(types, 0x9000+i*2)
	}
	program, err := filter(types)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := bpf.Assemble(program)
	if err != nil || len(raw) > 4096 { // BPF_MAXINSNS
		t.Fatalf("%d instructions, %v", len(raw), err)
	}
	vm, err := bpf.NewVM(program)
	if err != nil {
		t.Fatal(err)
	}
	frame := slices.Concat(make([]byte, 12), []byte{0x81, 0, 0, 5, 0x81, 0, 0, 6, 0x90, 118}, bytes.Repeat([]byte{0}, 40))
	if n, err := vm.Run(frame); err != nil || n != snapLength {
		t.Errorf("kept %d bytes, %v", n, err)
	}
	if _, err := filter(append(types, 1, 2, 3, 4, 5)); err == nil {
		t.Error("65 types were taken")
	}
}
