package smb

import (
	"encoding/binary"
	"fmt"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/wire/ntlm"
)

// The keys. Each is about the side that said it, server or client.
const (
	KeyNativeOS            discovery.Key = "smb.native-os"      // "Windows 5.1"
	KeyNativeLANMan        discovery.Key = "smb.native-lan-man" // "Windows 2000 LAN Manager", "Samba 4.9.5"
	KeyPrimaryDomain       discovery.Key = "smb.primary-domain" // the server's
	KeyDomainName          discovery.Key = "smb.domain-name"    // of a server without extended security
	KeyServerName          discovery.Key = "smb.server-name"    // of a server without extended security
	KeyServerGUID          discovery.Key = "smb.server-guid"
	KeyDialect             discovery.Key = "smb.dialect"      // that client and server agreed on: "NT LM 0.12", "3.1.1"
	KeyCallingName         discovery.Key = "smb.calling-name" // the client's NetBIOS name
	KeyNTLMTargetName      discovery.Key = "smb.ntlm-target-name"
	KeyNTLMComputerName    discovery.Key = "smb.ntlm-computer-name"
	KeyNTLMDomain          discovery.Key = "smb.ntlm-domain"
	KeyNTLMDNSComputerName discovery.Key = "smb.ntlm-dns-computer-name"
	KeyNTLMDNSDomain       discovery.Key = "smb.ntlm-dns-domain"
	KeyNTLMDNSTree         discovery.Key = "smb.ntlm-dns-tree"
	KeyNTLMVersion         discovery.Key = "smb.ntlm-version"     // of the system: "10.0.17763"
	KeyNTLMWorkstation     discovery.Key = "smb.ntlm-workstation" // the client's NetBIOS name
)

// Protocol is the hearing face of SMB.
func Protocol() discovery.Protocol {
	return discovery.Protocol{
		Name:     "smb",
		Title:    "SMB",
		Standard: "MS-CIFS, MS-SMB, MS-SMB2, MS-NLMP, RFC 1002",
		Hears:    "names, domain, system and its build, of servers and clients, from negotiation and session set-up",
		Keys: []discovery.Key{
			KeyNativeOS, KeyNativeLANMan, KeyPrimaryDomain, KeyDomainName, KeyServerName, KeyServerGUID, KeyDialect, KeyCallingName,
			KeyNTLMTargetName, KeyNTLMComputerName, KeyNTLMDomain, KeyNTLMDNSComputerName, KeyNTLMDNSDomain, KeyNTLMDNSTree,
			KeyNTLMVersion, KeyNTLMWorkstation,
		},
		Ports:  []discovery.Port{{Transport: discovery.TCP, Number: Port}, {Transport: discovery.TCP, Number: NetBIOSPort}},
		Claims: claims,
		Decode: func(discovery.Flow) discovery.Decoder { return &decoder{} },
	}
}

// facts collects what a message says of its sender.
type facts []discovery.Fact

func (f *facts) add(key discovery.Key, value string) {
	if fact := discovery.NewFact(key, value); fact.Value != "" {
		*f = append(*f, fact)
	}
}

const guidSize = 16

// guid adds the id of a server, in the form of MS-DTYP section 2.3.4.3: the first three groups are little endian.
func (f *facts) guid(b []byte) {
	if len(b) != guidSize || [guidSize]byte(b) == [guidSize]byte{} {
		return
	}
	f.add(KeyServerGUID, fmt.Sprintf("%08x-%04x-%04x-%x-%x",
		binary.LittleEndian.Uint32(b), binary.LittleEndian.Uint16(b[4:]), binary.LittleEndian.Uint16(b[6:]), b[8:10], b[10:]))
}

// dialect2 adds the dialect of version 2 or 3: a digit in each of the upper half bytes, the third where it is not 0 (0x0302 is
// 3.0.2, 0x0210 is 2.1).
func (f *facts) dialect2(code uint16) {
	if code == dialectWildcard || code>>8 == 0 {
		return
	}
	text := fmt.Sprintf("%d.%d", code>>8, code>>4&0xf)
	if code&0xf != 0 {
		text = fmt.Sprintf("%s.%d", text, code&0xf)
	}
	f.add(KeyDialect, text)
}

// blob adds what an NTLM message inside a security blob says. There is none in one of Kerberos.
func (f *facts) blob(b []byte) error {
	message := ntlm.Find(b)
	if message == nil {
		return nil
	}
	m, err := ntlm.Parse(message)
	f.add(KeyNTLMTargetName, m.TargetName)
	f.add(KeyNTLMComputerName, m.ComputerName)
	f.add(KeyNTLMDomain, m.Domain)
	f.add(KeyNTLMDNSComputerName, m.DNSComputerName)
	f.add(KeyNTLMDNSDomain, m.DNSDomain)
	f.add(KeyNTLMDNSTree, m.DNSTree)
	f.add(KeyNTLMWorkstation, m.Workstation)
	if !m.Version.IsZero() {
		f.add(KeyNTLMVersion, m.Version.String())
	}
	return err
}
