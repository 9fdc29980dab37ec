//go:build unix

package main

import (
	"fmt"
	"os"
	"os/user"
	"strconv"
	"syscall"
)

// configOwner is the name of the user that a file belongs to, else the number.
func configOwner(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", fmt.Errorf("look at %s: %w", path, err)
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return "root", nil
	}
	number := strconv.FormatUint(uint64(stat.Uid), 10)
	if who, err := user.LookupId(number); err == nil {
		return who.Username, nil
	}
	return number, nil
}
