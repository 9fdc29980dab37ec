package ask

import "fmt"

// Class says what kind of device is asked, and so how gently.
type Class uint8

// The classes. A device of which nothing is known is treated like a controller.
const (
	Unknown        Class = iota
	Infrastructure       // switch, router, firewall, access point
	Computer             // server, HMI PC, workstation
	Controller           // controller, drive, I/O station, meter
	Gateway              // to a serial line or MS/TP: each question costs time on the slow side
)

var classNames = [...]string{Unknown: "unknown", Infrastructure: "infrastructure", Computer: "computer", Controller: "controller", Gateway: "gateway"}

// String is the class in one lower-case word.
func (c Class) String() string {
	if int(c) >= len(classNames) {
		return fmt.Sprintf("class(%d)", uint8(c))
	}
	return classNames[c]
}

// MarshalText gives the form of String.
func (c Class) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// UnmarshalText reads the form of String.
func (c *Class) UnmarshalText(text []byte) error {
	for i, name := range classNames {
		if name == string(text) {
			*c = Class(i)
			return nil
		}
	}
	return fmt.Errorf("unknown class of device %q", text)
}
