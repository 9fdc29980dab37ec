//go:build unix

package main

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/capture"
	"github.com/walkdown-ot/walkdown/discovery/listen"
	"github.com/walkdown-ot/walkdown/discovery/protocols"
	"github.com/walkdown-ot/walkdown/inventory"
)

// shared is the folder of captures that are not ours; the benchmark is skipped without it.
func shared(b *testing.B) string {
	b.Helper()
	folder := sharedFolder()
	if _, err := os.Stat(filepath.Join(folder, "captures")); err != nil {
		b.Skipf("there are no captures in %s", folder)
	}
	return folder
}

// mixed writes the plant captures, one behind the other and many times over, as one pcap file, and gives its path and frames.
func mixed(b *testing.B, times int) (path string, frames int) {
	b.Helper()
	var once bytes.Buffer
	for _, name := range []string{"plant-modbus-s7-enip-merged.pcap", "plant-s4x15-lab-merged.pcap"} {
		source, err := capture.OpenFile(filepath.Join(shared(b), "captures", name))
		if err != nil {
			b.Fatal(err)
		}
		var f discovery.Frame
		for source.Next(&f) == nil {
			record(&once, f.Time, f.Data, f.Length)
			frames++
		}
		if err := source.Close(); err != nil {
			b.Fatal(err)
		}
	}
	path = filepath.Join(b.TempDir(), "mixed.pcap")
	file, err := os.Create(path)
	if err != nil {
		b.Fatal(err)
	}
	defer file.Close() //nolint:errcheck // the benchmark reads what was written
	if _, err := file.Write(pcapHeader()); err != nil {
		b.Fatal(err)
	}
	for range times {
		if _, err := file.Write(once.Bytes()); err != nil {
			b.Fatal(err)
		}
	}
	return path, frames * times
}

// pcapHeader is that of a file with microseconds and Ethernet frames.
func pcapHeader() []byte {
	h := make([]byte, 24)
	binary.LittleEndian.PutUint32(h, 0xa1b2c3d4)
	binary.LittleEndian.PutUint16(h[4:], 2)
	binary.LittleEndian.PutUint16(h[6:], 4)
	binary.LittleEndian.PutUint32(h[16:], 262144)
	binary.LittleEndian.PutUint32(h[20:], 1)
	return h
}

func record(to *bytes.Buffer, t time.Time, data []byte, length int) {
	var h [16]byte
	binary.LittleEndian.PutUint32(h[:], uint32(t.Unix()))
	binary.LittleEndian.PutUint32(h[4:], uint32(t.Nanosecond()/1000))
	binary.LittleEndian.PutUint32(h[8:], uint32(len(data)))
	binary.LittleEndian.PutUint32(h[12:], uint32(length))
	to.Write(h[:])
	to.Write(data)
}

// BenchmarkReading compares, in one run on one machine, the bare loop over the frames of a mixed OT capture, listening to them
// with all protocols on one core, and tshark over the same file.
func BenchmarkReading(b *testing.B) {
	path, frames := mixed(b, 20)
	run := func(each func(*discovery.Frame)) time.Duration {
		source, err := capture.OpenFile(path)
		if err != nil {
			b.Fatal(err)
		}
		defer source.Close() //nolint:errcheck // it was only read
		began := time.Now()
		var f discovery.Frame
		for {
			err := source.Next(&f)
			if errors.Is(err, io.EOF) {
				return time.Since(began)
			}
			if err != nil {
				b.Fatal(err)
			}
			each(&f)
		}
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	var bare, ear time.Duration
	for b.Loop() {
		bare += run(func(*discovery.Frame) {})
		listener := listen.New(listen.Options{Protocols: protocols.All(), Out: discovery.SinkFunc(func(discovery.Observation) {})})
		ear += run(listener.Frame)
		listener.Flush()
	}
	bare, ear = bare/time.Duration(b.N), ear/time.Duration(b.N)
	b.ReportMetric(float64(frames)/bare.Seconds()/1e6, "Mframes/s-bare")
	b.ReportMetric(float64(frames)/ear.Seconds()/1e6, "Mframes/s-listening")
	b.ReportMetric(ear.Seconds()/bare.Seconds(), "times-the-bare-loop")
	if _, err := exec.LookPath("tshark"); err != nil {
		return
	}
	for name, args := range map[string][]string{
		"conv":   {"-q", "-z", "conv,ip"},
		"fields": {"-T", "fields", "-e", "eth.src", "-e", "ip.src", "-e", "ip.dst", "-e", "tcp.port"},
	} {
		began := time.Now()
		if out, err := exec.Command("tshark", append([]string{"-r", path}, args...)...).Output(); err != nil {
			b.Fatalf("tshark: %v: %.200s", err, out)
		}
		b.ReportMetric(time.Since(began).Seconds()/ear.Seconds(), "times-tshark-"+name)
	}
}

// generated is a pcap file that is made while it is read: frames of UDP between hosts. With a source of chance they are a flood: each
// frame has another MAC, IP and port, made up, but for one of a hundred, which belongs to a plant of twenty hosts.
type generated struct {
	chance               *rand.Rand
	frames, hosts, talks int
	size                 int
	made                 int
	rest                 []byte
	buffer               bytes.Buffer
}

func (g *generated) Read(b []byte) (int, error) {
	for len(g.rest) == 0 {
		if g.made == g.frames {
			return 0, io.EOF
		}
		g.buffer.Reset()
		if g.made == 0 {
			g.buffer.Write(pcapHeader())
		}
		for range 256 {
			if g.made == g.frames {
				break
			}
			g.frame()
			g.made++
		}
		g.rest = g.buffer.Bytes()
	}
	n := copy(b, g.rest)
	g.rest = g.rest[n:]
	return n, nil
}

func (g *generated) frame() {
	talk := g.made % g.talks
	client, server := talk%g.hosts, (talk*7919+talk/g.hosts+1)%g.hosts
	port := 20000 + talk%20000
	if g.chance != nil {
		client, server, port = 1<<16+g.chance.IntN(1<<24-1<<16), g.chance.IntN(plantHosts), g.chance.IntN(1<<16)
		if n := g.made / 100; g.made%100 == 0 { // each tells its neighbour something, and is answered
			client, server, port = n/2%plantHosts, (n/2+1)%plantHosts, 20000
			if n%2 == 1 {
				client, server = server, client
			}
		}
	}
	f := make([]byte, g.size)
	mac := func(at, host int) {
		f[at], f[at+1], f[at+2] = 0x00, 0x1b, 0x1b
		f[at+3], f[at+4], f[at+5] = byte(host>>16), byte(host>>8), byte(host)
	}
	mac(0, server)
	mac(6, client)
	f[12], f[13] = 0x08, 0x00
	ip := f[14:]
	ip[0], ip[8], ip[9] = 0x45, 64, 17
	binary.BigEndian.PutUint16(ip[2:], uint16(g.size-14))
	address := func(host int) []byte {
		a := netip.AddrFrom4([4]byte{10, byte(host >> 16), byte(host >> 8), byte(host)}).As4()
		return a[:]
	}
	copy(ip[12:], address(client))
	copy(ip[16:], address(server))
	binary.BigEndian.PutUint16(ip[20:], 40000)
	binary.BigEndian.PutUint16(ip[22:], uint16(port))
	if g.chance != nil && g.made%200 == 100 { // an answer
		binary.BigEndian.PutUint16(ip[20:], uint16(port))
		binary.BigEndian.PutUint16(ip[22:], 40000)
	}
	binary.BigEndian.PutUint16(ip[24:], uint16(g.size-34))
	record(&g.buffer, time.Unix(1700000000, int64(g.made)*int64(time.Microsecond)), f, g.size)
}

// plantHosts is how many hosts of a plant speak in a flood.
const plantHosts = 20

// BenchmarkMemory reads generated captures with the real command, inventory and all, in a process of its own, and reports the
// most memory that it had resident. A flood must be told as one, and must not bury the plant.
func BenchmarkMemory(b *testing.B) {
	binary := filepath.Join(b.TempDir(), "walkdown")
	if out, err := exec.Command("go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		b.Fatalf("build: %v\n%s", err, out)
	}
	for _, c := range []struct {
		name      string
		make      func() *generated
		atMost    float64 // MB
		isFlooded bool
	}{
		{"1GB-10000-hosts-200000-conversations", func() *generated { return &generated{frames: 1_000_000, hosts: 10_000, talks: 200_000, size: 1000} }, 150, false},
		{"flood-of-1000000-hosts", func() *generated {
			return &generated{frames: 1_000_000, hosts: 1, talks: 1, size: 64, chance: rand.New(rand.NewPCG(1, 1))}
		}, 300, true},
	} {
		b.Run(c.name, func(b *testing.B) {
			var peak, took float64
			for b.Loop() {
				db := filepath.Join(b.TempDir(), fmt.Sprintf("%d.db", b.N))
				cmd := exec.Command(binary, "read", "-", "--db", db)
				cmd.Stdin = c.make()
				began := time.Now()
				out, err := cmd.CombinedOutput()
				if err != nil && cmd.ProcessState.ExitCode() != statusIncomplete {
					b.Fatalf("read: %v\n%s", err, out)
				}
				if flooded := bytes.Contains(out, []byte("a flood: ")); flooded != c.isFlooded {
					b.Errorf("it says %s", out)
				}
				if c.isFlooded {
					checkPlant(b, binary, db)
				}
				took = time.Since(began).Seconds()
				if usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
					peak = max(peak, float64(usage.Maxrss)/1024)
				}
			}
			if peak > c.atMost {
				b.Errorf("%.0f MB resident, at most %.0f are allowed", peak, c.atMost)
			}
			b.ReportMetric(peak, "MB-resident")
			b.ReportMetric(took, "s")
		})
	}
}

// checkPlant looks for the hosts of the plant among the assets, and for their talks.
func checkPlant(b *testing.B, binary, db string) {
	b.Helper()
	out, err := exec.Command(binary, "assets", "--json", "--db", db).Output()
	if err != nil {
		b.Fatal(err)
	}
	var assets []inventory.Asset
	if err := json.Unmarshal(out, &assets); err != nil {
		b.Fatal(err)
	}
	found := 0
	for host := range plantHosts {
		want := inventory.Address{MAC: fmt.Sprintf("00:1b:1b:00:00:%02x", host), IP: fmt.Sprintf("10.0.0.%d", host)}
		if slices.ContainsFunc(assets, func(a inventory.Asset) bool { return slices.Contains(a.Addresses, want) }) {
			found++
		}
	}
	if found < plantHosts {
		b.Errorf("%d of %d hosts of the plant are among %d assets", found, plantHosts, len(assets))
	}
	if out, err = exec.Command(binary, "conversations", "--json", "--db", db).Output(); err != nil {
		b.Fatal(err)
	}
	var talks []inventory.Conversation
	if err := json.Unmarshal(out, &talks); err != nil {
		b.Fatal(err)
	}
	between := uint64(0)
	for _, t := range talks {
		if t.Port == 20000 && strings.HasPrefix(t.ClientIP, "10.0.0.") && strings.HasPrefix(t.ServerIP, "10.0.0.") {
			between += t.Packets
		}
	}
	if between < 9900 {
		b.Errorf("%d packets of the plant's 10,000 are in %d conversations", between, len(talks))
	}
	b.ReportMetric(float64(len(assets)), "assets")
}
