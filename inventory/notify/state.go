package notify

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// readState reads how far each target has been told. No file is an empty one.
func readState(path string) (map[string]int64, error) {
	state := map[string]int64{}
	content, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return state, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read what was told: %w", err)
	}
	if err := json.Unmarshal(content, &state); err != nil {
		return nil, fmt.Errorf("read what was told: %s is damaged: %w; without it, only new changes are told", path, err)
	}
	return state, nil
}

// writeState replaces the file in one step, on the disk before it counts.
func writeState(path string, state map[string]int64) error {
	content, err := json.MarshalIndent(state, "", "  ")
	if err != nil {
		return err
	}
	file, err := os.CreateTemp(filepath.Dir(path), ".walkdown-*")
	if err != nil {
		return fmt.Errorf("keep what was told: %w", err)
	}
	_, err = file.Write(append(content, '\n'))
	if err = errors.Join(err, file.Sync(), file.Close()); err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("keep what was told: %w", errors.Join(err, os.Remove(file.Name())))
	}
	return nil
}
