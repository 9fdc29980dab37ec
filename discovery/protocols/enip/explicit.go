package enip

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/wire"
)

// ask reads a request, and remembers it when its answer tells something.
func (d *decoder) ask(side discovery.Side, t time.Time, k key, c carried, out discovery.Sink) error {
	d.memory.forget(k)
	d.asked = true
	to := target{known: true}
	if c.connected {
		open, ok := d.memory.byTarget(c.connection)
		to = target{path: open.target.path, known: ok && open.target.known}
	}
	q, tells, err := d.request(side, t, c.cip, to, 0, out)
	if tells {
		d.memory.keep(k, q)
	}
	return err
}

// maxDepth bounds requests inside of requests.
const maxDepth = 3

// request reads a request and those inside of it. tells is false when the answer tells nothing.
func (d *decoder) request(side discovery.Side, t time.Time, b []byte, to target, depth int, out discovery.Sink) (q question, tells bool, err error) {
	r, err := parseRequest(b)
	if err != nil {
		return question{}, false, err
	}
	q = question{service: r.service, class: r.path.class, instance: r.path.instance, attribute: r.path.attribute, target: to}
	manager := r.path.class == classConnectionManager
	switch {
	case manager && r.service == unconnectedSend && depth < maxDepth:
		inner, route, err := parseUnconnectedSend(r.data)
		if err != nil {
			return question{}, false, err
		}
		return d.request(side, t, inner, d.memory.behind(to, route), depth+1, out)
	case manager && (r.service == forwardOpen || r.service == largeForwardOpen):
		open, transport, where, ok := parseOpen(r.data, r.service == largeForwardOpen)
		if !ok {
			return question{}, false, fmt.Errorf("read Forward_Open of %d bytes: %w", len(r.data), io.ErrUnexpectedEOF)
		}
		d.originator(side, t, open.vendor, open.originator, out)
		open.target = d.memory.behind(to, where.route)
		q.opens = open
		return q, transport&15 >= 2, nil // 2 and 3 carry messages, the others cyclic data
	case manager && r.service == forwardClose:
		if open, ok := parseClose(r.data); ok {
			d.memory.shut(open)
		}
		return question{}, false, nil
	case r.service == multipleService && depth < maxDepth:
		q.parts, err = d.requests(side, t, r.data, to, out)
		return q, len(q.parts) > 0, err
	}
	d.talk(t, r.operation(), out)
	if r.path.class == classPCCC && r.service == executePCCC {
		command, ok := parsePCCC(r.data)
		if ok {
			d.originator(side, t, command.vendor, command.serial, out)
		}
		return q, ok && command.command == pcccDiagnostic && command.function == pcccStatusRead, nil
	}
	return q, r.tells(), nil
}

// requests reads those of a Multiple Service request: count 2, the offset of each from the count 2, requests. The list is empty
// when none of the answers tells something.
func (d *decoder) requests(side discovery.Side, t time.Time, b []byte, to target, out discovery.Sink) ([]question, error) {
	var parts []question
	err := parcels(b, func(i int, b []byte) error {
		q, tells, err := d.request(side, t, b, to, maxDepth, out)
		if tells {
			parts = append(parts, make([]question, i-len(parts))...)
			parts = append(parts, q)
		}
		return err
	})
	return parts, err
}

// tells reports whether the answer to a request for attributes names the device.
func (r request) tells() bool {
	class := r.path.class
	if class.all() == 0 || r.path.instance == 0 { // instance 0 is the class
		return false
	}
	switch r.service {
	case getAttributesAll:
		return true
	case getAttributeSingle:
		return class.telling(r.path.attribute)
	case getAttributeList:
		list := wire.NewReader(r.data)
		for range min(int(list.Uint16LE()), maxAttributes) {
			if class.telling(list.Uint16LE()) {
				return true
			}
		}
	}
	return false
}

// answer reads an answer, if its question was remembered.
func (d *decoder) answer(side discovery.Side, t time.Time, k key, c carried, out discovery.Sink) error {
	a, err := parseReply(c.cip)
	if err != nil {
		return err
	}
	d.talk(t, a.service.operation(), out)
	if !d.asked {
		d.alone(side, t, a, 0, out)
		return nil
	}
	if len(d.memory.waiting) == 0 {
		return nil
	}
	var q question
	found := false
	if !c.connected {
		q, found = d.memory.take(k, a.service)
	} else if open, ok := d.memory.byClient(c.connection); ok {
		q, found = d.memory.take(key{connected: true, number: uint64(open.toTarget)<<16 | uint64(c.sequence)}, a.service)
	} else {
		q, found = d.memory.takeSequence(c.sequence, a.service)
	}
	if !found {
		return nil
	}
	return d.reply(side, t, q, a, out)
}

// reply tells what the answer to a question says.
func (d *decoder) reply(side discovery.Side, t time.Time, q question, a reply, out discovery.Sink) error {
	switch {
	case q.service != a.service:
		return nil
	case q.service == multipleService && (a.status == statusSuccess || a.status == statusEmbeddedError):
		return parcels(a.data, func(i int, b []byte) error {
			if i >= len(q.parts) || q.parts[i].service == 0 {
				return nil
			}
			part, err := parseReply(b)
			if err != nil {
				return err
			}
			return d.reply(side, t, q.parts[i], part, out)
		})
	case a.status != statusSuccess && (q.service != getAttributeList || a.status != statusAttributeError):
		return nil
	case q.class == classConnectionManager:
		d.opened(q.opens, a.data)
		return nil
	case q.class == classPCCC:
		d.bulletin(side, t, q.target, a.data, out)
		return nil
	}
	o := object{class: q.class}
	var err error
	switch q.service {
	case getAttributesAll:
		err = o.readAll(a.data)
	case getAttributeList:
		err = o.readList(a.data)
	case getAttributeSingle:
		err = o.readSingle(q.attribute, a.data)
	}
	d.object(side, t, q, &o, out)
	return err
}

// opened notes the ids of a connection: to the target 4, to the client 4.
func (d *decoder) opened(c connection, b []byte) {
	r := wire.NewReader(b)
	c.toTarget, c.toClient = r.Uint32LE(), r.Uint32LE()
	if r.Err() == nil {
		d.memory.open(c)
	}
}

// placed stands for having told where the module with a serial number is.
func placed(serial uint32) statement { return newStatement("placed").number(serial) }

// object tells what was read of an object.
func (d *decoder) object(side discovery.Side, t time.Time, q question, o *object, out discovery.Sink) {
	about := d.flow.Ends[side]
	switch {
	case o.has == 0:
		return
	case q.target.known:
		about.Path = q.target.path
		if isSerial(o.serial) {
			d.memory.isNew(placed(o.serial))
		}
	case !isSerial(o.serial), d.memory.isTold(placed(o.serial)):
		return // it may be any module of the chassis, or was told with its place
	default:
		about = about.At(pathSerial, serialText(o.serial))
	}
	if q.class == classIdentity && q.instance > 1 {
		about = about.At(pathInstance, fmt.Sprint(q.instance))
	}
	if d.memory.isNew(o.statement(about.Path)) {
		d.observe(t, about, o.facts(), out)
	}
}

// bulletin tells the answer to a diagnostic status request.
func (d *decoder) bulletin(side discovery.Side, t time.Time, to target, data []byte, out discovery.Sink) {
	c, ok := parsePCCC(data)
	if !ok || c.command != pcccDiagnostic|pcccReply || c.status != 0 || !to.known {
		return
	}
	b, ok := parseBulletin(c.data)
	if !ok || !d.memory.isNew(newStatement(to.path).bytes(b.name).number(uint32(b.series)<<8|uint32(b.revision))) {
		return
	}
	about := d.flow.Ends[side]
	about.Path = to.path
	d.observe(t, about, b.facts(), out)
}

// parcels reads the frame of a Multiple Service request or answer (volume 1 appendix ). Each one ends where the next begins.
func parcels(b []byte, each func(i int, b []byte) error) error {
	r := wire.NewReader(b)
	count := int(r.Uint16LE())
	offsets := wire.NewReader(r.Bytes(2 * min(count, maxParts)))
	if r.Err() != nil {
		return fmt.Errorf("read %d services in %d bytes: %w", count, len(b), io.ErrUnexpectedEOF)
	}
	var failed error
	from := int(offsets.Uint16LE())
	for i := range min(count, maxParts) {
		to := len(b)
		if offsets.Len() > 0 {
			to = int(offsets.Uint16LE())
		}
		if from < 2+2*count || from > to || to > len(b) {
			return errors.Join(failed, fmt.Errorf("read service %d of %d: bytes %d to %d of %d", i+1, count, from, to, len(b)))
		}
		if err := each(i, b[from:to]); err != nil && failed == nil {
			failed = err
		}
		from = to
	}
	return failed
}

// parseUnconnectedSend gives the request inside and the way that it goes (volume 1 section 3-5.5.4): priority and time-out 2, length 2,
// request padded to even, length of the route in words 1, reserved 1, route.
func parseUnconnectedSend(b []byte) (inner, route []byte, err error) {
	r := wire.NewReader(b)
	r.Skip(2)
	n := int(r.Uint16LE())
	inner = r.Bytes(n)
	r.Skip(n & 1)
	words := int(r.Uint8())
	r.Skip(1)
	route = r.Bytes(2 * words)
	if r.Err() != nil {
		return nil, nil, fmt.Errorf("read Unconnected_Send of %d bytes: %w", len(b), io.ErrUnexpectedEOF)
	}
	return inner, parsePath(route).route, nil
}

// parseClose reads what Forward_Close names (volume 1 section 3-5.5.3): priority and time-out 2, connection serial 2, originator vendor 2
// and serial 4.
func parseClose(b []byte) (connection, bool) {
	r := wire.NewReader(b)
	r.Skip(2)
	c := connection{serial: r.Uint16LE(), vendor: r.Uint16LE(), originator: r.Uint32LE()}
	return c, r.Err() == nil
}
