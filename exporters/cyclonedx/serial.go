package cyclonedx

import (
	"crypto/sha1"
	"fmt"
	"time"
)

// serialNumber is the UUID of the document: of the site, so that a reproducible one keeps it from revision to revision, and of
// the site and the moment otherwise.
func serialNumber(o Options) string {
	name := o.SiteID
	if !o.Reproducible {
		name += "\n" + o.Time.UTC().Format(time.RFC3339Nano)
	}
	return uuid5(name)
}

// uuid5 is a name-based UUID (RFC 9562 section 5.5) in a namespace of walkdown's own: that of the name
// "https://github.com/walkdown-ot/walkdown" in the namespace of URLs.
func uuid5(name string) string {
	urls := [16]byte{0x6b, 0xa7, 0xb8, 0x11, 0x9d, 0xad, 0x11, 0xd1, 0x80, 0xb4, 0x00, 0xc0, 0x4f, 0xd4, 0x30, 0xc8}
	namespace := hash(urls, "https://github.com/walkdown-ot/walkdown")
	u := hash(namespace, name)
	return fmt.Sprintf("%x-%x-%x-%x-%x", u[0:4], u[4:6], u[6:8], u[8:10], u[10:16])
}

// hash makes the UUID; that it is SHA-1 is the standard's choice and protects nothing.
func hash(namespace [16]byte, name string) [16]byte {
	sum := sha1.Sum(append(namespace[:], name...))
	u := [16]byte(sum[:16])
	u[6] = u[6]&0x0f | 0x50
	u[8] = u[8]&0x3f | 0x80
	return u
}
