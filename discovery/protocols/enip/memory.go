package enip

import (
	"slices"

	"github.com/walkdown-ot/walkdown/discovery/wire"
)

// Bounds on what is remembered of a conversation.
const (
	maxQuestions   = 16 // that wait for their answers
	maxParts       = 64 // requests in one Multiple Service request
	maxAttributes  = 8  // in one Get_Attribute_List that are looked at
	maxConnections = 32
	maxTold        = 256 // statements and facts that are not told again
	maxRoutes      = 64
)

// target is what a request goes to: a path behind the device, "" for itself. It is not known on a connection whose opening was not
// heard.
type target struct {
	path  string
	known bool
}

// question is a request whose answer tells something.
type question struct {
	service   Service
	class     Class
	instance  uint32
	attribute uint16 // of Get_Attribute_Single
	target    target
	parts     []question // of Multiple Service; those that tell nothing have no service
	opens     connection // of Forward_Open
}

// connection is a CIP connection for messages. It is named by the client's three numbers.
type connection struct {
	serial, vendor     uint16
	originator         uint32
	toTarget, toClient uint32 // connection ids, chosen by who receives
	target             target
}

func (c connection) same(other connection) bool {
	return c.serial == other.serial && c.vendor == other.vendor && c.originator == other.originator
}

// key is how an answer is matched with its question: the sender context, or connection and sequence.
type key struct {
	connected bool
	number    uint64
}

// waiting is a question with its key.
type waiting struct {
	key      key
	question question
}

// memory is what is remembered of a conversation.
type memory struct {
	waiting     []waiting
	connections []connection
	told        []statement
	routes      map[string]target // by their bytes
}

// keep remembers a question. The oldest of many is forgotten.
func (m *memory) keep(k key, q question) {
	if len(m.waiting) == maxQuestions {
		m.waiting = slices.Delete(m.waiting, 0, 1)
	}
	m.waiting = append(m.waiting, waiting{key: k, question: q})
}

// take gives the question that an answer belongs to, and forgets it.
func (m *memory) take(k key, service Service) (question, bool) {
	for i := range m.waiting {
		if m.waiting[i].key == k && m.waiting[i].question.service == service {
			return m.remove(i), true
		}
	}
	return question{}, false
}

// takeSequence is take for a connection whose opening was not heard: the client's id of it is not known, and the sequence number
// must tell alone.
func (m *memory) takeSequence(sequence uint16, service Service) (question, bool) {
	found := -1
	for i := range m.waiting {
		w := &m.waiting[i]
		if w.key.connected && !w.question.target.known && uint16(w.key.number) == sequence && w.question.service == service {
			if found >= 0 {
				return question{}, false
			}
			found = i
		}
	}
	if found < 0 {
		return question{}, false
	}
	return m.remove(found), true
}

func (m *memory) remove(i int) question {
	q := m.waiting[i].question
	m.waiting = slices.Delete(m.waiting, i, i+1)
	return q
}

// forget drops what waits under a key that is used again.
func (m *memory) forget(k key) {
	for i := range m.waiting {
		if m.waiting[i].key == k {
			m.remove(i)
			return
		}
	}
}

// open remembers a connection, instead of an older one of the same name.
func (m *memory) open(c connection) {
	m.shut(c)
	if len(m.connections) == maxConnections {
		m.connections = slices.Delete(m.connections, 0, 1)
	}
	m.connections = append(m.connections, c)
}

func (m *memory) shut(c connection) {
	m.connections = slices.DeleteFunc(m.connections, func(other connection) bool { return other.same(c) })
}

// byTarget finds the connection that a client sends on.
func (m *memory) byTarget(id uint32) (connection, bool) {
	for _, c := range m.connections {
		if c.toTarget == id {
			return c, true
		}
	}
	return connection{}, false
}

// byClient finds the connection that a device answers on.
func (m *memory) byClient(id uint32) (connection, bool) {
	for _, c := range m.connections {
		if c.toClient == id {
			return c, true
		}
	}
	return connection{}, false
}

// behind is what the port segments of a path lead to from a target.
func (m *memory) behind(from target, route []byte) target {
	if len(route) == 0 || !from.known {
		return from
	}
	to, ok := m.routes[string(route)]
	if !ok {
		to.path, to.known = routePath(route)
		if m.routes == nil {
			m.routes = map[string]target{}
		}
		if len(m.routes) < maxRoutes {
			m.routes[string(route)] = to
		}
	}
	if from.path != "" && to.known {
		to.path = from.path + "/" + to.path
	}
	return to
}

// isNew reports whether something was not told yet. The oldest of many is forgotten.
func (m *memory) isNew(sum statement) bool {
	if m.isTold(sum) {
		return false
	}
	if len(m.told) == maxTold {
		m.told = slices.Delete(m.told, 0, 1)
	}
	m.told = append(m.told, sum)
	return true
}

func (m *memory) isTold(sum statement) bool { return slices.Contains(m.told, sum) }

// statement stands for something that was said of somebody: a hash (FNV-1a, 64 bits) that is made without allocation.
type statement uint64

func newStatement(about string) statement { return statement(14695981039346656037).text(about) }

func (s statement) byte(c byte) statement { return (s ^ statement(c)) * 1099511628211 }

func (s statement) number(n uint32) statement {
	return s.byte(byte(n >> 24)).byte(byte(n >> 16)).byte(byte(n >> 8)).byte(byte(n))
}

func (s statement) text(t string) statement {
	for i := range len(t) {
		s = s.byte(t[i])
	}
	return s.number(uint32(len(t)))
}

func (s statement) bytes(b []byte) statement {
	for _, c := range b {
		s = s.byte(c)
	}
	return s.number(uint32(len(b)))
}

// parseOpen reads a Forward_Open request (volume 1 section 3-5.5.2): priority and time-out 2, connection ids to the target and to
// the client 4 each, connection serial 2, originator vendor 2 and serial 4, time-out multiplier 1, reserved 3, then twice an interval 4
// and parameters 2 (of the large one 4), transport class 1, length of the path in words 1, path. The ids are only final in the answer.
func parseOpen(b []byte, large bool) (c connection, transport uint8, where epath, ok bool) {
	r := wire.NewReader(b)
	r.Skip(2)
	c.toTarget, c.toClient = r.Uint32LE(), r.Uint32LE()
	c.serial, c.vendor, c.originator = r.Uint16LE(), r.Uint16LE(), r.Uint32LE()
	r.Skip(4)
	if large {
		r.Skip(16)
	} else {
		r.Skip(12)
	}
	transport = r.Uint8()
	where = parsePath(r.Bytes(2 * int(r.Uint8())))
	return c, transport, where, r.Err() == nil
}
