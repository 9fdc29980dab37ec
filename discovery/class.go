package discovery

import "fmt"

// Class says what kind of device is asked, and so how gently and what.
type Class uint8

// The classes, in the order of how gently they are asked. Of a device of which nothing is known as much is taken care as of a
// controller.
const (
	ClassUnknown        Class = iota
	ClassInfrastructure       // switch, router, firewall, access point; cellular router and other boxes for remote access
	ClassComputer             // server, workstation, edge device
	ClassController           // PLC, HMI panel, robot or CNC controller: a native server with a processor of some strength
	ClassField                // drive, I/O station, meter, RTU, protection relay, sensor: little to spare, few connections
	ClassGateway              // to a serial line or MS/TP: each question costs time on the slow side
)

var classNames = [...]string{
	ClassUnknown: "unknown", ClassInfrastructure: "infrastructure", ClassComputer: "computer", ClassController: "controller",
	ClassField: "field", ClassGateway: "gateway",
}

// Classes are all of them, in their order.
func Classes() []Class {
	out := make([]Class, len(classNames))
	for i := range out {
		out[i] = Class(i)
	}
	return out
}

// IsValid reports whether it is one of the classes.
func (c Class) IsValid() bool { return int(c) < len(classNames) }

// String is the class in one lower-case word.
func (c Class) String() string {
	if !c.IsValid() {
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
