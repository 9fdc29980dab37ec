package fingerprints

import (
	"io/fs"
	"strings"
)

// maxLikely is how many protocols a vendor's name alone may suggest (standards.md section 5, evidence E3).
const maxLikely = 2

// readLikely reads rules/likely.txt: "canonical vendor: protocol protocol".
func readLikely(tree fs.FS) (map[string][]string, error) {
	lines, err := readLines(tree, "rules/likely.txt")
	if err != nil {
		return nil, err
	}
	likely := map[string][]string{}
	for _, line := range lines {
		vendor, protocols, ok := strings.Cut(line.text, ":")
		words := strings.Fields(protocols)
		if !ok || len(words) == 0 || len(words) > maxLikely {
			return nil, line.mistake("%q: want VENDOR: one or two protocols", line.text)
		}
		likely[strings.TrimSpace(vendor)] = words
	}
	return likely, nil
}
