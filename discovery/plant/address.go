package plant

import (
	"fmt"
	"net/netip"
	"runtime"
	"strings"
)

// AddressError says that the system does not have a loopback address that the plant needs: macOS and the BSDs give the
// loopback interface 127.0.0.1 alone, where Linux and Windows answer for all of 127.0.0.0/8.
type AddressError struct {
	Addr netip.Addr // the first that is missing
	Err  error      // of the system
}

// Error names the address.
func (e *AddressError) Error() string {
	return fmt.Sprintf("this system has no loopback address %s: %v", e.Addr, e.Err)
}

// Unwrap gives the error of the system.
func (e *AddressError) Unwrap() error { return e.Err }

// Hint is what a person can do about it.
func (e *AddressError) Hint() string {
	if runtime.GOOS == "linux" {
		return "switch the loopback interface on: sudo ip link set lo up"
	}
	var commands []string
	for _, d := range roster() {
		if d.Ports != nil {
			commands = append(commands, fmt.Sprintf("sudo ifconfig lo0 alias %s up", d.Addr))
		}
	}
	return "give the loopback interface the addresses of the plant: " + strings.Join(commands, "; ")
}
