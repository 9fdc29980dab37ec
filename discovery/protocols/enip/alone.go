package enip

import (
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/wire"
)

// A mirror port may show the answers only. Of those, the ones that hold a whole Identity object are known by their form: nothing else
// that answers to the same services has a vendor, a revision, and at its end a name that is as long as it says. Other answers are
// left alone; a single attribute may be any.

// alone reads an answer in a conversation of which no request was heard. Whose it is, of the modules behind the device, it does not say.
func (d *decoder) alone(side discovery.Side, t time.Time, a reply, depth int, out discovery.Sink) {
	o := object{class: classIdentity}
	q := question{service: a.service, class: classIdentity, instance: 1}
	switch {
	case a.service == multipleService && (a.status == statusSuccess || a.status == statusEmbeddedError) && depth == 0:
		_ = parcels(a.data, func(_ int, b []byte) error { // what is no frame of answers is an answer of another class
			if part, err := parseReply(b); err == nil && Service(b[0])&replyFlag != 0 {
				d.alone(side, t, part, depth+1, out)
			}
			return nil
		})
		return
	case a.service == getAttributesAll && a.status == statusSuccess:
		if o.readAll(a.data) != nil || !isIdentityRest(len(a.data)-identityFixed-1-len(o.name)) {
			return
		}
	case a.service == getAttributeList && (a.status == statusSuccess || a.status == statusAttributeError):
		if !o.readWholeList(a.data) {
			return
		}
	default:
		return
	}
	if o.isIdentity() {
		d.object(side, t, q, &o, out)
	}
}

// isIdentityRest reports whether so many bytes may follow the name: nothing, the state, or with it the consistency value and the
// heartbeat interval (volume 1 section 5A-2).
func isIdentityRest(n int) bool { return n == 0 || n == 1 || n == 3 || n == 4 }

// readWholeList is readList for an answer that must be understood up to its end.
func (o *object) readWholeList(b []byte) bool {
	r := wire.NewReader(b)
	for range int(r.Uint16LE()) {
		attribute, status := r.Uint16LE(), r.Uint16LE()
		if r.Err() != nil || status == statusSuccess && !o.read(attribute, &r) {
			return false
		}
	}
	return r.Err() == nil && r.Len() == 0
}

// isIdentity reports whether what was read can only be an Identity object: it has all that names a device, and sound values.
func (o *object) isIdentity() bool {
	for _, attribute := range [...]uint16{identityVendor, identityDeviceType, identityProductCode, identityRevision, identitySerial, identityName} {
		if !o.holds(attribute) {
			return false
		}
	}
	if o.vendor == 0 || o.major == 0 || len(o.name) < 2 {
		return false
	}
	for _, c := range o.name {
		if c < ' ' || c > '~' {
			return false
		}
	}
	return true
}
