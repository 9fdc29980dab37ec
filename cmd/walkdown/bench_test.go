//go:build unix

package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/capture"
	"github.com/walkdown-ot/walkdown/discovery/listen"
	"github.com/walkdown-ot/walkdown/discovery/protocols"
)

// shared is the folder of captures that are not ours; the benchmark is skipped without it.
func shared(b *testing.B) string {
	b.Helper()
	folder := os.Getenv("WALKDOWN_SHARED")
	if folder == "" {
		folder = "../../../shared"
	}
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

// generated is a pcap file that is made while it is read: frames of UDP between random hosts.
type generated struct {
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
	binary.BigEndian.PutUint16(ip[22:], uint16(20000+talk%20000))
	binary.BigEndian.PutUint16(ip[24:], uint16(g.size-34))
	record(&g.buffer, time.Unix(1700000000, int64(g.made)*int64(time.Microsecond)), f, g.size)
}

// BenchmarkMemory reads generated captures with the real command, inventory and all, in a process of its own, and reports the
// most memory that it had resident.
func BenchmarkMemory(b *testing.B) {
	binary := filepath.Join(b.TempDir(), "walkdown")
	if out, err := exec.Command("go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		b.Fatalf("build: %v\n%s", err, out)
	}
	for _, c := range []struct {
		name                string
		frames, hosts, size int
		talks               int
	}{
		{"1GB-10000-hosts-200000-conversations", 1_000_000, 10_000, 1000, 200_000},
		{"flood-of-1000000-hosts", 1_000_000, 1_000_000, 64, 1_000_000},
	} {
		b.Run(c.name, func(b *testing.B) {
			var peak, took float64
			for b.Loop() {
				cmd := exec.Command(binary, "read", "-", "--quiet", "--db", filepath.Join(b.TempDir(), fmt.Sprintf("%d.db", b.N)))
				cmd.Stdin = &generated{frames: c.frames, hosts: c.hosts, talks: c.talks, size: c.size}
				began := time.Now()
				if out, err := cmd.CombinedOutput(); err != nil && cmd.ProcessState.ExitCode() != statusIncomplete {
					b.Fatalf("read: %v\n%s", err, out)
				}
				took = time.Since(began).Seconds()
				if usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
					peak = max(peak, float64(usage.Maxrss)/1024)
				}
			}
			b.ReportMetric(peak, "MB-resident")
			b.ReportMetric(took, "s")
		})
	}
}
