package snmp

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/discoverytest"
)

// program finds a program, or skips.
func program(t *testing.T, names ...string) string {
	t.Helper()
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
		if path := "/usr/sbin/" + name; isFile(path) {
			return path
		}
	}
	t.Skipf("%s is not installed", names[0])
	return ""
}

func isFile(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// freeAddress is one on loopback that nobody has.
func freeAddress(t *testing.T) string {
	t.Helper()
	socket, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = socket.Close() }()
	return socket.LocalAddr().String()
}

// start runs a peer until the test ends.
func start(t *testing.T, environment []string, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), args[0], args[1:]...)
	cmd.Env = append(os.Environ(), environment...)
	var log strings.Builder
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		t.Skipf("start %s: %v", args[0], err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("%s said:\n%s", filepath.Base(args[0]), log.String())
		}
	})
}

// await asks until the peer answers, and where it is asked for its tables, until it was quick enough for them: it may not listen
// yet, and a machine that is busy makes a peer slow.
func await(t *testing.T, peer discoverytest.Peer) discoverytest.Answers {
	t.Helper()
	var got discoverytest.Answers
	for range 60 {
		got = discoverytest.Asked(t, Protocol(), peer)
		whole := peer.Target.Class != discovery.ClassInfrastructure || slices.Contains(got.Lines, "127.0.0.1: snmp.tables = read")
		if got.Err == nil && whole {
			return got
		}
		time.Sleep(200 * time.Millisecond)
	}
	t.Fatalf("ask %s: %v, sent %v", peer.Address, got.Err, got.Requests())
	return got
}

// snmpd starts net-snmp's agent with a configuration, and gives its address.
func snmpd(t *testing.T, config string) string {
	t.Helper()
	path := program(t, "snmpd")
	address, dir := freeAddress(t), t.TempDir()
	file := filepath.Join(dir, "snmpd.conf")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	start(t, []string{"SNMP_PERSISTENT_DIR=" + dir, "MIBS="}, path, "-f", "-Le", "-C", "-c", file, "-p", filepath.Join(dir, "pid"),
		"-I", "system_mib,sysORTable,usmUser,usmStats,usmConf,snmpEngine,vacm_vars,vacm_conf,vacm_context", "udp:"+address)
	return address
}

const labSwitch = "sysDescr Lab switch LS-8, FW: V1.2.3\nsysObjectID 1.3.6.1.4.1.4329.6.1.2\nsysName lab-switch\n" +
	"sysLocation cabinet 7\nsysContact nobody\nsysServices 2\n"

// labFacts are what snmpd tells with labSwitch.
func labFacts() []string {
	var want []string
	for _, fact := range []string{
		"sysDescr = Lab switch LS-8, FW: V1.2.3", "sysObjectID = 1.3.6.1.4.1.4329.6.1.2", "sysContact = nobody", "sysName = lab-switch", "sysLocation = cabinet 7", "sysServices = 2",
	} {
		want = append(want, "127.0.0.1: snmp."+fact)
	}
	return want
}

func TestAskSnmpd(t *testing.T) {
	address := snmpd(t, "rocommunity lab 127.0.0.1\n"+labSwitch)
	for kind, read := range map[string]string{KindCommunity: "get-nameplate", KindCommunityV1: "get-nameplate"} {
		t.Run(kind, func(t *testing.T) {
			peer := discoverytest.Peer{Target: target(), Address: address, Timeout: 2 * time.Second}
			peer.Target.Credentials = []discovery.Credential{{Protocol: "snmp", Kind: kind, Secret: "lab"}}
			got := await(t, peer)
			if kind == KindCommunityV1 { // it is asked for what follows, and behind the nameplate that it lacks follows its engine
				got.Lines = slices.DeleteFunc(got.Lines, func(line string) bool { return strings.Contains(line, "snmp.engine") })
			}
			if want := append([]string{" -> 127.0.0.1 udp/161 snmp: read"}, labFacts()...); !slices.Equal(got.Lines, want) || len(got.Problems) > 0 {
				t.Errorf("got  %q\nwant %q\nproblems %v", got.Lines, want, got.Problems)
			}
			if want := []string{systemRequest, read}; !slices.Equal(got.Requests(), want) {
				t.Errorf("sent %q, want %q", got.Requests(), want)
			}
		})
	}
}

// Every algorithm against net-snmp; one that this snmpd was not built with is skipped.
func TestAskSnmpdV3(t *testing.T) {
	algorithms := [][2]string{
		{"MD5", "DES"},
		{"SHA", "AES"},
		{"SHA-224", "AES"},
		{"SHA-256", "AES"},
		{"SHA-384", "AES"},
		{"SHA-512", "AES"},
		{"SHA-256", "AES-192"},
		{"SHA-512", "AES-256"},
		{"SHA-256", "AES-192-C"},
		{"SHA-512", "AES-256-C"},
		{"SHA-256", ""},
	}
	config := labSwitch
	user := func(i int) string { return fmt.Sprintf("user%d", i) }
	for i, a := range algorithms {
		level := "priv"
		config += fmt.Sprintf("createUser %s %s authentic-words", user(i), a[0])
		if a[1] == "" {
			level = "auth"
		} else {
			config += fmt.Sprintf(" %s private-words", a[1])
		}
		config += fmt.Sprintf("\nrouser %s %s\n", user(i), level)
	}
	address := snmpd(t, config)
	for i, a := range algorithms {
		t.Run(a[0]+"_"+a[1], func(t *testing.T) {
			credential := discovery.Credential{Protocol: "snmp", Kind: KindUser, User: user(i), Auth: a[0], AuthPassword: "authentic-words", Privacy: a[1]}
			if a[1] != "" {
				credential.PrivacyPassword = "private-words"
			}
			peer := discoverytest.Peer{Target: target(), Address: address, Timeout: 2 * time.Second}
			peer.Target.Credentials = []discovery.Credential{credential}
			got := discoverytest.Asked(t, Protocol(), peer)
			for n := 0; got.Err != nil && n < 30 && i == 0; n++ {
				time.Sleep(100 * time.Millisecond)
				got = discoverytest.Asked(t, Protocol(), peer)
			}
			if errors.Is(got.Err, errRejected) && strings.HasPrefix(a[1], "AES-") {
				t.Skip("this snmpd was built without the longer keys of AES")
			}
			if got.Err != nil {
				t.Fatalf("%v", got.Err)
			}
			for _, want := range labFacts() {
				if !slices.Contains(got.Lines, want) {
					t.Errorf("%q is missing in\n%s", want, strings.Join(got.Lines, "\n"))
				}
			}
			if !slices.Equal(got.Requests(), []string{discoverRequest, readV3Request, readV3Request}) {
				t.Errorf("sent %v", got.Requests())
			}
			for _, sent := range got.Sent {
				for _, r := range requests() {
					if secrets, ok := r.Template.Match(sent.Bytes); ok && r.Name == sent.Request && strings.Contains(string(discovery.Redact(sent.Bytes, secrets)), user(i)) {
						t.Errorf("%s: the ledger would show the user's name", sent.Request)
					}
				}
			}
		})
	}
}

// A wrong user or password gets one try; then comes what is next in the list.
func TestAskSnmpdV3Rejected(t *testing.T) {
	address := snmpd(t, labSwitch+"rocommunity lab\ncreateUser known SHA authentic-words AES private-words\nrouser known priv\n")
	user := func(name, password string) discovery.Credential {
		return discovery.Credential{Protocol: "snmp", Kind: KindUser, User: name, Auth: "SHA", AuthPassword: password, Privacy: "AES", PrivacyPassword: "private-words"}
	}
	peer := discoverytest.Peer{Target: target("lab"), Address: address, Timeout: 2 * time.Second}
	await(t, peer)
	for name, c := range map[string]struct {
		list []discovery.Credential
		want []string
	}{
		"unknown_then_known": {
			[]discovery.Credential{user("nobody", "authentic-words"), user("known", "authentic-words")},
			[]string{discoverRequest, readV3Request, readV3Request, readV3Request},
		},
		"wrong_password_then_community": {
			[]discovery.Credential{user("known", "mistaken-words"), {Protocol: "snmp", Kind: KindCommunity, Secret: "lab"}},
			[]string{discoverRequest, readV3Request, systemRequest, "get-nameplate"},
		},
		"none": {[]discovery.Credential{user("nobody", "authentic-words")}, []string{discoverRequest, readV3Request}},
	} {
		t.Run(name, func(t *testing.T) {
			peer.Target.Credentials = c.list
			got := discoverytest.Asked(t, Protocol(), peer)
			if !slices.Equal(got.Requests(), c.want) || (got.Err == nil) != (name != "none") {
				t.Errorf("sent %v, error %v", got.Requests(), got.Err)
			}
			if !slices.ContainsFunc(got.Lines, func(l string) bool { return strings.HasPrefix(l, "127.0.0.1: snmp.engineID = ") }) {
				t.Error("the engine id, which needs no credential, was not told")
			}
		})
	}
}

// Over SNMPv3 the same comes out as over v2c: what is decrypted goes through the same parser.
func TestAskRecordedV3(t *testing.T) {
	const recording = "scalance_xc206-2sfp"
	address := simulator(t, recording)
	told := func(c discovery.Credential) []string {
		peer := discoverytest.Peer{Target: target(), Address: address}
		peer.Target.Class, peer.Target.Credentials = discovery.ClassInfrastructure, []discovery.Credential{c}
		var lines []string
		for _, line := range await(t, peer).Lines {
			if !strings.Contains(line, "snmp.engine") && !slices.Contains(lines, line) {
				lines = append(lines, line)
			}
		}
		slices.Sort(lines)
		return lines
	}
	plain := told(discovery.Credential{Protocol: "snmp", Kind: KindCommunity, Secret: recording})
	secret := told(discovery.Credential{
		Protocol: "snmp", Kind: KindUser, User: "simulator", Auth: "MD5", AuthPassword: "auctoritas", Privacy: "DES", PrivacyPassword: "privatus", Context: recording,
	})
	if diff := cmp.Diff(plain, secret); diff != "" || len(plain) < 100 {
		t.Errorf("%d lines by community; by user: %s", len(plain), diff)
	}
}

// simulator replays recordings of real agents; the community string is the name of the recording.
func simulator(t *testing.T, recordings ...string) string {
	t.Helper()
	path := program(t, "snmpsimd")
	// Not t.TempDir: the simulator gives up root and must still reach the recordings.
	dir, err := os.MkdirTemp("", "walkdown-snmpsim") //nolint:usetesting // see above
	if err == nil {
		err = os.Chmod(dir, 0o777)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	for _, name := range recordings {
		b, err := os.ReadFile(discoverytest.Shared(t, "identities/snmprec/"+name+".snmprec"))
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, name+".snmprec"), b, 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	address := freeAddress(t)
	args := []string{path, "--data-dir=" + dir, "--agent-udpv4-endpoint=" + address, "--cache-dir=" + filepath.Join(dir, "cache")}
	if os.Geteuid() == 0 {
		args = append(args, "--process-user=nobody", "--process-group=nogroup")
	}
	start(t, nil, args...)
	return address
}

// What switches of five makers tell, as their recordings hold it: nameplates, neighbours, hosts behind ports.
func TestAskRecordedSwitches(t *testing.T) {
	recorded := map[string]struct {
		most int // requests
		want []string
	}{
		"ios_ie32008t2s-ios17-12": {25, []string{
			"127.0.0.1 ent=1: snmp.entPhysicalSerialNum = FVH2849L0CA", "127.0.0.1 ent=1000: snmp.entPhysicalSoftwareRev = Dublin 17.12.04",
			"127.0.0.1 ent=1121: snmp.entPhysicalModelName = GLC-SX-MMD", "127.0.0.1 if=3: snmp.ifAlias = ### PLC ###", "127.0.0.1: snmp.ipAdEntAddr = 10.46.101.113",
			"127.0.0.1: link Gi1/1 -> 78:85:17:84:0b:80 DE-XXX-XXX-FAC-MP-SW110 Gi1/25 by lldp",
			"192.168.100.3 (said by 127.0.0.1): lldp.system-description = Siemens, SIMATIC NET, CP 443-1, 6GK7 443-1EX30-0XE0, HW: Version 2, FW: Version V3.2.17, SVPN3383264",
			"78:85:17:84:0b:80 (said by 127.0.0.1): lldp.management-address = 10.46.101.110",
			"78:85:17:84:0b:99 (said by 127.0.0.1): snmp.dot1dTpFdbPort = Gi1/1", "00:09:0f:09:2e:12 10.46.101.254 (said by 127.0.0.1): address.binding = table",
		}},
		"scalance_xc206-2sfp": {35, []string{
			"127.0.0.1: snmp.1.3.6.1.4.1.4329.6.3.2.1.1.3.0 = VPM8190273", "127.0.0.1: snmp.dot1dBaseBridgeAddress = d4:f5:27:66:5a:d0",
			"127.0.0.1: link port-008 -> 3c:41:0e:e8:4b:80 C3560 Gi1/0/16 by lldp", "3c:41:0e:e8:4b:c1 10.12.10.21 (said by 127.0.0.1): address.binding = table",
		}},
		"moxa-etherdevice_edsg516e": {20, []string{
			"127.0.0.1: snmp.1.3.6.1.4.1.8691.7.71.1.2.0 = EDS-G516E-T", "127.0.0.1: snmp.1.3.6.1.4.1.8691.7.71.1.4.0 = V6.2 build 20080519",
			"00:90:e8:af:13:a8 vlan=1 (said by 127.0.0.1): snmp.dot1dTpFdbPort = Ethernet Port G1", "127.0.0.1: link Ethernet Port G1 -> 00:90:e8:af:13:a8 by fdb",
		}},
		"hirschmann_ms4128": {110, []string{
			"127.0.0.1: snmp.1.3.6.1.4.1.248.14.1.1.2.0 = SW: L3E-09.1.03 CH: 1.04 BP: 101", "127.0.0.1: snmp.1.3.6.1.4.1.248.14.1.1.9.1.10.1 = 943009201000201022",
			"127.0.0.1: link 1/2/2 -> 00:90:e8:53:24:0a by fdb", "127.0.0.1: link 1/4/3 -> 00:90:fb:72:20:40 by fdb",
		}},
		"procurve_e2910": {30, []string{"127.0.0.1 ent=1: snmp.entPhysicalModelName = J9146A", "127.0.0.1: link 23 -> switch-name 41 by lldp"}},
	}
	address := simulator(t, slices.Sorted(maps.Keys(recorded))...)
	for name, c := range recorded {
		t.Run(name, func(t *testing.T) {
			peer := discoverytest.Peer{Target: target(name), Address: address}
			peer.Target.Class = discovery.ClassInfrastructure
			got := await(t, peer)
			for _, want := range append(c.want, "127.0.0.1: snmp.tables = read") {
				if !slices.Contains(got.Lines, want) {
					t.Errorf("%q is missing", want)
				}
			}
			if len(got.Sent) > c.most || len(got.Problems) > 0 {
				t.Errorf("%d requests, problems %v", len(got.Sent), got.Problems)
			}
			if len(c.want) > 0 && t.Failed() {
				t.Logf("sent %v\n%s", got.Requests(), strings.Join(got.Lines, "\n"))
			}
		})
	}
}

// The same switch is asked two questions when nothing says that it is one.
func TestAskRecordedAsUnknown(t *testing.T) {
	address := simulator(t, "scalance_xc206-2sfp")
	for _, class := range []discovery.Class{discovery.ClassUnknown, discovery.ClassController, discovery.ClassField, discovery.ClassComputer, discovery.ClassGateway} {
		peer := discoverytest.Peer{Target: target("scalance_xc206-2sfp"), Address: address}
		peer.Target.Class = class
		if got := await(t, peer); !slices.Equal(got.Requests(), []string{systemRequest, "get-nameplate"}) {
			t.Errorf("%s: sent %v", class, got.Requests())
		}
	}
}
