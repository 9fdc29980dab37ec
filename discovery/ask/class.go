package ask

import "github.com/walkdown-ot/walkdown/discovery"

// Class says what kind of device is asked, see discovery.Class.
type Class = discovery.Class

// The classes by their short names.
const (
	Unknown        = discovery.ClassUnknown
	Infrastructure = discovery.ClassInfrastructure
	Computer       = discovery.ClassComputer
	Controller     = discovery.ClassController
	Field          = discovery.ClassField
	Gateway        = discovery.ClassGateway
)
