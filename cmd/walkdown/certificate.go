package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"net"
	"os"
	"strings"
	"time"
)

// certificateLife is how long a self-made certificate is good for; it is made anew with each start.
const certificateLife = 30 * 24 * time.Hour

// certificate gives the one that was named, else one that is made for this run, and its SHA-256 for a person to compare.
func (c serveCmd) certificate(ip net.IP) (tls.Certificate, string, error) {
	var certificate tls.Certificate
	var err error
	switch {
	case c.TLSCert != "" && c.TLSKey != "":
		certificate, err = tls.LoadX509KeyPair(c.TLSCert, c.TLSKey)
		if err != nil {
			return certificate, "", usage("both files are PEM; the chain begins with the server's own certificate", "read the certificate: %v", err)
		}
	case c.TLSCert != "" || c.TLSKey != "":
		return certificate, "", usage("or neither, for a certificate that is made for this run", "--tls-cert and --tls-key belong together")
	default:
		if certificate, err = selfMade(ip, now()); err != nil {
			return certificate, "", failed(fmt.Errorf("make a certificate: %w", err), "")
		}
	}
	sum := sha256.Sum256(certificate.Certificate[0])
	pairs := make([]string, len(sum))
	for i, b := range sum {
		pairs[i] = fmt.Sprintf("%02X", b)
	}
	return certificate, strings.Join(pairs, ":"), nil
}

// selfMade makes a certificate for the names and addresses of this machine (RFC 5280).
func selfMade(ip net.IP, now time.Time) (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return tls.Certificate{}, err
	}
	template := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: "walkdown"}, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(certificateLife),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, BasicConstraintsValid: true, DNSNames: []string{"localhost"},
	}
	if name, err := os.Hostname(); err == nil {
		template.DNSNames = append(template.DNSNames, name)
	}
	if !ip.IsUnspecified() {
		template.IPAddresses = []net.IP{ip}
	} else if addresses, err := net.InterfaceAddrs(); err == nil {
		for _, address := range addresses {
			if network, ok := address.(*net.IPNet); ok {
				template.IPAddresses = append(template.IPAddresses, network.IP)
			}
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return tls.Certificate{}, err
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, nil
}
