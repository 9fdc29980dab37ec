package tls

import (
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/wire/certificate"
)

// The keys. Those of a certificate are about the side that shows it: the server, or a client that proves who it is.
const (
	// KeyServerName is the name that a client asks for; it is about the server, and the client is its teller.
	KeyServerName discovery.Key = "tls.server-name"
	// KeyVersion is what the server chose: "TLS 1.2".
	KeyVersion discovery.Key = "tls.version"
	// KeyCertificateSubject and the issuer are names in the form of RFC 2253: "CN=axis-accc8e000001,O=Axis Communications AB".
	KeyCertificateSubject discovery.Key = "tls.certificate-subject"
	KeyCertificateIssuer  discovery.Key = "tls.certificate-issuer"
	// KeyCertificateSAN is an alternative name: a DNS name or an address, one fact each.
	KeyCertificateSAN      discovery.Key = "tls.certificate-san"
	KeyCertificateSerial   discovery.Key = "tls.certificate-serial"    // hex
	KeyCertificateNotAfter discovery.Key = "tls.certificate-not-after" // RFC 3339
	// KeyCertificateSelfSigned is "yes" where subject and issuer are the same.
	KeyCertificateSelfSigned discovery.Key = "tls.certificate-self-signed"
)

// Protocol is TLS, both faces.
func Protocol() discovery.Protocol {
	return discovery.Protocol{
		Name:     "tls",
		Title:    "TLS",
		Standard: "RFC 8446 (TLS 1.3), RFC 5246 (TLS 1.2), RFC 6066, RFC 5280",
		Hears:    "the names that clients ask for, the version, and up to TLS 1.2 the certificates of servers and clients",
		Keys: []discovery.Key{
			KeyServerName, KeyVersion, KeyCertificateSubject, KeyCertificateIssuer, KeyCertificateSAN, KeyCertificateSerial,
			KeyCertificateNotAfter, KeyCertificateSelfSigned,
		},
		Ports:  ports(),
		Claims: claims,
		Decode: func(f discovery.Flow) discovery.Decoder { return &conversation{flow: f} },
		Asker:  asker(),
	}
}

// ports are those that IANA registered for protocols on TLS.
func ports() []discovery.Port {
	var list []discovery.Port
	for _, number := range []uint16{
		443,   // https
		465,   // submissions
		636,   // ldaps
		802,   // mbap-s: Modbus security
		990,   // ftps
		993,   // imaps
		995,   // pop3s
		2221,  // EtherNet/IP on TLS (CIP security)
		4843,  // opcua-tls
		5061,  // sips
		5671,  // amqps
		5986,  // wsmans
		6514,  // syslog-tls
		8443,  // pcsync-https, and many devices' pages
		8883,  // secure-mqtt
		19998, // iec-104-sec
	} {
		list = append(list, discovery.Port{Transport: discovery.TCP, Number: number})
	}
	return list
}

const version13 = 0x0304

// versionName is a protocol version as people call it (RFC 8446 section 4.2.1).
func versionName(v uint16) string {
	switch {
	case v == 0x0300:
		return "SSL 3.0"
	case v > 0x0300 && v <= version13:
		return fmt.Sprintf("TLS 1.%d", v-0x0301)
	}
	return ""
}

func tellVersion(t time.Time, v uint16, out discovery.Sink) {
	if name := versionName(v); name != "" {
		out.Observe(discovery.Observation{Time: t, Facts: []discovery.Fact{discovery.NewFact(KeyVersion, name)}})
	}
}

// tellServerName tells the name of the other side. An address is none (RFC 6066 section 3), though some clients send it.
func (c *conversation) tellServerName(side discovery.Side, t time.Time, name []byte, out discovery.Sink) {
	const longest = 253 // RFC 1035 section 2.3.4, without the length bytes
	if len(name) == 0 || len(name) > longest {
		return
	}
	fact := discovery.NewFact(KeyServerName, strings.TrimSuffix(string(name), "."))
	if _, err := netip.ParseAddr(fact.Value); err == nil || fact.Value == "" || fact.Value == "localhost" {
		return
	}
	out.Observe(discovery.Observation{Time: t, Subject: c.flow.Ends[side.Other()], Teller: c.flow.Ends[side], Facts: []discovery.Fact{fact}})
}

// tellCertificate tells of the side that shows it.
func tellCertificate(t time.Time, der []byte, out discovery.Sink) error {
	cert, err := certificate.Parse(der)
	var facts []discovery.Fact
	add := func(key discovery.Key, value string) {
		if fact := discovery.NewFact(key, value); fact.Value != "" {
			facts = append(facts, fact)
		}
	}
	add(KeyCertificateSubject, cert.Subject)
	add(KeyCertificateIssuer, cert.Issuer)
	for _, name := range cert.DNSNames {
		add(KeyCertificateSAN, name)
	}
	for _, addr := range cert.Addresses {
		add(KeyCertificateSAN, addr.String())
	}
	add(KeyCertificateSerial, cert.Serial)
	if !cert.NotAfter.IsZero() {
		add(KeyCertificateNotAfter, cert.NotAfter.Format(time.RFC3339))
	}
	if cert.SelfIssued {
		add(KeyCertificateSelfSigned, "yes")
	}
	if len(facts) > 0 {
		out.Observe(discovery.Observation{Time: t, Facts: facts})
	}
	return err
}
