package browser

import (
	"encoding/binary"
	"net/netip"
	"strings"
	"testing"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/discoverytest"
)

const sender = "10.0.0.7"

func flow() discovery.Flow {
	f := discovery.Flow{Transport: discovery.UDP, Ports: [2]uint16{Port, Port}}
	f.Ends[discovery.Client].IP = netip.MustParseAddr(sender)
	f.Ends[discovery.Server].IP = netip.MustParseAddr("10.0.0.255")
	return f
}

// encoded is a name in the first-level encoding of RFC 1001 section 14.1.
func encoded(text string, suffix byte) string {
	out := "\x20"
	for _, c := range []byte(text + strings.Repeat(" ", 15-len(text)) + string([]byte{suffix})) {
		out += string([]byte{'A' + c>>4, 'A' + c&15})
	}
	return out + "\x00"
}

// transaction is the SMB transaction that writes to a mailslot (MS-MAIL section 2.2.1).
func transaction(slot, data string) string {
	words := make([]byte, 34)
	content := slot + "\x00" + data
	binary.LittleEndian.PutUint16(words[2:], uint16(len(data)))
	binary.LittleEndian.PutUint16(words[22:], uint16(len(data)))
	binary.LittleEndian.PutUint16(words[24:], uint16(smbHeaderSize+1+34+2+len(slot)+1))
	words[26], words[28], words[30], words[32] = 3, 1, 1, 2
	size := binary.LittleEndian.AppendUint16(nil, uint16(len(content)))
	return "\xffSMB\x25" + strings.Repeat("\x00", smbHeaderSize-5) + "\x11" + string(words) + string(size) + content
}

// datagram is a DIRECT_GROUP DATAGRAM (RFC 1002 section 4.4.2).
func datagram(source string, names, data string) discoverytest.Message {
	ip := netip.MustParseAddr(source).As4()
	b := append([]byte{directGroup, flagFirst, 0x80, 0xa1}, ip[:]...)
	b = append(b, 0, 138)
	b = binary.BigEndian.AppendUint16(b, uint16(len(names)+len(data)))
	return discoverytest.Message{Side: discovery.Client, Bytes: append(append(b, 0, 0), names+data...)}
}

// announcement is a browser message with the fields of MS-BRWS section 2.2.1.
func announcement(command Command, name string, major, minor byte, kind ServerType, comment string) string {
	b := append([]byte{byte(command), 3, 0x80, 0xfc, 0x0a, 0}, name+strings.Repeat("\x00", nameSize-len(name))...)
	b = binary.LittleEndian.AppendUint32(append(b, major, minor), uint32(kind))
	return string(b) + "\x0f\x01\x55\xaa" + comment + "\x00"
}

func TestProtocol(t *testing.T) {
	const slot = `\MAILSLOT\BROWSE`
	names := func(to string, suffix byte) string { return encoded("HMI7", 0x20) + encoded(to, suffix) }
	own := func(facts ...string) []string {
		for i := range facts {
			facts[i] = sender + ": browser." + facts[i]
		}
		return facts
	}
	sample := func(name string, want []string, messages ...discoverytest.Message) discoverytest.Sample {
		return discoverytest.Sample{Name: name, Flow: flow(), Want: want, Messages: messages}
	}
	host := datagram(sender, names("PLANT", 0x1d), transaction(slot, announcement(HostAnnouncement, "HMI7", 6, 1, 0x00051003, "Packaging line 3")))
	again := host
	again.Bytes = append([]byte(nil), host.Bytes...)
	again.Bytes[3]++ // the datagram's id

	discoverytest.Run(
		t, Protocol(),
		sample("host", own(
			"source-name = HMI7", "server-name = HMI7", "os-version = 6.1", "server-type = workstation", "server-type = server",
			"server-type = NT workstation", "server-type = potential browser", "server-type = master browser",
			"comment = Packaging line 3", "domain = PLANT",
		), host, again),
		sample("forwarded", []string{
			"10.9.0.9 (said by " + sender + "): browser.source-name = HMI7", "10.9.0.9 (said by " + sender + "): browser.server-name = HMI7",
			"10.9.0.9 (said by " + sender + "): browser.os-version = 5.2", "10.9.0.9 (said by " + sender + "): browser.domain = PLANT",
		}, datagram("10.9.0.9", names("PLANT", 0x1e), transaction(slot, announcement(LocalMasterAnnouncement, "HMI7", 5, 2, 0, "")))),
		sample("domain", own("source-name = HMI7", "domain = PLANT", "server-name = HMI7"), datagram(sender, encoded("HMI7", 0)+encoded("\x01\x02__MSBROWSE__\x02", 1), transaction(slot, announcement(DomainAnnouncement, "PLANT", 3, 10, 0x80001000, "HMI7")))),
		sample("election", own("source-name = HMI7", "server-name = HMI7"), datagram(sender, names("PLANT", 0x1e), transaction(slot, "\x08\x01"+strings.Repeat("\x02", 12)+"HMI7\x00"))),
		sample("request", own("source-name = HMI7", "server-name = HMI7"), datagram(sender, names("PLANT", 0x1d), transaction(slot, "\x02\x00HMI7\x00"))),
		sample("other_mailslot", own("source-name = HMI7"), datagram(sender, names("PLANT", 0x1c), transaction(`\MAILSLOT\NET\NETLOGON`, "\x07\x00anything"))),
		sample("other_data", own("source-name = HMI7"), datagram(sender, names("PLANT", 0x00), "no transaction")),
		sample("nothing", nil, datagram(sender, encoded("OPERATOR", 0x03)+encoded("PLANT", 0x00), "a message of a user")),
	)
}

func TestCaptures(t *testing.T) {
	for file, want := range map[string]string{
		"iec104-diverse.pcap": "02:00:4c:4f:4f:50 10.0.0.10: browser.server-name = EVON|" +
			"02:00:4c:4f:4f:50 10.0.0.10: browser.os-version = 5.1|02:00:4c:4f:4f:50 10.0.0.10: browser.domain = ARBETSGRUPP",
		"profinet-io-ge-versamax-scalance-mixed.pcap": "e4:11:5b:5a:d9:73 169.254.216.43: browser.server-name = LT-US-DSWANSON",
	} {
		t.Run(file, func(t *testing.T) {
			got := map[string]bool{}
			for _, s := range discoverytest.Capture(t, file, discovery.UDP, Port) {
				lines, problems := discoverytest.Read(t, Protocol(), s)
				if len(problems) > 0 {
					t.Errorf("%s: %v", s.Name, problems)
				}
				for _, line := range lines {
					got[line] = true
				}
			}
			for line := range strings.SplitSeq(want, "|") {
				if !got[line] {
					t.Errorf("%q is missing in %v", line, got)
				}
			}
		})
	}
}

func TestServerType(t *testing.T) {
	if got := ServerType(0x00408018).String(); got != "domain controller, backup domain controller, NT server, Windows 95" {
		t.Errorf("got %q", got)
	}
}
