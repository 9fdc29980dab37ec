package modbus

import (
	"hash/fnv"
	"slices"
)

// alike remembers what the device said of itself, to know units that say the same: most devices that are no gateway answer every
// unit as themselves. Two units that say the same as each other and not as the device are two: a gateway may have two equal meters.
type alike struct{ said []uint64 }

// maxAlike bounds the answers that are remembered: one for each round of each category.
const maxAlike = 3 * maxRounds

// isAlias notes what the device says of itself, and reports whether a unit says the same.
func (a *alike) isAlias(unit uint8, data []byte) bool {
	h := fnv.New64a()
	_, _ = h.Write(data)
	said := slices.Contains(a.said, h.Sum64())
	if !isItself(unit) {
		return said
	}
	if !said && len(a.said) < maxAlike {
		a.said = append(a.said, h.Sum64())
	}
	return false
}
