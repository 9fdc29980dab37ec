package main

import (
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/walkdown-ot/walkdown/exporters"
)

// writeFile makes a file that appears under its name only when it is whole. Only its owner can read it.
func writeFile(path string, write func(io.Writer) error) (err error) {
	file, err := os.CreateTemp(filepath.Dir(path), ".walkdown-*")
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("write %s: %w", path, err), os.Remove(file.Name()))
		}
	}()
	if err := write(file); err != nil {
		return errors.Join(err, file.Close())
	}
	if err := errors.Join(file.Sync(), file.Close()); err != nil {
		return err
	}
	return os.Rename(file.Name(), path)
}

// writeFolder makes several files at once: in a zip archive, or in a folder that is not there yet or empty. Either appears under its
// name only when it is whole.
func writeFolder(path string, at time.Time, write func(exporters.Folder) error) (err error) {
	if strings.EqualFold(filepath.Ext(path), ".zip") {
		return writeFile(path, func(w io.Writer) error { return writeZip(w, at, write) })
	}
	// An empty folder gives way; anything else that is there does not.
	if there, err := os.ReadDir(path); len(there) > 0 || err != nil && !errors.Is(err, os.ErrNotExist) {
		return usage("name a folder that is not there yet, or a .zip file", "%s is there already", path)
	}
	folder, err := os.MkdirTemp(filepath.Dir(path), ".walkdown-*")
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("write %s: %w", path, err), os.RemoveAll(folder))
		}
	}()
	err = write(func(name string, write func(io.Writer) error) error {
		return writeFile(filepath.Join(folder, name), write)
	})
	if err != nil {
		return err
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return os.Rename(folder, path)
}

func writeZip(w io.Writer, at time.Time, write func(exporters.Folder) error) error {
	archive := zip.NewWriter(w)
	err := write(func(name string, write func(io.Writer) error) error {
		file, err := archive.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Deflate, Modified: at})
		if err != nil {
			return err
		}
		return write(file)
	})
	if err != nil {
		return err
	}
	return archive.Close()
}
