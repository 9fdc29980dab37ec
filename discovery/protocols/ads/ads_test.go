package ads

import (
	"encoding/binary"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/discoverytest"
)

func flow(transport discovery.Transport) discovery.Flow {
	f := discoverytest.Between(transport, portTCP)
	if transport == discovery.UDP {
		f.Ports = [2]uint16{portUDP, portUDP}
	}
	return f
}

// The addresses: little-endian ports behind NetIds.
const (
	panel  = "\xc0\x00\x02\x09\x01\x01\x2f\x80"
	plc    = "\xc0\x00\x02\x01\x01\x01\x20\x03"
	system = "\xc0\x00\x02\x01\x01\x01\x10\x27"
	master = "\xc0\x00\x02\x01\x02\x01\xff\xff"
)

func le32(n int) string { return string(binary.LittleEndian.AppendUint32(nil, uint32(n))) }

// message is an AMS/TCP packet, as the Beckhoff Information System lays it out.
func message(target, source string, c command, flags int, data string) string {
	return "\x00\x00" + le32(amsHeader+len(data)) + target + source + string([]byte{byte(c), 0, byte(flags), 0}) + le32(len(data)) + le32(0) + le32(7) + data
}

func request(target string, c command, data string) discoverytest.Message {
	return discoverytest.Message{Side: discovery.Client, Bytes: []byte(message(target, panel, c, flagCommand, data))}
}

func answer(source string, c command, data string) discoverytest.Message {
	return discoverytest.Message{Side: discovery.Server, Bytes: []byte(message(panel, source, c, flagCommand|flagResponse, data))}
}

func device(version, name string) string {
	return le32(0) + version + name + strings.Repeat("\x00", 16-len(name))
}

func search(service uint32, tags ...string) string {
	return "\x03\x66\x14\x71\x00\x00\x00\x00" + string(binary.LittleEndian.AppendUint32(nil, service)) + system + le32(len(tags)) + strings.Join(tags, "")
}

func tag(id byte, value string) string {
	return string([]byte{id, 0, byte(len(value)), byte(len(value) >> 8)}) + value
}

func windows(platform, major, minor, build int, rest string) string {
	return le32(20+len(rest)) + le32(major) + le32(minor) + le32(build) + le32(platform) + rest
}

func TestSuite(t *testing.T) {
	secret := search(6, tag(12, "PANEL\x00"), tag(13, "Administrator\x00"), tag(2, "secret\x00"))
	found := search(searchAnswer|searchInfo, tag(5, "CX-1234\x00"), tag(4, windows(3, 6, 0, 0, strings.Repeat("\x00", 256))), tag(3, "\x02\x0b\xb4\x08"))
	discoverytest.Run(
		t, Protocol(),
		discoverytest.Sample{
			Name: "device_info", Flow: flow(discovery.TCP),
			Messages: []discoverytest.Message{
				request(plc, readDeviceInfo, ""), answer(plc, readDeviceInfo, device("\x02\x0b\x37\x08", "PLC Server")),
				request(system, readDeviceInfo, ""), answer(system, readDeviceInfo, device("\x02\x0b\xb4\x08", "TwinCAT CE")),
				request(master, readDeviceInfo, ""), answer(master, readDeviceInfo, device("\x00\x01\x02\x00", "EtherCAT Master")),
				request(plc, readDeviceInfo, ""), answer(plc, readDeviceInfo, device("\x02\x0b\x37\x08", "PLC Server")),
				request(plc, read, le32(0x4020)+le32(0)+le32(200)), answer(plc, read, le32(0)+le32(200)+strings.Repeat("\x00v", 100)),
				request(plc, write, le32(0x4020)+le32(0)+le32(1)+"v"), answer(plc, write, le32(0)),
				request(plc, writeControl, "\x06\x00\x00\x00\x00\x00\x00\x00"), answer(plc, writeControl, le32(0)),
			},
			Want: []string{
				"192.0.2.9 -> 192.0.2.1 tcp/48898 ads: read",
				"192.0.2.1: ads.net-id = 192.0.2.1.1.1",
				"192.0.2.1 endpoint=ads:192.0.2.1.1.1:800: ads.device-name = PLC Server",
				"192.0.2.1 endpoint=ads:192.0.2.1.1.1:800: ads.device-version = 2.11.2103",
				"192.0.2.1: ads.twincat-version = 2.11.2228",
				"192.0.2.1 endpoint=ads:192.0.2.1.1.1:10000: ads.device-name = TwinCAT CE",
				"192.0.2.1 endpoint=ads:192.0.2.1.1.1:10000: ads.device-version = 2.11.2228",
				"192.0.2.1 endpoint=ads:192.0.2.1.2.1:65535: ads.device-name = EtherCAT Master",
				"192.0.2.1 endpoint=ads:192.0.2.1.2.1:65535: ads.device-version = 0.1.2",
				"192.0.2.9 -> 192.0.2.1 tcp/48898 ads: write",
				"192.0.2.9 -> 192.0.2.1 tcp/48898 ads: control",
			},
		},
		discoverytest.Sample{
			Name: "search", Flow: flow(discovery.UDP),
			Messages: []discoverytest.Message{
				{Side: discovery.Client, Bytes: []byte(search(searchInfo))},
				{Side: discovery.Server, Bytes: []byte(found)},
				{Side: discovery.Client, Bytes: []byte(secret)},
				{Side: discovery.Server, Bytes: []byte(search(searchAnswer|6, tag(1, le32(0))))},
			},
			Want: []string{
				"192.0.2.1: ads.net-id = 192.0.2.1.1.1", "192.0.2.1: ads.host-name = CX-1234", "192.0.2.1: ads.system-version = Windows CE 6.0",
				"192.0.2.1: ads.twincat-version = 2.11.2228",
			},
		},
	)
}

func TestConversation(t *testing.T) {
	named := answer(plc, readDeviceInfo, device("\x02\x0b\x37\x08", "PLC Server"))
	long := answer(plc, read, le32(0)+le32(1000)+strings.Repeat("v", 1000))
	told := []string{
		"192.0.2.1: ads.net-id = 192.0.2.1.1.1", "192.0.2.1 endpoint=ads:192.0.2.1.1.1:800: ads.device-name = PLC Server",
		"192.0.2.1 endpoint=ads:192.0.2.1.1.1:800: ads.device-version = 2.11.2103",
	}
	piece := func(m discoverytest.Message, from, to, gap int) discoverytest.Message {
		m.Bytes, m.Gap = m.Bytes[from:to], gap
		return m
	}
	refused := answer(plc, readDeviceInfo, "\x01\x07\x00\x00"+strings.Repeat("x", 20))
	other := discoverytest.Message{Side: discovery.Client, Bytes: []byte("GET / HTTP/1.1\r\nHost: 192.0.2.1\r\nAccept: */*\r\n\r\n")}
	for _, c := range []struct {
		name     string
		messages []discoverytest.Message
		want     []string
		problems int
	}{
		{"other_protocol", []discoverytest.Message{other, named}, nil, 1},
		{"gap_in_a_long_answer", []discoverytest.Message{piece(long, 0, 500, 0), piece(long, 700, len(long.Bytes), 200), named}, told, 0},
		{"gap_over_its_end", []discoverytest.Message{piece(long, 0, 500, 0), piece(long, 0, len(long.Bytes), 2000), named}, told, 0},
		{"joined_late", []discoverytest.Message{piece(long, 600, len(long.Bytes), 1), named}, told, 0},
		{"refused", []discoverytest.Message{refused}, told[:1], 0},
		{"short_info", []discoverytest.Message{answer(plc, readDeviceInfo, le32(0))}, told[:1], 1},
		{"garbage_between", []discoverytest.Message{named, {Side: discovery.Server, Bytes: []byte(strings.Repeat("\xff", 50))}, named}, told, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			lines, problems := discoverytest.Read(t, Protocol(), discoverytest.Sample{Flow: flow(discovery.TCP), Messages: c.messages})
			if diff := cmp.Diff(c.want, lines); diff != "" || len(problems) != c.problems {
				t.Errorf("problems %v, told (-want +got):\n%s", problems, diff)
			}
		})
	}
}

func TestOperations(t *testing.T) {
	for c, want := range map[command]discovery.Operations{
		read: discovery.OpRead, addNotification: discovery.OpRead, deleteNotification: 0, deviceNotification: 0, write: discovery.OpWrite, writeControl: discovery.OpControl,
	} {
		if got := c.operation(0); got != want {
			t.Errorf("command %d: %v, want %v", c, got, want)
		}
	}
	if readWrite.operation(0xf003) != discovery.OpRead || readWrite.operation(0xf081) != discovery.OpWrite {
		t.Error("read-write: by its index group it reads symbols, or writes several")
	}
}

func TestClaims(t *testing.T) {
	for first, want := range map[string]bool{
		message(plc, panel, read, flagCommand, le32(1)): true, search(1): true, message(plc, panel, read, 0, ""): false, "\x00\x00": false,
		strings.Repeat("\x00", 64): false, "": false,
	} {
		if got := Protocol().Claims([]byte(first)); got != want {
			t.Errorf("%q: %v, want %v", first, got, want)
		}
	}
}

func TestPollsAllocateNothing(t *testing.T) {
	s := discovery.Stream{Decoder: Protocol().Decode(flow(discovery.TCP))}
	ask, reply := request(plc, read, le32(0x4020)+le32(0)+le32(4)).Bytes, answer(plc, read, le32(0)+le32(4)+"abcd").Bytes
	sink := discovery.SinkFunc(func(discovery.Observation) {})
	if n := testing.AllocsPerRun(100, func() {
		s.Feed(discovery.Client, time.Time{}, ask, 0, sink, nil)
		s.Feed(discovery.Server, time.Time{}, reply, 0, sink, nil)
	}); n > 0 {
		t.Errorf("%v allocations a poll", n)
	}
}

// TestCapture reads a public capture; what it must tell stands in its truth file.
func TestCapture(t *testing.T) {
	var all []string
	const capture = "ads-beckhoff-add-route.pcapng"
	for _, s := range slices.Concat(discoverytest.Capture(t, capture, discovery.TCP, portTCP), discoverytest.Capture(t, capture, discovery.UDP, portUDP)) {
		lines, problems := discoverytest.Read(t, Protocol(), s)
		if len(problems) > 0 {
			t.Errorf("%s: %v", s.Name, problems)
		}
		all = append(all, lines...)
	}
	const host = "00:01:05:0d:75:60 192.168.1.8"
	for _, want := range []string{
		host + " endpoint=ads:5.13.117.96.1.1:800: ads.device-name = PLC Server", host + " endpoint=ads:5.13.117.96.1.1:800: ads.device-version = 2.11.2103",
		host + " endpoint=ads:5.13.117.96.1.1:300: ads.device-name = I/O Server", host + " endpoint=ads:5.13.117.96.1.1:300: ads.device-version = 2.11.2100",
		host + " endpoint=ads:5.13.117.96.1.1:10000: ads.device-name = TwinCAT CE", host + ": ads.twincat-version = 2.11.2228",
		host + ": ads.net-id = 5.13.117.96.1.1", host + ": ads.host-name = CX_0D7560", host + ": ads.system-version = Windows CE 6.0",
	} {
		if !slices.Contains(all, want) {
			t.Errorf("missing %q in %q", want, all)
		}
	}
	if strings.Contains(strings.Join(all, " "), "Administrator") {
		t.Errorf("a user became a fact: %q", all)
	}
}
