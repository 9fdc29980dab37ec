package certificate

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"testing"
	"time"

	"github.com/walkdown-ot/walkdown/discovery/discoverytest"

	"github.com/google/go-cmp/cmp"
)

var notAfter = time.Date(2031, 11, 23, 10, 0, 0, 0, time.UTC)

// issue makes a certificate of crypto/x509, for a key of its own. Without an issuer it signs itself.
func issue(t testing.TB, subject, issuer pkix.Name) []byte {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(0x80aabb), Subject: subject, NotBefore: notAfter.AddDate(-10, 0, 0), NotAfter: notAfter,
		DNSNames: []string{"press-3", "press-3.plant.example"}, IPAddresses: []net.IP{net.IPv4(192, 0, 2, 3).To4()},
		URIs: []*url.URL{{Scheme: "urn", Opaque: "press-3:plc"}},
	}
	parent := template
	if issuer.CommonName != "" {
		parent = &x509.Certificate{Subject: issuer}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func TestParse(t *testing.T) {
	acme := pkix.Name{CommonName: "press-3", Organization: []string{"ACME, Inc."}, SerialNumber: "4711"}
	want := Certificate{
		Subject: `SERIALNUMBER=4711,CN=press-3,O=ACME\, Inc.`, Issuer: `SERIALNUMBER=4711,CN=press-3,O=ACME\, Inc.`, Serial: "80aabb",
		NotBefore: notAfter.AddDate(-10, 0, 0), NotAfter: notAfter,
		DNSNames: []string{"press-3", "press-3.plant.example"}, Addresses: []netip.Addr{netip.MustParseAddr("192.0.2.3")},
		URIs: []string{"urn:press-3:plc"}, SelfIssued: true,
	}
	t.Run("self_issued", func(t *testing.T) {
		got, err := Parse(append(issue(t, acme, pkix.Name{}), "what follows"...))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("issued_by_another", func(t *testing.T) {
		got, err := Parse(issue(t, acme, pkix.Name{CommonName: "Plant CA"}))
		if err != nil || got.SelfIssued || got.Issuer != "CN=Plant CA" || got.Subject != want.Subject {
			t.Errorf("got %+v, %v", got, err)
		}
	})
}

// negativeSerial was made with openssl ("-set_serial -5"); crypto/x509 does not read it.
const negativeSerial = `-----BEGIN CERTIFICATE-----
MIIBhzCCAS6gAwIBAgIB+zAKBggqhkjOPQQDAjAjMQ0wCwYDVQQKDARBQ01FMRIw
EAYDVQQDDAlvbGQgcGFuZWwwHhcNMjYxMTIzMTc1MjU4WhcNMzYxMTIwMTc1MjU4
WjAjMQ0wCwYDVQQKDARBQ01FMRIwEAYDVQQDDAlvbGQgcGFuZWwwWTATBgcqhkjO
PQIBBggqhkjOPQMBBwNCAASBAR8hercxOKNrltsRXqxwMhlZwndC2+zq/TasbKTa
dk4qavnomzPv2eGnVFp4QL9BW7VqdlndHVnKV6VRuQsZo1MwUTAdBgNVHQ4EFgQU
oZ/nwPUPfoT6c2tZFamnX0q+YIYwHwYDVR0jBBgwFoAUoZ/nwPUPfoT6c2tZFamn
X0q+YIYwDwYDVR0TAQH/BAUwAwEB/zAKBggqhkjOPQQDAgNHADBEAiAfcHbdjRi0
JomqNFQwLApyq75Xy4XHWG4ngtMp71SfQAIgVSSzmUTdFnX9rWjx906idGM6C4Vu
BmSb8LnuaXC9tGY=
-----END CERTIFICATE-----
`

func TestParseNegativeSerial(t *testing.T) {
	block, _ := pem.Decode([]byte(negativeSerial))
	if _, err := x509.ParseCertificate(block.Bytes); err == nil {
		t.Error("crypto/x509 reads it by now")
	}
	got, err := Parse(block.Bytes)
	if err != nil || got.Subject != "CN=old panel,O=ACME" || got.Serial != "fb" || !got.SelfIssued {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestParseDamaged(t *testing.T) {
	der := issue(t, pkix.Name{CommonName: "press-3"}, pkix.Name{})
	for n := range der {
		if _, err := Parse(der[:n]); err == nil {
			t.Fatalf("%d of %d bytes: no error", n, len(der))
		}
	}
	for k := range der {
		damaged := slices.Clone(der)
		damaged[k] ^= 0xff
		_, _ = Parse(damaged) // it may read what is left, or fail, but not panic
	}
}

func FuzzParse(engine *testing.F) {
	f := discoverytest.NewFuzz(engine)
	der := issue(f, pkix.Name{CommonName: "press-3"}, pkix.Name{})
	f.Add(der)
	f.Add(der[:100])
	block, _ := pem.Decode([]byte(negativeSerial))
	f.Add(block.Bytes)
	f.Fuzz(func(t *testing.T, b []byte) {
		c, _ := Parse(b)
		if n := len(c.DNSNames) + len(c.URIs) + len(c.Addresses); n > maxNames {
			t.Errorf("%d names", n)
		}
	})
}
