package modbus

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/discoverytest"
)

func target(units ...uint8) discovery.Target {
	return discovery.Target{Subject: discovery.Subject{IP: netip.MustParseAddr(server1)}, Port: Port, Units: units}
}

// device answers each question with a PDU in hex; "" is silence.
func device(answer func(unit uint8, pdu []byte) string) func(net.Conn) {
	return func(conn net.Conn) {
		header := make([]byte, headerLen)
		for {
			if _, err := io.ReadFull(conn, header); err != nil {
				return
			}
			pdu := make([]byte, binary.BigEndian.Uint16(header[4:])-1)
			if _, err := io.ReadFull(conn, pdu); err != nil {
				return
			}
			reply := answer(header[6], pdu)
			if reply == "" {
				continue
			}
			message := adu(header[6], reply)
			copy(message, header[:2])
			if _, err := conn.Write(message); err != nil {
				return
			}
		}
	}
}

const (
	basicQuestion    = "read-device-identification-basic"
	regularQuestion  = "read-device-identification-regular"
	extendedQuestion = "read-device-identification-extended"
	unitBasic        = "read-unit-identification-basic"
	unitRegular      = "read-unit-identification-regular"
	unitExtended     = "read-unit-identification-extended"
)

func repeated(name string, n int) []string { return slices.Repeat([]string{name}, n) }

func TestAsk(t *testing.T) {
	acme := func(_ uint8, pdu []byte) string { // all categories, each in one answer
		return map[byte]string{
			1: "2b0e01 83 00 00 01" + object(0, "ACME"), 2: "2b0e02 83 00 00 01" + object(5, "M1"), 3: "2b0e03 83 00 00 01" + object(0x80, "X"),
		}[pdu[2]]
	}
	for name, c := range map[string]struct {
		answer func(unit uint8, pdu []byte) string
		target discovery.Target
		known  map[discovery.Key]string
		allow  []string
		want   []string
		err    error
		dials  int
	}{
		"all_categories": {answer: acme, want: []string{basicQuestion, regularQuestion, extendedQuestion}, dials: 1},
		"basic_only": {
			answer: func(uint8, []byte) string { return "2b0e01 01 00 00 01" + object(0, "ACME") }, want: []string{basicQuestion}, dials: 1,
		},
		"unsupported": {answer: func(uint8, []byte) string { return "ab01" }, want: []string{basicQuestion}, dials: 1},
		"more_follows": {
			answer: func(_ uint8, pdu []byte) string {
				if pdu[3] == 0 {
					return "2b0e01 01 ff 02 02" + object(0, "A") + object(1, "B")
				}
				return "2b0e01 01 00 00 01" + object(2, "C")
			}, want: repeated(basicQuestion, 2), dials: 1,
		},
		"does_not_advance": {answer: func(uint8, []byte) string { return "2b0e01 01 ff 00 00" }, want: repeated(basicQuestion, 1), dials: 1},
		"truncated": {
			answer: func(uint8, []byte) string { return "2b0e01 01 00 00 03" + object(0, "ACME") }, want: []string{basicQuestion}, err: discovery.ErrNotUnderstood, dials: 1,
		},
		"very_truncated": {answer: func(uint8, []byte) string { return "2b" }, want: []string{basicQuestion}, err: discovery.ErrNotUnderstood, dials: 1},
		"other_function": {answer: func(uint8, []byte) string { return "0302 0001" }, want: []string{basicQuestion}, err: discovery.ErrNotUnderstood, dials: 1},
		"silent":         {answer: func(uint8, []byte) string { return "" }, want: repeated(basicQuestion, 2), err: discovery.ErrSilent, dials: 2},
		"answers_for_unit_1_alone": {
			answer: func(unit uint8, pdu []byte) string {
				if unit != 1 {
					return ""
				}
				return acme(unit, pdu)
			},
			want: []string{basicQuestion, basicQuestion, regularQuestion, extendedQuestion}, dials: 2,
		},
		"cannot_reach_itself": {
			answer: func(unit uint8, pdu []byte) string {
				if unit != 1 {
					return "ab0a"
				}
				return acme(unit, pdu)
			},
			want: []string{basicQuestion, basicQuestion, regularQuestion, extendedQuestion}, dials: 1,
		},
		"units": {
			answer: func(unit uint8, _ []byte) string {
				if unit == 9 {
					return "ab0b"
				}
				return "2b0e01 01 00 00 01" + object(0, "ACME")
			},
			target: target(3, 9, 3, 0, 255, 250, 4), want: []string{basicQuestion, unitBasic, unitBasic, unitBasic}, dials: 1,
		},
		"units_that_are_the_device": {answer: acme, target: target(3), want: []string{basicQuestion, regularQuestion, extendedQuestion, unitBasic}, dials: 1},
		"equal_units_of_a_gateway": {
			answer: func(unit uint8, pdu []byte) string {
				if unit == unitDevice {
					return "ab0a"
				}
				return acme(unit, pdu)
			},
			target: target(3, 4), want: []string{basicQuestion, unitBasic, unitRegular, unitExtended, unitBasic, unitRegular, unitExtended}, dials: 1,
		},
		"server_id": {
			answer: func(_ uint8, pdu []byte) string {
				if pdu[0] == 17 {
					return "11 04 01 ff 4142"
				}
				return "ab01"
			},
			target: target(3), allow: []string{"modbus"}, want: []string{basicQuestion, unitBasic, serverIDRequest, serverIDRequest}, dials: 1,
		},
		// The figure that is promised: all that a device tells of itself, over one connection and by four questions.
		"everything": {
			answer: func(unit uint8, pdu []byte) string {
				if pdu[0] == 17 {
					return "11 04 01 ff 4142"
				}
				return acme(unit, pdu)
			},
			allow: []string{"modbus"}, want: []string{basicQuestion, regularQuestion, extendedQuestion, serverIDRequest}, dials: 1,
		},
		"server_id_known": {
			answer: acme, known: map[discovery.Key]string{KeyServerID: "AB"}, allow: []string{"modbus"}, want: []string{basicQuestion, regularQuestion, extendedQuestion}, dials: 1,
		},
		"server_id_refused": {
			answer: func(_ uint8, pdu []byte) string {
				if pdu[0] == 17 {
					return "91 01"
				}
				return "ab01"
			},
			allow: []string{serverIDRequest}, want: []string{basicQuestion, serverIDRequest}, dials: 1,
		},
		"not_understood_before": {known: map[discovery.Key]string{KeyNoIdentification: "exception 1: illegal function"}},
		"units_of_one_that_is_silent_itself": {
			answer: func(unit uint8, _ []byte) string {
				if unit == unitDevice {
					return ""
				}
				return "2b0e01 01 00 00 01" + object(0, "ACME")
			},
			target: target(3, 4), want: []string{basicQuestion, unitBasic, unitBasic}, dials: 2,
		},
		"unit_falls_silent": {
			answer: func(unit uint8, _ []byte) string {
				if unit == 3 {
					return ""
				}
				return "ab01"
			},
			target: target(3, 4), want: []string{basicQuestion, unitBasic}, err: discovery.ErrSilent, dials: 1,
		},
		"too_many_units": {
			answer: func(uint8, []byte) string { return "ab0b" }, target: target(19, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18),
			want: append(repeated(basicQuestion, 1), repeated(unitBasic, maxUnits)...), dials: 1,
		},
		"talkative_units": {
			answer: func(unit uint8, pdu []byte) string {
				if unit == unitDevice {
					return "ab01"
				}
				return "2b0e01 01 ff 0" + string(rune('1'+pdu[3])) + " 00"
			},
			target: target(2, 3, 4), want: append(repeated(basicQuestion, 1), repeated(unitBasic, 2*maxRounds)...), dials: 1,
		},
		"known": {
			known: map[discovery.Key]string{KeyVendorName: "A", KeyProductCode: "B", KeyMajorMinorRevision: "C"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				if c.target.Port == 0 {
					c.target = target()
				}
				got := discoverytest.Asked(t, Protocol(), discoverytest.Peer{Target: c.target, Serve: device(c.answer), Known: c.known, Allowed: c.allow})
				if !slices.Equal(got.Requests(), c.want) || !errors.Is(got.Err, c.err) || c.err == nil && got.Err != nil || got.Dials != c.dials {
					t.Errorf("asked %q over %d connections, error %v; want %q over %d, %v", got.Requests(), got.Dials, got.Err, c.want, c.dials, c.err)
				}
			})
		})
	}
}

// The next object advances each time, so only the bound ends it.
func TestAskBoundsRounds(t *testing.T) {
	got := discoverytest.Asked(t, Protocol(), discoverytest.Peer{Target: target(), Serve: device(func(_ uint8, pdu []byte) string {
		return "2b0e01 01 ff " + string([]byte{"0123456789abcdef"[(pdu[3]+1)>>4], "0123456789abcdef"[(pdu[3]+1)&15]}) + " 00"
	})})
	if got.Err != nil || len(got.Sent) != maxRounds {
		t.Errorf("%d questions, error %v", len(got.Sent), got.Err)
	}
}

func TestAskEndsWithContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		got := discoverytest.Asked(t, Protocol(), discoverytest.Peer{
			Target: target(), Serve: device(func(uint8, []byte) string { return "" }), Timeout: 500 * time.Millisecond,
		})
		if took := time.Since(begun); !errors.Is(got.Err, context.DeadlineExceeded) && !errors.Is(got.Err, discovery.ErrSilent) || took > time.Second {
			t.Errorf("error %v after %v", got.Err, took)
		}
	})
}

func TestAskClosedConnection(t *testing.T) {
	got := discoverytest.Asked(t, Protocol(), discoverytest.Peer{Target: target(1), Serve: func(net.Conn) {}})
	if got.Err == nil || errors.Is(got.Err, discovery.ErrSilent) {
		t.Errorf("error %v", got.Err)
	}
}

// Debian's pymodbus is a server that is not ours. It gives the regular category whole.
func TestAskPymodbus(t *testing.T) {
	const python = "/usr/bin/python3"
	if err := exec.CommandContext(t.Context(), python, "-c", "import pymodbus.server").Run(); err != nil {
		t.Skip("python3-pymodbus is not installed")
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(address)
	script := filepath.Join(t.TempDir(), "server.py")
	if err := os.WriteFile(script, []byte(pymodbusServer), 0o600); err != nil {
		t.Fatal(err)
	}
	server := exec.CommandContext(t.Context(), python, script, port)
	var log strings.Builder
	server.Stderr = &log
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = server.Process.Kill()
		_ = server.Wait()
	})
	var got discoverytest.Answers
	for range 50 {
		got = discoverytest.Asked(t, Protocol(), discoverytest.Peer{Target: target(2), Address: address})
		if got.Err == nil {
			break
		}
		time.Sleep(100 * time.Millisecond) // it may not listen yet
	}
	if got.Err != nil {
		t.Fatalf("ask pymodbus: %v\n%s", got.Err, log.String())
	}
	if strings.Contains(strings.Join(got.Lines, "\n"), "modbus-unit") { // it answers for unit 2 as for itself
		t.Errorf("one device is told as two:\n%s", strings.Join(got.Lines, "\n"))
	}
	for _, about := range []string{server1 + ": modbus."} {
		for _, fact := range []string{
			"vendor-name = Pump Works", "product-code = PW-100", "major-minor-revision = 2.4.1", "vendor-url = http://pumps.example",
			"product-name = Pump Controller", "model-name = PW-100-E", "user-application-name = Line 3", "conformity-level = 0x83",
		} {
			if !slices.Contains(got.Lines, about+fact) {
				t.Errorf("%s was not told", about+fact)
			}
		}
	}
	if len(got.Problems) > 0 || got.Dials != 1 {
		t.Errorf("%d connections, problems %v; told:\n%s", got.Dials, got.Problems, strings.Join(got.Lines, "\n"))
	}
}

const pymodbusServer = `
import sys
from pymodbus.datastore import ModbusSequentialDataBlock, ModbusServerContext, ModbusSlaveContext
from pymodbus.device import ModbusDeviceIdentification
from pymodbus.server import StartTcpServer

store = ModbusSlaveContext(hr=ModbusSequentialDataBlock(0, [17] * 10))
identity = ModbusDeviceIdentification(info_name={
    "VendorName": "Pump Works", "ProductCode": "PW-100", "MajorMinorRevision": "2.4.1", "VendorUrl": "http://pumps.example",
    "ProductName": "Pump Controller", "ModelName": "PW-100-E", "UserApplicationName": "Line 3"})
StartTcpServer(context=ModbusServerContext(slaves=store, single=True), identity=identity, address=("127.0.0.1", int(sys.argv[1])))
`
