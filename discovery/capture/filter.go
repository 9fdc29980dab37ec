package capture

import (
	"fmt"
	"slices"

	"golang.org/x/net/bpf"
)

// snapLength is how much of a live frame is kept: the longest IP packet with its link header.
const snapLength = 65535 + 64

// maxFilterTypes keeps the jumps of the filter within the 8 bits that classic BPF has for them: two instructions a type.
const maxFilterTypes = 64

// tagTypes are the EtherTypes of VLAN tags: 802.1Q, 802.1ad, and what was used before it.
var tagTypes = [...]uint32{0x8100, 0x88a8, 0x9100}

// filter is a classic BPF program that keeps Ethernet frames of the EtherTypes that are always listened to and of those named,
// untagged or behind up to two VLAN tags. An IEEE 802.3 frame with a SNAP header is kept when its protocol id is among them:
// so CDP is heard.
func filter(etherTypes []uint16) ([]bpf.Instruction, error) {
	types := append([]uint16{0x0800, 0x86dd, 0x0806, 0x88cc}, etherTypes...) // IPv4, IPv6, ARP, LLDP
	slices.Sort(types)
	types = slices.Compact(types)
	if len(types) > maxFilterTypes {
		return nil, fmt.Errorf("filter of %d EtherTypes, more than %d", len(types), maxFilterTypes)
	}
	const tags = 2
	var program []bpf.Instruction
	for depth := range uint32(tags + 1) {
		program = append(program, level(types, 12+4*depth, depth < tags)...)
	}
	return program, nil
}

// level looks at the EtherType at an offset and accepts or refuses; behind a VLAN tag it falls through to the next level.
func level(types []uint16, at uint32, tagged bool) []bpf.Instruction {
	match := matchAny(types)
	// Not an EtherType but a length (below 0x600), and LLC says SNAP: AA AA 03, organisation, protocol id.
	tail := []bpf.Instruction{
		bpf.JumpIf{Cond: bpf.JumpGreaterOrEqual, Val: 0x600, SkipTrue: uint8(3 + len(match))},
		bpf.LoadAbsolute{Off: at + 2, Size: 2},
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: 0xaaaa, SkipTrue: uint8(1 + len(match))},
		bpf.LoadAbsolute{Off: at + 8, Size: 2},
	}
	tail = append(tail, match...)
	tail = append(tail, bpf.RetConstant{Val: 0})

	out := append([]bpf.Instruction{bpf.LoadAbsolute{Off: at, Size: 2}}, match...)
	if tagged {
		for i, t := range tagTypes {
			out = append(out, bpf.JumpIf{Cond: bpf.JumpEqual, Val: t, SkipTrue: uint8(len(tagTypes) - 1 - i + len(tail))})
		}
	}
	return append(out, tail...)
}

// matchAny accepts the frame when the loaded number is one of the types, and goes on behind itself otherwise.
func matchAny(types []uint16) []bpf.Instruction {
	var out []bpf.Instruction
	for _, t := range types {
		out = append(out, bpf.JumpIf{Cond: bpf.JumpEqual, Val: uint32(t), SkipFalse: 1}, bpf.RetConstant{Val: snapLength})
	}
	return out
}
