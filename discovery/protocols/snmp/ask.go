package snmp

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"

	"github.com/walkdown-ot/walkdown/discovery"
)

// asker sends, in this order:
//
//  1. get-system-group, which the agent answers from memory, with one credential after the other until one is answered: at most
//     three communities, of which the first one also in version 1, and three users. SNMPv3 begins with discover-engine, which asks
//     for nothing.
//  2. get-nameplate: the objects that nameplates.txt lists for the maker, of the UPS- or the Printer-MIB, or the first part of the
//     ENTITY-MIB. Of controllers at most three.
//
// Of switches, routers and the like also:
//
//  3. get-agent: the engine id, LLDP chassis id and inventory, and the MAC of the bridge, in one request.
//  4. get-first-rows, which tells the tables that there are.
//  5. the tables that there are, ten rows a request at most: parts (and get-part for each with a nameplate), interfaces, addresses,
//     bridge ports, LLDP and CDP neighbours, forwarding, ARP. Of a Cisco switch without a forwarding table of its own, those of
//     its VLANs. Nothing of it of a device that takes longer than a second to answer, nor any further when its uptime falls.
//
// And by opt-in, of these and of computers, the installed software. What SNMPv3 encrypts is listed as read-v3 and walk-v3.
func asker() *discovery.Asker {
	return &discovery.Asker{Transport: discovery.UDP, Port: Port, Requests: requests(), Ask: ask}
}

func ask(ctx context.Context, s discovery.Session, t discovery.Target) error {
	list := credentials(t.Credentials)
	v := &visit{session: s, target: t, reader: reader{about: t.Subject}}
	v.descr, _ = s.Known(KeySysDescr)
	v.objectID, _ = s.Known(KeySysObjectID)
	_, read := s.Known(KeyTables)
	v.tables = t.Class == discovery.ClassInfrastructure && s.Allowed(walkRequest) && !read
	v.software = s.Allowed(softwareRequest) && !isThere(s, KeySoftware)
	if len(list) == 0 || isKnown(s) && !v.tables && !v.software {
		return nil
	}
	if err := v.run(ctx, list); err != nil {
		return fmt.Errorf("ask %s by snmp: %w", t.Subject, err)
	}
	return nil
}

func isThere(s discovery.Session, key discovery.Key) bool {
	_, ok := s.Known(key)
	return ok
}

// isKnown reports whether all that identifies a device was told already.
func isKnown(s discovery.Session) bool {
	return isThere(s, KeySysDescr) && isThere(s, KeySysObjectID) && isThere(s, KeySysName)
}

// visit is one device that is asked.
type visit struct {
	session          discovery.Session
	target           discovery.Target
	conn             net.Conn
	credential       credential
	walker           walker
	reader           reader
	descr, objectID  string
	tables, software bool // are to be read
	parts            []string
	slow             bool
	byVLAN           bool // its forwarding table names the VLANs
}

func (v *visit) run(ctx context.Context, list []credential) error {
	var err error
	if v.conn, err = v.session.Dial(ctx); err != nil {
		return err
	}
	defer func() { _ = v.conn.Close() }()
	if err := v.begin(ctx, list); err != nil {
		return err
	}
	if err := v.nameplate(ctx); err != nil || v.slow {
		return err
	}
	if v.tables {
		if err = v.infrastructure(ctx); fatal(err) {
			return err
		}
	}
	if v.software {
		err = errors.Join(err, v.walker.walk(ctx, &softwareTable))
	}
	return err
}

// begin finds the credential that the agent answers to, by asking for what is needed first.
func (v *visit) begin(ctx context.Context, list []credential) error {
	var known engine
	noV3 := false
	err := discovery.ErrSilent
	for _, c := range list {
		if c.Kind == KindUser && noV3 {
			continue
		}
		var agent *client
		if agent, err = newClient(ctx, v.conn, c, &known); err != nil {
			return err
		}
		v.walker.client, v.walker.take = agent, v.take
		v.credential = c
		err = v.first(ctx)
		if c.Kind == KindUser {
			known = agent.engine()
			noV3 = known.id == ""
		}
		if !errors.Is(err, discovery.ErrSilent) && !errors.Is(err, errRejected) {
			return err
		}
	}
	return err
}

// first puts the first question: for the system group, or where that is known, for what else the agent says of itself.
func (v *visit) first(ctx context.Context) error {
	oids := systemGroup()
	if isKnown(v.session) {
		oids = agentScalars()
		if !v.tables {
			oids = systemGroup()
		}
	}
	return v.scalars(ctx, oids)
}

// scalars asks for what every agent may have, and looks at how it took that.
func (v *visit) scalars(ctx context.Context, oids []string) error {
	r, err := v.get(ctx, oids)
	if err != nil || r.status != 0 {
		return err // or it answered that it does not let that be seen
	}
	v.slow = v.slow || r.took > slowAnswer
	return v.walker.watch(r)
}

// get asks for objects that an agent may lack some of, and takes what it has. SNMPv1 gives nothing at all when one is missing, but
// what follows their parents.
func (v *visit) get(ctx context.Context, oids []string) (reply, error) {
	ask := v.walker.client.get
	if v.walker.client.isV1() {
		ask, oids = v.walker.client.next, parents(oids)
	}
	r, err := ask(ctx, oids)
	if err == nil && r.status == 0 {
		v.take(r)
	}
	return r, err
}

// nameplate asks for what the maker's agents tell of the device beside the system group.
func (v *visit) nameplate(ctx context.Context) error {
	if v.objectID == "" {
		return nil // it told nothing by which to choose
	}
	row := plateOf(v.objectID).forClass(v.target.Class)
	answered, err := v.plate(ctx, row.objects)
	if err != nil {
		return err
	}
	if row.isKit() && len(answered) > 0 { // now it is known whose device it is
		var more []string
		for _, o := range plateOf(answered[0]).forClass(v.target.Class).objects {
			if !slices.Contains(row.objects, o) {
				more = append(more, o)
			}
		}
		_, err := v.plate(ctx, more)
		return err
	}
	if row.part {
		return v.firstPart(ctx)
	}
	return nil
}

// plate asks for objects, unless some of them are known already, and gives those that it got.
func (v *visit) plate(ctx context.Context, oids []string) (answered []string, err error) {
	for _, oid := range oids {
		if key, _, ok := lookUp(oid); ok && isThere(v.session, key) {
			return nil, nil
		}
	}
	if len(oids) == 0 {
		return nil, nil
	}
	r, err := v.get(ctx, oids)
	if err != nil {
		return nil, err
	}
	for _, b := range r.bindings {
		if !b.Value.Tag.IsException() && slices.Contains(oids, b.OID) && discovery.Text(value("", b.Value)) != "" {
			answered = append(answered, b.OID)
		}
	}
	return answered, nil
}

// firstPart asks for the first part that has a nameplate: a stack, which has none, stands before the first of its switches.
func (v *visit) firstPart(ctx context.Context) error {
	if isThere(v.session, keyEntSerial) || isThere(v.session, keyEntModel) {
		return nil
	}
	asked := firstPart(v.target.Class)
	for range 2 {
		r, err := v.walker.client.next(ctx, asked)
		if err != nil || r.status != 0 {
			return err
		}
		v.take(r)
		row, isStack := "", false
		for _, b := range r.bindings {
			if index, ok := strings.CutPrefix(b.OID, entPhysical+"5."); ok {
				row, isStack = index, value(KeyEntPhysicalClass, b.Value) == "stack"
			}
		}
		if !isStack {
			return nil
		}
		for i, column := range firstPart(v.target.Class) {
			asked[i] = column + "." + row
		}
	}
	return nil
}

// take is given every answer. What the session's decoder could not read, because it was encrypted, is told from here by the same
// parser.
func (v *visit) take(r reply) {
	said := v.reader.read(r.bindings)
	for _, b := range r.bindings {
		switch {
		case b.OID == "1.3.6.1.2.1.1.1.0":
			v.descr = value(KeySysDescr, b.Value)
		case b.OID == "1.3.6.1.2.1.1.2.0":
			v.objectID = value(KeySysObjectID, b.Value)
		case strings.HasPrefix(b.OID, entPhysical+"11."), strings.HasPrefix(b.OID, entPhysical+"13."):
			row := b.OID[strings.LastIndexByte(b.OID, '.')+1:]
			if discovery.Text(value("", b.Value)) != "" && len(v.parts) < maxParts && !slices.Contains(v.parts, row) {
				v.parts = append(v.parts, row)
			}
		}
	}
	if !v.walker.client.secret {
		return
	}
	for _, g := range said.own.groups {
		o := discovery.Observation{Subject: v.target.Subject, Facts: g.facts}
		o.Subject.Path = g.path
		v.session.Observe(o)
	}
	for _, o := range said.told {
		v.session.Observe(o)
	}
}
