package plant

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"net"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/grid-x/modbus"
)

// identify asks a unit with an independent client, and follows "more follows" itself because the client would do so for ever.
func identify(t *testing.T, addr string, unit, code byte) (map[byte]string, int, error) {
	t.Helper()
	handler := modbus.NewTCPClientHandler(addr)
	handler.Timeout, handler.SlaveID = 2*time.Second, unit
	if err := handler.Connect(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = handler.Close() }()
	objects := map[byte]string{}
	var next byte
	for round := 1; round <= 8; round++ {
		request := &modbus.ProtocolDataUnit{FunctionCode: 0x2b, Data: []byte{0x0e, code, next}}
		message, err := handler.Encode(request)
		if err != nil {
			t.Fatal(err)
		}
		reply, err := handler.Send(t.Context(), message)
		if err != nil {
			t.Fatal(err)
		}
		if err := handler.Verify(message, reply); err != nil {
			t.Fatal(err)
		}
		pdu, err := handler.Decode(reply)
		if err != nil {
			t.Fatal(err)
		}
		if pdu.FunctionCode != 0x2b {
			return nil, round, fmt.Errorf("exception %#x", pdu.Data[0])
		}
		rest := pdu.Data[6:]
		for range pdu.Data[5] {
			objects[rest[0]] = string(rest[2 : 2+rest[1]])
			rest = rest[2+rest[1]:]
		}
		if len(rest) != 0 {
			t.Fatalf("%d bytes behind the last object", len(rest))
		}
		if pdu.Data[3] == 0 {
			return objects, round, nil
		}
		next = pdu.Data[4]
	}
	return nil, 8, fmt.Errorf("the stream of objects does not end")
}

func TestModbusNameplates(t *testing.T) {
	p := start(t)
	gateway, plc := at(t, p, gatewayAddr, "modbus").String(), at(t, p, plcAddr, "modbus").String()
	meter := gatewayUnits()[meterUnit].objects
	basic := map[byte]string{0: meter[0], 1: meter[1], 2: meter[2]}
	for _, c := range []struct {
		name       string
		addr       string
		unit, code byte
		want       map[byte]string
		rounds     int
		err        string
	}{
		{"meter_basic", gateway, meterUnit, 1, basic, 1, ""},
		{"meter_regular_in_three", gateway, meterUnit, 2, meter, 3, ""},
		{"meter_extended", gateway, meterUnit, 3, meter, 3, ""},
		{"drive", gateway, driveUnit, 2, gatewayUnits()[driveUnit].objects, 1, ""},
		{"gateway_itself", gateway, gatewayUnit, 1, gatewayUnits()[gatewayUnit].objects, 1, ""},
		{"no_such_unit", gateway, 9, 1, nil, 1, "exception 0xb"},
		{"plc_basic", plc, 1, 1, plcUnits()[anyUnit].objects, 1, ""},
		{"plc_by_any_unit", plc, 255, 1, plcUnits()[anyUnit].objects, 1, ""},
		{"plc_has_no_more_than_basic", plc, 1, 2, plcUnits()[anyUnit].objects, 1, ""},
		{"bad_code", plc, 1, 9, nil, 1, "exception 0x3"},
		{"single_objects_unsupported", plc, 1, 4, nil, 1, "exception 0x3"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, rounds, err := identify(t, c.addr, c.unit, c.code)
			if fmt.Sprint(err) != c.err && (err != nil || c.err != "") {
				t.Fatalf("got error %v, want %q", err, c.err)
			}
			if diff := cmp.Diff(c.want, got); diff != "" || rounds != c.rounds {
				t.Errorf("%d rounds, want %d; objects (-want +got):\n%s", rounds, c.rounds, diff)
			}
		})
	}
}

func TestModbusAnswers(t *testing.T) {
	for _, c := range []struct{ name, unit, request, want string }{
		{"read_holding", "02", "03 0010 0002", "03 04 0010 0011"},
		{"read_input", "02", "04 ffff 0001", "04 02 ffff"},
		{"read_past_the_end", "02", "03 ffff 0002", "83 02"},
		{"read_too_many", "02", "03 0000 007e", "83 03"},
		{"read_none", "02", "03 0000 0000", "83 03"},
		{"read_short", "02", "03 00", "83 03"},
		{"writes_are_refused", "02", "06 0000 0001", "86 01"},
		{"report_server_id", "02", "11", "91 01"},
		{"other_mei", "02", "2b 0d 01 00", "ab 01"},
		{"mei_short", "02", "2b", "ab 01"},
		{"identify_short", "02", "2b 0e 01", "ab 03"},
		{"one_object", "02", "2b 0e 04 02", "2b 0e 04 82 00 00 01 02 04 56332e31"},
		{"one_object_unknown", "02", "2b 0e 04 50", "ab 02"},
		{"unknown_start_restarts", "ff", "2b 0e 01 77", "2b 0e 01 01 00 00 03 00 12 " + hex.EncodeToString([]byte("Schneider Electric")) + " 01 06 454758313530 02 06 56352e312e30"},
		{"broadcast_is_not_answered", "00", "2b 0e 01 00", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := gatewayUnits().answer(unhex(t, c.unit)[0], unhex(t, c.request))
			if want := unhex(t, c.want); !bytes.Equal(got, want) {
				t.Errorf("got %x, want %x", got, want)
			}
		})
	}
}

func TestModbusClosesOnOtherProtocols(t *testing.T) {
	p := start(t)
	for _, c := range []struct{ name, sent string }{
		{"protocol_id", "0001 0001 0002 01 03"},
		{"no_request", "0001 0000 0001 01 00"},
		{"too_long", "0001 0000 00ff 01 00"},
		{"http", hex.EncodeToString([]byte("GET / HTTP/1.1\r\n\r\n"))},
	} {
		t.Run(c.name, func(t *testing.T) {
			conn, err := net.Dial("tcp", at(t, p, plcAddr, "modbus").String())
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = conn.Close() }()
			_ = conn.SetDeadline(time.Now().Add(5 * time.Second))
			if _, err := conn.Write(unhex(t, c.sent)); err != nil {
				t.Fatal(err)
			}
			// Closing with unread bytes resets on some systems, so any end will do.
			if n, err := conn.Read(make([]byte, 16)); err == nil {
				t.Errorf("%d bytes were answered", n)
			}
		})
	}
}

// A full object must not overflow the message, whatever the nameplate.
func TestModbusLongObjectsAreSplit(t *testing.T) {
	plate := nameplate{conformity: 0x03, objects: map[uint8]string{0: strings.Repeat("a", 200), 1: strings.Repeat("b", 200), 0x80: "c"}}
	got := plate.identify([]byte{0x2b, 0x0e, 0x03, 0x00})
	if len(got) > maxPDU || got[4] != 0xff || got[5] != 1 || got[6] != 1 {
		t.Errorf("%d bytes, more %#x, next %d, %d objects", len(got), got[4], got[5], got[6])
	}
	if got = plate.identify([]byte{0x2b, 0x0e, 0x03, 0x01}); got[4] != 0 || got[6] != 2 {
		t.Errorf("second: more %#x, %d objects", got[4], got[6])
	}
}

func FuzzModbus(f *testing.F) {
	f.Add(byte(1), []byte{0x2b, 0x0e, 1, 0})
	f.Add(byte(255), []byte{3, 0, 0, 0, 1})
	f.Fuzz(func(t *testing.T, unit byte, request []byte) {
		if len(request) == 0 || len(request) > maxPDU {
			return
		}
		for _, units := range []modbusUnits{gatewayUnits(), plcUnits()} {
			if reply := units.answer(unit, request); len(reply) > maxPDU {
				t.Errorf("%d bytes of answer to %x", len(reply), request)
			}
		}
	})
}

func TestPymodbusReadsTheMeter(t *testing.T) {
	// Debian's package belongs to Debian's interpreter, which need not be the first on the path.
	python := ""
	for _, candidate := range []string{"python3", "/usr/bin/python3"} {
		if exec.CommandContext(t.Context(), candidate, "-c", "import pymodbus.client, pymodbus.mei_message").Run() == nil {
			python = candidate
		}
	}
	if python == "" {
		t.Skip("python3-pymodbus 3.0 is not installed")
	}
	p := start(t)
	addr := at(t, p, gatewayAddr, "modbus")
	script := fmt.Sprintf(`
from pymodbus.client import ModbusTcpClient
from pymodbus.mei_message import ReadDeviceInformationRequest
c = ModbusTcpClient(%q, port=%d); c.connect()
q = ReadDeviceInformationRequest(read_code=1, object_id=0)
q.unit_id = q.slave_id = 1
r = c.execute(q)
print(r.information[1].decode(), r.information[2].decode())
c.close()
`, addr.Addr(), addr.Port())
	out, err := exec.CommandContext(t.Context(), python, "-c", script).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if got := strings.TrimSpace(string(out)); got != "METSEPM5560 V2.8.1" {
		t.Errorf("got %q", got)
	}
}

func unhex(t *testing.T, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(text, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}
