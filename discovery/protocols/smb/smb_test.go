package smb

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/discoverytest"
)

const (
	client = "10.0.0.20"
	server = "10.0.0.7"
	guid   = "\x0a\xd9\xdb\x2e\x9b\x2a\xe7\x4f\xad\x79\x34\xd9\x62\x50\xbd\x76"
)

func flow() discovery.Flow {
	f := discovery.Flow{Transport: discovery.TCP, Ports: [2]uint16{50000, Port}}
	f.Ends[discovery.Client].IP = netip.MustParseAddr(client)
	f.Ends[discovery.Server].IP = netip.MustParseAddr(server)
	return f
}

func asks(text string) discoverytest.Message {
	return discoverytest.Message{Side: discovery.Client, Bytes: []byte(text)}
}

func answers(text string) discoverytest.Message {
	return discoverytest.Message{Side: discovery.Server, Bytes: []byte(text)}
}

func said(by string, facts ...string) []string {
	for i := range facts {
		facts[i] = by + ": smb." + facts[i]
	}
	return facts
}

func sample(name string, want []string, messages ...discoverytest.Message) discoverytest.Sample {
	return discoverytest.Sample{Name: name, Flow: flow(), Want: want, Messages: messages}
}

func TestVersion1(t *testing.T) {
	ntlm := said(server, "ntlm-target-name = Server", "ntlm-computer-name = Server", "ntlm-domain = Domain", "ntlm-version = 6.0.6000")
	// The security blob of an odd length puts the strings behind it on an odd byte, so one of padding follows.
	blob := "\x60" + unhex(t, challenge)
	setupExt := version1(command1SessionSetup, 0x98, 0xc807, u16(0xff, 0, 0, uint16(len(blob))), blob+"\x00"[:(len(blob)+1)%2]+wide("Windows 5.1", "Windows 2000 LAN Manager"))
	setupExtRequest := version1(command1SessionSetup, 0x18, 0xc807, u16(0xff, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0), "NTLM\x00"+wide("Mac OS X 10.10", "SMBFS 3.0.0"))
	words17 := func(abilities string, challenge byte) string {
		return u16(0) + "\x03" + strings.Repeat("\x00", 16) + abilities + strings.Repeat("\x00", 10) + string([]byte{challenge})
	}

	discoverytest.Run(
		t, Protocol(),
		sample(
			"extended_security", slices.Concat(
				said(server, "dialect = NT LM 0.12", "server-guid = 2edbd90a-2a9b-4fe7-ad79-34d96250bd76"),
				said(client, "native-os = Mac OS X 10.10", "native-lan-man = SMBFS 3.0.0"),
				ntlm, said(server, "native-os = Windows 5.1", "native-lan-man = Windows 2000 LAN Manager"),
			),
			asks(version1(command1Negotiate, 0x18, 0x0801, "", "\x02NT LM 0.12\x00")),
			answers(version1(command1Negotiate, 0x88, 0x0801, words17("\xfd\xf3\x80\x80", 0), guid+"blob")),
			asks(setupExtRequest), answers(setupExt),
			asks(setupExtRequest), answers(setupExt),
		),
		sample(
			"plain_security", slices.Concat(
				said(server, "dialect = NT LM 0.12", "domain-name = PLANT", "server-name = HMI7"),
				said(client, "native-os = Unix", "native-lan-man = Samba"),
				said(server, "native-os = Windows 4.0", "native-lan-man = NT LAN Manager 4.0", "primary-domain = PLANT"),
			),
			answers(version1(command1Negotiate, 0x88, 0x4001, words17("\xfd\xf3\x00\x00", 8), "abcdefgh"+wide("PLANT", "HMI7"))),
			asks(version1(command1SessionSetup, 0x18, 0xc001, u16(0xff, 0, 0, 0, 0, 0, 0, 3, 4, 0, 0, 0, 0), "oemwide"+wide("operator", "PLANT", "Unix", "Samba"))),
			answers(version1(command1SessionSetup, 0x88, 0xc001, u16(0xff, 0, 0), "\x00"+strings.TrimSuffix(wide("Windows 4.0", "NT LAN Manager 4.0", "PLANT"), "\x00"))),
		),
		sample(
			"old_client_ascii", said(client, "calling-name = PANEL", "native-os = DOS LANMAN 2.1", "native-lan-man = LM"),
			asks(request139("PANEL")), answers("\x82\x00\x00\x00"),
			asks(version1(command1SessionSetup, 0x00, 0x0000, u16(0xff, 0, 0, 0, 0, 0, 0, 2, 0, 0), "pwoperator\x00PLANT\x00DOS LANMAN 2.1\x00LM\x00")),
		),
	)
}

func TestVersion2(t *testing.T) {
	ntlm := said(server, "ntlm-target-name = Server", "ntlm-computer-name = Server", "ntlm-domain = Domain", "ntlm-version = 6.0.6000")
	logon := setupRequest2(unhex(t, authenticate))
	file := framed("\xfeSMB" + u16(64, 1, 0, 0, 8, 1) + "\x01\x00\x00\x00" + strings.Repeat("d", 300))
	encrypted := framed("\xfdSMB" + strings.Repeat("e", 100))
	inside := discoverytest.Message{Side: discovery.Server, Gap: 200, Bytes: []byte(file[250:] + setup2(unhex(t, challenge)))}
	lost := discoverytest.Message{Side: discovery.Server, Gap: 5000, Bytes: []byte("tail \x00SMB of a message" + setup2(unhex(t, challenge)))}

	discoverytest.Run(
		t, Protocol(),
		sample(
			"logon", slices.Concat(said(server, "dialect = 3.1.1", "server-guid = 2edbd90a-2a9b-4fe7-ad79-34d96250bd76"), ntlm, said(client, "ntlm-workstation = COMPUTER", "ntlm-version = 5.1.2600")),
			asks(version2(command2Negotiate, 0, u16(36, 1, 1, 0))), answers(negotiated2(0x02ff, strings.Repeat("\x00", guidSize))),
			answers(negotiated2(0x0311, guid)), answers(setup2("\xa1\x81"+unhex(t, challenge))), asks(logon), answers(encrypted+file), asks(encrypted),
		),
		sample("both_of_one_version", slices.Concat(said(client, "ntlm-version = 6.0.6000"), ntlm), asks(setupRequest2("NTLMSSP\x00\x01\x00\x00\x00\x07\x82\x08\xa2"+strings.Repeat("\x00", 16)+"\x06\x00\x70\x17\x00\x00\x00\x0f")), answers(setup2(unhex(t, challenge)))),
		sample("kerberos", said(server, "dialect = 2.1"), answers(negotiated2(0x0210, strings.Repeat("\x00", guidSize))), answers(setup2("\x60kerberos"))),
		sample("error_answers", nil, answers(version2(command2SessionSetup, flag2Response, u16(77, 0))), answers(version2(command2Negotiate, flag2Response, u16(9, 0)))),
		sample("loss_inside_a_file", ntlm, answers(file[:50]), inside),
		sample("joined_in_the_middle", ntlm, lost),
	)
}

func TestDialects(t *testing.T) {
	for code, want := range map[uint16]string{0x0202: "2.0.2", 0x0210: "2.1", 0x0300: "3.0", 0x0302: "3.0.2", 0x0311: "3.1.1", 0x02ff: "", 0x0011: ""} {
		var f facts
		f.dialect2(code)
		if got := append(f, discovery.Fact{})[0].Value; got != want {
			t.Errorf("%#04x: got %q, want %q", code, got, want)
		}
	}
}

func TestOtherProtocols(t *testing.T) {
	for _, first := range []string{"GET / HTTP/1.1\r\n", "\x00\x00\x00\x10not a message at all", "\x81\xff\xff\xff\x00\x00\x00\x00"} {
		_, problems := discoverytest.Read(t, Protocol(), sample("other", nil, asks(first), asks(first)))
		if len(problems) != 1 || claims([]byte(first)) {
			t.Errorf("%q: %v", first, problems)
		}
	}
	if !claims([]byte(negotiated2(0x0311, guid))) {
		t.Error("an SMB message is not claimed")
	}
}

func TestCapture(t *testing.T) {
	got := map[string]bool{}
	for _, port := range []uint16{Port, NetBIOSPort} {
		for _, s := range discoverytest.Capture(t, "plant-s4x15-lab-merged.pcap", discovery.TCP, port) {
			lines, problems := discoverytest.Read(t, Protocol(), s)
			if len(problems) > 0 {
				t.Errorf("%s: %v", s.Name, problems)
			}
			for _, line := range lines {
				_, line, _ = strings.Cut(line, " ")
				got[line] = true
			}
		}
	}
	for _, want := range []string{
		"10.200.1.18: smb.ntlm-computer-name = OICU812-XP", "10.200.1.18: smb.ntlm-dns-computer-name = OICU812-XP.CTF.S4.COM",
		"10.200.1.18: smb.ntlm-domain = CTF", "10.200.1.18: smb.ntlm-version = 5.1.2600", "10.200.1.18: smb.native-os = Windows 5.1",
		"10.200.1.18: smb.native-lan-man = Windows 2000 LAN Manager", "10.200.1.18: smb.primary-domain = CTF",
		"10.200.1.184: smb.native-os = Mac OS X 10.9", "10.200.1.191: smb.native-lan-man = SMBFS 3.0.0", "10.200.1.252: smb.native-os = Unix",
		"10.200.1.178: smb.calling-name = E-PREZO-LAPTOP",
	} {
		if !got[want] {
			t.Errorf("%q is missing", want)
		}
	}
}

// A file is passed over without an allocation.
func TestFilesCostNothing(t *testing.T) {
	d := Protocol().Decode(flow())
	file := []byte(framed("\xfeSMB" + u16(64, 1, 0, 0, 8, 1) + "\x01\x00\x00\x00" + strings.Repeat("d", 1400)))
	sink := discovery.SinkFunc(func(discovery.Observation) {})
	if n := testing.AllocsPerRun(100, func() { _, _ = d.Feed(discovery.Server, time.Time{}, file, 0, sink) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}
