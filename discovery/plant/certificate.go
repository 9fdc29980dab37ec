package plant

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"net"
	"net/netip"
	"net/url"
	"time"
)

// selfSigned makes an application instance certificate (OPC 10000-6 section 6.2.2): a key that Basic256Sha256 allows, and the
// ApplicationUri as a subject alternative name. It is made anew at each start, so no key is kept anywhere.
func selfSigned(addr netip.Addr, applicationURI string) (*rsa.PrivateKey, []byte, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, nil, fmt.Errorf("make key of the OPC UA server: %w", err)
	}
	uri, err := url.Parse(applicationURI)
	if err != nil {
		return nil, nil, fmt.Errorf("parse application URI %q: %w", applicationURI, err)
	}
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber:          big.NewInt(77),
		Subject:               pkix.Name{CommonName: "TcOpcUaServer", Organization: []string{"simulated plant"}},
		NotBefore:             now.Add(-time.Hour),
		NotAfter:              now.AddDate(1, 0, 0),
		KeyUsage:              x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment | x509.KeyUsageDataEncipherment | x509.KeyUsageCertSign,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		BasicConstraintsValid: true,
		URIs:                  []*url.URL{uri},
		IPAddresses:           []net.IP{addr.AsSlice()},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, nil, fmt.Errorf("make certificate of the OPC UA server: %w", err)
	}
	return key, der, nil
}
