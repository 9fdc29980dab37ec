package fragile

import (
	"slices"
	"time"
)

// Bench is all devices, fresh. A survey must upset none of them, whatever it notices.
func Bench() []*Device {
	return []*Device{
		// In good health, and upset by carelessness.
		newDevice("two-slots", temper{slots: 2, leaks: true}, "modbus", "opcua"),
		newDevice("four-slots", temper{slots: 4, leaks: true}, "modbus", "opcua", "snmp"),
		newDevice("one-slot", temper{slots: 1, leaks: true}, "opcua", "modbus"),
		newDevice("panel", temper{slots: 2, evicts: true, panel: true}, "modbus", "opcua"),
		newDevice("rate", temper{rate: 5}, "modbus", "opcua", "snmp"),
		newDevice("jealous", temper{jealous: true, panel: true}, "modbus", "opcua"),
		newDevice("reboots", temper{reboots: true, panel: true}, "modbus"),
		newDevice("reboots-snmp", temper{reboots: true}, "snmp"),
		newDevice("dribbles", temper{perByte: 5 * time.Millisecond, slots: 2, leaks: true}, "modbus", "opcua"),
		newDevice("alike", temper{slots: 2, leaks: true}, "modbus"),
		// In bad health: a survey notices, tells and leaves them alone.
		newDevice("crawls", temper{perByte: 200 * time.Millisecond, slots: 2, leaks: true}, "modbus"),
		newDevice("slower", temper{work: 100 * time.Millisecond, slower: 2}, "modbus"),
		newDevice("breaks", temper{breaks: true, slots: 2, leaks: true}, "modbus"),
		newDevice("deaf", temper{deaf: true, slots: 2, panel: true}, "modbus", "opcua"),
		newDevice("noise", temper{nonsense: noise, slots: 2, leaks: true}, "modbus"),
		newDevice("noise-opcua", temper{nonsense: noise, slots: 2, leaks: true}, "opcua"),
		newDevice("noise-snmp", temper{nonsense: noise}, "snmp"),
		newDevice("misfit", temper{nonsense: misfit, slots: 2, leaks: true}, "modbus"),
		newDevice("mangled", temper{nonsense: mangled, slots: 2, leaks: true}, "modbus"),
		newDevice("stranger", temper{nonsense: stranger, slots: 2, leaks: true}, "modbus"),
		newDevice("endless", temper{nonsense: endless}, "modbus"),
		newDevice("mortal", temper{mortal: 2}, "modbus"),
	}
}

// Healthy is a device that nothing ails: it is upset by carelessness alone.
func Healthy(name string, protocols ...string) *Device {
	return newDevice(name, temper{slots: 4, leaks: true, rate: 5}, protocols...)
}

// Speak gives the answers of a device in good health to the messages of one connection; for a protocol that no device of the
// bench speaks it echoes.
func Speak(protocol string) func(message []byte) []byte {
	for _, d := range Bench() {
		if slices.Contains(d.Protocols, protocol) {
			s := newSpeech(protocol)
			return func(message []byte) []byte {
				if n := s.length(message); n <= 0 || n > len(message) {
					return nil
				}
				return s.answer(message).reply
			}
		}
	}
	return func(message []byte) []byte { return message }
}

// Dying is a device that falls silent for good after so many questions.
func Dying(name string, questions int) *Device {
	return newDevice(name, temper{mortal: questions}, "modbus")
}
