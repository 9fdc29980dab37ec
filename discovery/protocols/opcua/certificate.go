package opcua

import (
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
)

// certificate is what an application instance certificate tells (OPC 10000-6 clause 6.2.2).
type certificate struct {
	subject        string
	notAfter       time.Time
	applicationURI string // the URI among the alternative names
}

// x509Certificate is the shape of RFC 5280 clause 4.1, as far as it is needed. Package crypto/x509 refuses what devices carry in
// the field: negative serial numbers, URIs with blanks.
type x509Certificate struct {
	Body struct {
		Version    int `asn1:"optional,explicit,default:0,tag:0"`
		Serial     asn1.RawValue
		Algorithm  asn1.RawValue
		Issuer     asn1.RawValue
		Validity   struct{ NotBefore, NotAfter time.Time }
		Subject    pkix.RDNSequence
		PublicKey  asn1.RawValue
		IssuerID   asn1.BitString   `asn1:"optional,tag:1"`
		SubjectID  asn1.BitString   `asn1:"optional,tag:2"`
		Extensions []pkix.Extension `asn1:"omitempty,optional,explicit,tag:3"`
	}
	Algorithm asn1.RawValue
	Signature asn1.RawValue
}

// uriName is the tag of a uniformResourceIdentifier among the alternative names (RFC 5280 clause 4.2.1.6).
const uriName = 6

// parseCertificate reads the first certificate of a chain. Nothing is verified: it is only read.
func parseCertificate(der []byte) (certificate, error) {
	var x x509Certificate
	if _, err := asn1.Unmarshal(der, &x); err != nil {
		return certificate{}, fmt.Errorf("read certificate of %d bytes: %s", len(der), discovery.Text(err.Error()))
	}
	var subject pkix.Name
	subject.FillFromRDNSequence(&x.Body.Subject)
	c := certificate{subject: subject.String(), notAfter: x.Body.Validity.NotAfter.UTC()}
	alternativeNames := asn1.ObjectIdentifier{2, 5, 29, 17}
	for _, extension := range x.Body.Extensions {
		if !extension.Id.Equal(alternativeNames) {
			continue
		}
		var names []asn1.RawValue
		if _, err := asn1.Unmarshal(extension.Value, &names); err != nil {
			return c, fmt.Errorf("read alternative names of certificate: %s", discovery.Text(err.Error()))
		}
		for _, n := range names {
			if n.Class == asn1.ClassContextSpecific && n.Tag == uriName {
				c.applicationURI = string(n.Bytes)
				return c, nil
			}
		}
	}
	return c, nil
}
