// Package certificate reads X.509 certificates (RFC 5280) for the names in them. It is as tolerant as devices in the field need,
// and verifies nothing: what a certificate says is a claim of the one who shows it.
package certificate

import (
	"bytes"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/hex"
	"fmt"
	"net/netip"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
)

// Certificate is what a certificate tells. Texts are as they stand in it, the names in the form of RFC 2253.
type Certificate struct {
	Subject, Issuer     string
	Serial              string // hex, without leading zero bytes
	NotBefore, NotAfter time.Time
	// The alternative names of the subject (RFC 5280 clause 4.2.1.6), in their order.
	DNSNames  []string
	Addresses []netip.Addr
	URIs      []string
	// SelfIssued says that subject and issuer are the same: nobody else vouches for it.
	SelfIssued bool
}

// maxNames bounds the alternative names that are read.
const maxNames = 64

// shape is RFC 5280 clause 4.1, as far as it is needed. Package crypto/x509 refuses what devices carry in the field: negative
// serial numbers, URIs with blanks, keys of forgotten kinds.
type shape struct {
	Body struct {
		Version    int `asn1:"optional,explicit,default:0,tag:0"`
		Serial     asn1.RawValue
		Algorithm  asn1.RawValue
		Issuer     asn1.RawValue
		Validity   struct{ NotBefore, NotAfter time.Time }
		Subject    asn1.RawValue
		PublicKey  asn1.RawValue
		IssuerID   asn1.BitString   `asn1:"optional,tag:1"`
		SubjectID  asn1.BitString   `asn1:"optional,tag:2"`
		Extensions []pkix.Extension `asn1:"omitempty,optional,explicit,tag:3"`
	}
	Algorithm asn1.RawValue
	Signature asn1.RawValue
}

// Parse reads the first certificate (DER) in der; bytes behind it are ignored. What was read before a
// damage in a name is returned with the error.
func Parse(der []byte) (Certificate, error) {
	var x shape
	if _, err := asn1.Unmarshal(der, &x); err != nil {
		return Certificate{}, fmt.Errorf("read certificate of %d bytes: %s", len(der), discovery.Text(err.Error()))
	}
	c := Certificate{
		Serial:     hex.EncodeToString(bytes.TrimLeft(x.Body.Serial.Bytes, "\x00")),
		NotBefore:  x.Body.Validity.NotBefore.UTC(),
		NotAfter:   x.Body.Validity.NotAfter.UTC(),
		SelfIssued: bytes.Equal(x.Body.Subject.FullBytes, x.Body.Issuer.FullBytes),
	}
	var err error
	if c.Subject, err = name(x.Body.Subject.FullBytes); err != nil {
		return c, fmt.Errorf("read subject of certificate: %s", discovery.Text(err.Error()))
	}
	if c.Issuer, err = name(x.Body.Issuer.FullBytes); err != nil {
		return c, fmt.Errorf("read issuer of certificate: %s", discovery.Text(err.Error()))
	}
	alternativeNames := asn1.ObjectIdentifier{2, 5, 29, 17}
	for _, extension := range x.Body.Extensions {
		if extension.Id.Equal(alternativeNames) {
			return c, c.alternatives(extension.Value)
		}
	}
	return c, nil
}

// name is a distinguished name as text, the last element first.
func name(der []byte) (string, error) {
	var sequence pkix.RDNSequence
	if _, err := asn1.Unmarshal(der, &sequence); err != nil {
		return "", err
	}
	var n pkix.Name
	n.FillFromRDNSequence(&sequence)
	return n.String(), nil
}

// The tags of the alternative names that are read (RFC 5280 clause 4.2.1.6).
const (
	tagDNSName = 2
	tagURI     = 6
	tagAddress = 7
)

func (c *Certificate) alternatives(der []byte) error {
	var names []asn1.RawValue
	if _, err := asn1.Unmarshal(der, &names); err != nil {
		return fmt.Errorf("read alternative names of certificate: %s", discovery.Text(err.Error()))
	}
	for _, n := range names[:min(len(names), maxNames)] {
		if n.Class != asn1.ClassContextSpecific {
			continue
		}
		switch n.Tag {
		case tagDNSName:
			c.DNSNames = append(c.DNSNames, string(n.Bytes))
		case tagURI:
			c.URIs = append(c.URIs, string(n.Bytes))
		case tagAddress:
			if addr, ok := netip.AddrFromSlice(n.Bytes); ok {
				c.Addresses = append(c.Addresses, addr)
			}
		}
	}
	return nil
}
