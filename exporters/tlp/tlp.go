// Package tlp knows the marks of the Traffic Light Protocol 2.0 (FIRST), which say to whom a document may be shown. An inventory is
// a map for attackers too, so each export carries one.
package tlp

import (
	"fmt"
	"slices"
	"strings"
)

// Default is the mark of what nobody has marked.
const Default = "AMBER"

// Marks gives them all, from the one that everybody may see, in a slice of its own.
func Marks() []string { return []string{"CLEAR", "GREEN", "AMBER", "AMBER+STRICT", "RED"} }

// Mark checks a mark. The empty one is Default.
func Mark(mark string) (string, error) {
	if mark == "" {
		return Default, nil
	}
	if !slices.Contains(Marks(), mark) {
		return "", fmt.Errorf("unknown mark of the Traffic Light Protocol %q: want %s", mark, strings.Join(Marks(), ", "))
	}
	return mark, nil
}
