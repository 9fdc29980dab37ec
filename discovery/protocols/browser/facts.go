package browser

import (
	"fmt"
	"strings"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/wire/netbios"
)

// The keys.
const (
	KeySourceName discovery.Key = "browser.source-name" // the name that a datagram gives its sender
	KeyServerName discovery.Key = "browser.server-name" // the announced computer
	KeyOSVersion  discovery.Key = "browser.os-version"  // "5.1"
	KeyServerType discovery.Key = "browser.server-type" // a word of what it is: "workstation", "domain controller"
	KeyComment    discovery.Key = "browser.comment"     // what people call it
	KeyDomain     discovery.Key = "browser.domain"      // the workgroup or domain that it announces itself to
)

// Protocol is the hearing face of the computer browser.
func Protocol() discovery.Protocol {
	return discovery.Protocol{
		Name:     "browser",
		Title:    "SMB browser",
		Standard: "MS-BRWS, MS-MAIL, RFC 1002",
		Hears:    "computer names, workgroup, version of the system and kind of server, from announcements",
		Keys:     []discovery.Key{KeySourceName, KeyServerName, KeyOSVersion, KeyServerType, KeyComment, KeyDomain},
		Ports:    []discovery.Port{{Transport: discovery.UDP, Number: Port}},
		Decode:   func(f discovery.Flow) discovery.Decoder { return &decoder{flow: f} },
	}
}

func sourceFacts(d Datagram) []discovery.Fact {
	if !d.Source.IsComputer() {
		return nil
	}
	return []discovery.Fact{discovery.NewFact(KeySourceName, d.Source.Text)}
}

// facts is what a message says of its sender, who sent it to the destination.
func (m Message) facts(to netbios.Name) []discovery.Fact {
	var facts []discovery.Fact
	add := func(key discovery.Key, value string) {
		if f := discovery.NewFact(key, value); f.Value != "" {
			facts = append(facts, f)
		}
	}
	switch m.Command {
	case HostAnnouncement, LocalMasterAnnouncement:
		add(KeyServerName, m.Name)
		if m.Major != 0 {
			add(KeyOSVersion, fmt.Sprintf("%d.%d", m.Major, m.Minor))
		}
		for _, word := range m.ServerType.Words() {
			add(KeyServerType, word)
		}
		add(KeyComment, m.Comment)
		if to.IsPlain() && (to.Suffix == netbios.LocalMaster || to.Suffix == netbios.Elections) {
			add(KeyDomain, to.Text)
		}
	case DomainAnnouncement: // version and type are the workgroup's
		add(KeyDomain, m.Name)
		add(KeyServerName, m.Comment)
	case AnnouncementRequest, Election, MasterAnnouncement:
		add(KeyServerName, m.Name)
	}
	return facts
}

// ServerType is a set of what a server is (MS-RAP section 2.2.2, the SV_TYPE flags).
type ServerType uint32

// Words names what is set. What says nothing of the device, who lists it and how, is left out.
func (s ServerType) Words() []string {
	var words []string
	for bit, word := range [...]string{
		"workstation", "server", "SQL server", "domain controller", "backup domain controller", "time source", "Apple server",
		"Novell server", "domain member", "print server", "dial-in server", "Unix server", "NT workstation", "Windows for Workgroups",
		"file server for NetWare", "NT server", "potential browser", "backup browser", "master browser", "domain master browser",
		"OSF server", "VMS server", "Windows 95", "DFS server", "cluster", "terminal server", "virtual cluster server",
	} {
		if s>>bit&1 != 0 {
			words = append(words, word)
		}
	}
	return words
}

// String joins the words.
func (s ServerType) String() string { return strings.Join(s.Words(), ", ") }
