package discoverytest

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"testing"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/pcapgo"

	"github.com/walkdown-ot/walkdown/discovery"
)

// Shared is the path of a file among the captures and tables that are kept beside the repository, not in it. The test is
// skipped where they are absent. WALKDOWN_SHARED names another place.
func Shared(t testing.TB, name string) string {
	t.Helper()
	dir := os.Getenv("WALKDOWN_SHARED")
	if dir == "" {
		root, err := os.Getwd()
		if err != nil {
			t.Fatal(err)
		}
		for {
			if _, err := os.Stat(filepath.Join(root, "go.mod")); err == nil || root == filepath.Dir(root) {
				break
			}
			root = filepath.Dir(root)
		}
		dir = filepath.Join(filepath.Dir(root), "shared")
	}
	path := filepath.Join(dir, name)
	if _, err := os.Stat(path); err != nil {
		t.Skipf("%s is not here", path)
	}
	return path
}

// Capture gives the conversations of a shared capture file that have this port, or EtherType, in the order of their first
// message, without Want. A TCP segment that repeats known bytes is left out; what is missing becomes a Gap. Whoever has the
// port is the server.
func Capture(t testing.TB, name string, transport discovery.Transport, port uint16) []Sample {
	t.Helper()
	file, err := os.Open(Shared(t, filepath.Join("captures", name)))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	source, link, err := openCapture(file)
	if err != nil {
		t.Fatalf("open %s: %v", name, err)
	}
	talks := conversations{transport: transport, port: port, index: map[discovery.Flow]int{}, next: map[streamEnd]uint32{}}
	for {
		data, info, err := source.ReadPacketData()
		if errors.Is(err, io.EOF) {
			return talks.samples
		}
		if err != nil {
			t.Fatalf("read %s: %v", name, err)
		}
		talks.add(gopacket.NewPacket(data, link, gopacket.DecodeOptions{Lazy: true, NoCopy: true}), info)
	}
}

func openCapture(file io.ReadSeeker) (gopacket.PacketDataSource, layers.LinkType, error) {
	if r, err := pcapgo.NewReader(bufio.NewReader(file)); err == nil {
		return r, r.LinkType(), nil
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return nil, 0, err
	}
	r, err := pcapgo.NewNgReader(bufio.NewReader(file), pcapgo.DefaultNgReaderOptions)
	if err != nil {
		return nil, 0, err
	}
	return r, r.LinkType(), nil
}

type streamEnd struct {
	conversation int
	side         discovery.Side
}

type conversations struct {
	transport discovery.Transport
	port      uint16
	samples   []Sample
	index     map[discovery.Flow]int
	next      map[streamEnd]uint32 // the sequence number that comes next
}

func (c *conversations) add(packet gopacket.Packet, info gopacket.CaptureInfo) {
	var from, to discovery.Subject
	var payload []byte
	var etherType uint16
	if eth, ok := packet.Layer(layers.LayerTypeEthernet).(*layers.Ethernet); ok {
		from.MAC, to.MAC = discovery.MAC(eth.SrcMAC), discovery.MAC(eth.DstMAC)
		etherType, payload = uint16(eth.EthernetType), eth.Payload
	}
	if tag, ok := packet.Layer(layers.LayerTypeDot1Q).(*layers.Dot1Q); ok {
		from.VLAN, to.VLAN = tag.VLANIdentifier, tag.VLANIdentifier
		etherType, payload = uint16(tag.Type), tag.Payload
	}
	message := Message{Time: info.Timestamp.UTC()}
	if c.transport == discovery.EtherType {
		if etherType != c.port {
			return
		}
		message.Bytes = append(message.Bytes, payload...)
		c.put(discovery.Flow{Ends: [2]discovery.Subject{from, to}, Ports: [2]uint16{0, c.port}, Transport: c.transport}, message)
		return
	}
	if network := packet.NetworkLayer(); network != nil {
		from.IP, _ = netip.AddrFromSlice(network.NetworkFlow().Src().Raw())
		to.IP, _ = netip.AddrFromSlice(network.NetworkFlow().Dst().Raw())
	}
	var ports [2]uint16
	tcp, _ := packet.Layer(layers.LayerTypeTCP).(*layers.TCP)
	udp, _ := packet.Layer(layers.LayerTypeUDP).(*layers.UDP)
	switch {
	case c.transport == discovery.TCP && tcp != nil:
		ports, payload = [2]uint16{uint16(tcp.SrcPort), uint16(tcp.DstPort)}, tcp.Payload
	case c.transport == discovery.UDP && udp != nil:
		ports, payload = [2]uint16{uint16(udp.SrcPort), uint16(udp.DstPort)}, udp.Payload
	default:
		return
	}
	if ports[0] != c.port && ports[1] != c.port || len(payload) == 0 {
		return
	}
	flow := discovery.Flow{Ends: [2]discovery.Subject{from, to}, Ports: ports, Transport: c.transport}
	if ports[0] == c.port && ports[1] != c.port {
		message.Side = discovery.Server
		flow.Ends[0], flow.Ends[1] = to, from
		flow.Ports[0], flow.Ports[1] = ports[1], ports[0]
	}
	message.Bytes = append(message.Bytes, payload...)
	if tcp == nil || c.inOrder(flow, tcp.Seq, &message) {
		c.put(flow, message)
	}
}

// inOrder cuts off what was there already and notes what is missing.
func (c *conversations) inOrder(flow discovery.Flow, seq uint32, m *Message) bool {
	end := streamEnd{c.conversation(flow), m.Side}
	next, started := c.next[end]
	c.next[end] = seq + uint32(len(m.Bytes))
	if !started {
		return true
	}
	switch ahead := int(int32(seq - next)); {
	case -ahead >= len(m.Bytes):
		c.next[end] = next
		return false
	case ahead < 0:
		m.Bytes = m.Bytes[-ahead:]
	default:
		m.Gap = ahead
	}
	return true
}

func (c *conversations) conversation(flow discovery.Flow) int {
	i, ok := c.index[flow]
	if !ok {
		i = len(c.samples)
		c.index[flow] = i
		name := fmt.Sprintf("%s-%s-%d", cmp.Or(flow.Ends[0].String(), "-"), cmp.Or(flow.Ends[1].String(), "-"), flow.Ports[0])
		c.samples = append(c.samples, Sample{Name: name, Flow: flow})
	}
	return i
}

func (c *conversations) put(flow discovery.Flow, m Message) {
	i := c.conversation(flow)
	c.samples[i].Messages = append(c.samples[i].Messages, m)
}

// Read feeds a sample's conversation to a fresh decoder and gives the golden lines and the errors. A breach of the contract
// fails the test.
func Read(t testing.TB, p discovery.Protocol, s Sample) (lines []string, problems []error) {
	t.Helper()
	r, err := read(p, s.Flow, s.Messages)
	if err != nil {
		t.Errorf("%s: %v", s.Name, err)
	}
	return Lines(r.told), r.problems
}

// Check is Read for fuzz targets: it only holds what is told against the contract, and gives how much that is.
func Check(t testing.TB, p discovery.Protocol, s Sample) (told int) {
	t.Helper()
	r, err := read(p, s.Flow, s.Messages)
	if err != nil {
		t.Errorf("%s: %v", s.Name, err)
	}
	for _, o := range r.told {
		told += len(o.Facts) + len(o.Links) + len(o.Talks)
	}
	return told
}
