package fragile

// speech is one protocol, as one connection of a device speaks it.
type speech interface {
	// length is that of the first whole message, 0 when it is not yet whole, less than 0 when it is none.
	length(b []byte) int
	// identifies reports whether the message asks for the identification of the device.
	identifies(message []byte) bool
	// answer gives what a device in good health answers.
	answer(message []byte) spoken
}

// spoken is an answer.
type spoken struct {
	reply   []byte // empty: silence
	setup   bool   // the message asks for no data
	unknown bool   // a function that the device does not know
	end     bool   // the device ends the connection behind it
}

func newSpeech(protocol string) speech {
	switch protocol {
	case "modbus":
		return modbusSpeech{}
	case "opcua":
		return &uaSpeech{}
	case "snmp":
		return snmpSpeech{}
	}
	panic("no device of the bench speaks " + protocol) // a mistake of the test
}
