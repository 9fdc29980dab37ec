package cyclonedx

import (
	"cmp"
	"fmt"
	"os"
	"slices"
)

// spool keeps encoded elements until all are there and gives them back sorted. A few are kept in memory; a large inventory
// goes to a temporary file that only its owner can read.
type spool struct {
	index  []spooled
	memory []byte // what is not yet in the file
	file   *os.File
	filed  int64 // bytes in the file
}

type spooled struct {
	ref    string
	offset int64
	length int
}

// spoolMemory is how much stays in memory.
const spoolMemory = 16 << 20

func (s *spool) add(ref string, encoded []byte) error {
	s.index = append(s.index, spooled{ref: ref, offset: s.filed + int64(len(s.memory)), length: len(encoded)})
	s.memory = append(s.memory, encoded...)
	if len(s.memory) < spoolMemory {
		return nil
	}
	if s.file == nil {
		file, err := os.CreateTemp("", "walkdown-*.json") // with mode 0600
		if err != nil {
			return fmt.Errorf("sort a large inventory: %w", err)
		}
		s.file = file
	}
	n, err := s.file.Write(s.memory)
	if err != nil {
		return fmt.Errorf("sort a large inventory: %w", err)
	}
	s.filed += int64(n)
	s.memory = s.memory[:0]
	return nil
}

// each calls f with every element, by bom-ref, up to its first error; the bytes are valid during the call.
func (s *spool) each(f func(ref string, encoded []byte) error) error {
	slices.SortStableFunc(s.index, func(a, b spooled) int { return cmp.Compare(a.ref, b.ref) })
	var buffer []byte
	for _, at := range s.index {
		if at.offset >= s.filed {
			if err := f(at.ref, s.memory[at.offset-s.filed:][:at.length]); err != nil {
				return err
			}
			continue
		}
		buffer = slices.Grow(buffer[:0], at.length)[:at.length]
		if _, err := s.file.ReadAt(buffer, at.offset); err != nil {
			return fmt.Errorf("sort a large inventory: %w", err)
		}
		if err := f(at.ref, buffer); err != nil {
			return err
		}
	}
	return nil
}

// discard removes the file.
func (s *spool) discard() {
	if s.file != nil {
		_ = s.file.Close()
		_ = os.Remove(s.file.Name())
		s.file = nil
	}
}
