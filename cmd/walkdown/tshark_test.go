//go:build lab

package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/pcapgo"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/capture"
	"github.com/walkdown-ot/walkdown/discovery/listen"
	"github.com/walkdown-ot/walkdown/discovery/protocols"
)

// namingField is a field of tshark that names a device, and the protocol under which walkdown tells it.
type namingField struct {
	name     string
	protocol string
	// onlyWith is another field that the frame must have, and the value that it must begin with: an answer and not a question.
	onlyWith, value string
}

func namingFields() []namingField {
	return []namingField{
		{name: "lldp.tlv.system.name", protocol: "lldp"},
		{name: "lldp.tlv.system.desc", protocol: "lldp"},
		{name: "cdp.deviceid", protocol: "cdp"},
		{name: "cdp.platform", protocol: "cdp"},
		{name: "cdp.software_version", protocol: "cdp"},
		{name: "pn_dcp.suboption_device_nameofstation", protocol: "profinet", onlyWith: "pn_rt.frame_id", value: "65279"},
		{name: "pn_io.cminitiator_station_name", protocol: "profinet"},
		{name: "modbus.object_str_value", protocol: "modbus"},
		{name: "enip.lir.name", protocol: "enip"},
		{name: "cip.id.product_name", protocol: "enip"},
		{name: "smb.native_os", protocol: "smb"},
		{name: "ntlmssp.challenge.target_info.nb_computer_name", protocol: "smb"},
		{name: "browser.server", protocol: "browser", onlyWith: "browser.os_major"},
		{name: "bacapp.vendor_identifier", protocol: "bacnet", onlyWith: "bacapp.unconfirmed_service", value: "0"}, // I-Am
		{name: "ams.ads_devicename", protocol: "ads"},
		{name: "dhcp.option.hostname", protocol: "dhcp"},
		{name: "dhcp.option.vendor_class_id", protocol: "dhcp"},
		{name: "http.server", protocol: "http ssdp"},
		{name: "ssh.protocol", protocol: "ssh"},
		{name: "ftp.response.arg", protocol: "ftp", onlyWith: "ftp.response.code", value: "220"},
		{name: "opcua.ApplicationUri", protocol: "opcua"},
	}
}

// tolerated is the share of what tshark reads that walkdown may miss: a name in a frame that the capture has cut inside of it, of which
// tshark shows what there is, and what follows bytes of which it cannot be known whose they are.
const tolerated = 0.02

// TestTsharkReadsNoMore damages each shared capture in each way, from a seed, and lets tshark and walkdown read the very same file. walkdown
// must not fail, must tell nothing that the whole capture contradicts, and of what tshark reads of the fields that name devices
// it must have all but a tolerated share; what it misses is printed.
func TestTsharkReadsNoMore(t *testing.T) {
	tshark, err := exec.LookPath("tshark")
	if err != nil {
		t.Skip("tshark is not installed")
	}
	var mu sync.Mutex
	compared, missed := 0, map[string]int{}
	t.Run("files", func(t *testing.T) {
		for n, file := range sharedCaptures(t) {
			t.Run(filepath.Base(file), func(t *testing.T) {
				t.Parallel()
				frames := load(t, file)
				whole := tell(frames)
				for way, d := range damages() {
					damaged := d.do(rand.New(rand.NewPCG(uint64(n), uint64(way))), slices.Clone(frames))
					path := filepath.Join(t.TempDir(), d.name+".pcap")
					writeCapture(t, path, damaged)
					if way == n%len(damages()) {
						readAll(t, path)
					}
					have := indexFile(t, path)
					if _, lies := contradictions(whole, have.byKey); len(lies) > 0 {
						t.Errorf("%s: %s", d.name, strings.Join(lies, "\n"))
					}
					for _, s := range statements(t, tshark, path) {
						mu.Lock()
						compared++
						if !have.has(s) {
							missed[fmt.Sprintf("%s, %s: %s = %q by %s", filepath.Base(file), d.name, s.field.name, s.text, strings.Join(s.senders, " "))]++
						}
						mu.Unlock()
					}
				}
			})
		}
	})
	misses := 0
	for what, times := range missed {
		t.Logf("missed %d times: %s", times, what)
		misses += times
	}
	t.Logf("%d statements of tshark, %d missed", compared, misses)
	if compared == 0 || float64(misses) > tolerated*float64(compared) {
		t.Errorf("%d of %d statements are missed, more than %v", misses, compared, tolerated)
	}
}

// writeCapture writes frames as a pcap file.
func writeCapture(t *testing.T, path string, frames []discovery.Frame) {
	t.Helper()
	var out bytes.Buffer
	w := pcapgo.NewWriter(&out)
	link := layers.LinkTypeEthernet
	if len(frames) > 0 {
		link = layers.LinkType(frames[0].Link)
	}
	if err := w.WriteFileHeader(262144, link); err != nil {
		t.Fatal(err)
	}
	for _, f := range frames {
		info := gopacket.CaptureInfo{Timestamp: f.Time, CaptureLength: len(f.Data), Length: max(f.Length, len(f.Data))}
		if err := w.WritePacket(info, f.Data); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(path, out.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
}

// readAll reads a file as a user does, into an inventory.
func readAll(t *testing.T, path string) {
	t.Helper()
	db := filepath.Join(t.TempDir(), "walkdown.db")
	if err := run(t.Context(), []string{"read", path, "--db", db, "--quiet"}, nil, io.Discard, io.Discard, slog.New(slog.DiscardHandler), new(slog.LevelVar)); err != nil {
		t.Errorf("read %s: %v", path, err)
	}
}

// statement is what tshark reads in a frame of a field.
type naming struct {
	field   namingField
	text    string
	senders []string // its MAC and its IP
}

// statements runs tshark over a file.
func statements(t *testing.T, tshark, path string) []naming {
	t.Helper()
	args := []string{"-n", "-r", path, "-T", "fields", "-E", "separator=/t", "-E", "aggregator=\x1f"}
	column := map[string]int{} // tshark fills only the last of several columns of one field
	want := func(field string) {
		if _, known := column[field]; field != "" && !known {
			column[field] = len(column)
			args = append(args, "-e", field)
		}
	}
	senderFields := []string{"eth.src", "ip.src", "ipv6.src"}
	for _, f := range senderFields {
		want(f)
	}
	fields := namingFields()
	for _, f := range fields {
		want(f.name)
		want(f.onlyWith)
	}
	out, err := exec.CommandContext(t.Context(), tshark, args...).Output()
	var failed *exec.ExitError
	if err != nil && !errors.As(err, &failed) { // it also ends so when the file ends inside of a frame
		t.Fatal(err)
	}
	var list []naming
	for line := range strings.Lines(string(out)) {
		columns := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if len(columns) != len(column) {
			t.Fatalf("%s: %d columns: %q", path, len(columns), line)
		}
		var senders []string
		for _, f := range senderFields {
			if first, _, _ := strings.Cut(columns[column[f]], "\x1f"); first != "" {
				senders = append(senders, first)
			}
		}
		for _, f := range fields {
			value := columns[column[f.name]]
			if value == "" || f.onlyWith != "" && (columns[column[f.onlyWith]] == "" || !strings.HasPrefix(columns[column[f.onlyWith]], f.value)) {
				continue
			}
			for text := range strings.SplitSeq(value, "\x1f") {
				if fold(text) != "" {
					list = append(list, naming{f, text, senders})
				}
			}
		}
	}
	return list
}

// told is what walkdown tells of a file.
type told struct {
	byKey map[string]map[string]bool
	said  map[string][]string // by protocol and address, of subject or teller
}

func indexFile(t *testing.T, path string) told {
	t.Helper()
	source, err := capture.OpenFile(path)
	if err != nil {
		t.Fatal(err)
	}
	defer source.Close() //nolint:errcheck // it was only read
	var frames []discovery.Frame
	var f discovery.Frame
	for source.Next(&f) == nil {
		kept := f
		kept.Data = slices.Clone(f.Data)
		frames = append(frames, kept)
	}
	x := told{byKey: tell(frames), said: map[string][]string{}}
	l := listen.New(listen.Options{Protocols: protocols.All(), Out: discovery.SinkFunc(func(o discovery.Observation) {
		for _, about := range []discovery.Subject{o.Subject, o.Teller} {
			for _, address := range []string{about.MAC.String(), about.IP.String()} {
				for _, fact := range o.Facts {
					key := fact.Key.Protocol() + " " + address
					x.said[key] = append(x.said[key], fold(fact.Value))
				}
			}
		}
	})})
	for i := range frames {
		l.Frame(&frames[i])
	}
	l.Flush()
	return x
}

// has reports whether walkdown tells a statement of its sender, or what is more of it.
func (x told) has(s naming) bool {
	want := fold(s.text)
	for protocol := range strings.FieldsSeq(s.field.protocol) {
		for _, sender := range s.senders {
			if slices.ContainsFunc(x.said[protocol+" "+sender], func(said string) bool {
				return strings.Contains(said, want) || strings.Contains(want, said) && said != ""
			}) {
				return true
			}
		}
	}
	return false
}
