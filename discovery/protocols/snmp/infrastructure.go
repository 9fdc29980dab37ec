package snmp

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/walkdown-ot/walkdown/discovery"
)

// cisco is the beginning of the sysObjectID of Cisco's devices.
const cisco = "1.3.6.1.4.1.9."

// infrastructure reads what a switch or router knows: of itself, its neighbours, and the hosts behind it. A table that cannot be
// read to its end does not keep the others from being read; what was read is kept.
func (v *visit) infrastructure(ctx context.Context) error {
	if !isKnown(v.session) {
		if err := v.scalars(ctx, agentScalars()); err != nil || v.slow {
			return err
		}
	}
	present, err := v.present(ctx)
	if err != nil || v.slow {
		return err
	}
	var partly []error  // why tables were not read to their end
	var forwarding bool // was read to its end
	for _, t := range walked() {
		if !present(t) {
			continue
		}
		switch {
		case t == &forwardingTable && v.byVLAN,
			t == &arpTable && present(&neighbourTable) && v.walker.values > 0:
			continue // the same rows as in the table before
		}
		err := v.walker.walk(ctx, t)
		if fatal(err) {
			return err
		}
		if err != nil {
			partly = append(partly, err)
		}
		if t == &vlanForwardingTable || t == &forwardingTable {
			forwarding = err == nil
		}
		v.byVLAN = v.byVLAN || t == &vlanForwardingTable && v.walker.values > 0
		if t == &entityTable {
			if err := v.details(ctx); err != nil {
				return err
			}
		}
	}
	if strings.HasPrefix(v.objectID, cisco) && present(&vtpTable) && !v.byVLAN {
		if forwarding, err = v.vlans(ctx); err != nil {
			return err
		}
	}
	v.conclude(len(partly) == 0, forwarding)
	return errors.Join(partly...)
}

// fatal reports whether an error ends the asking, and not just one table.
func fatal(err error) bool {
	return err != nil && !errors.Is(err, errMore) && !isStatus(err)
}

// isStatus reports whether the agent answered that it cannot.
func isStatus(err error) bool {
	var status statusError
	return errors.As(err, &status)
}

// present asks once which tables there are. SNMPv1 may have no answer for all of them together: then each is tried.
func (v *visit) present(ctx context.Context) (func(*table) bool, error) {
	r, err := v.walker.client.next(ctx, firstRows())
	if err != nil {
		return nil, err
	}
	if r.status != 0 {
		return func(*table) bool { return true }, nil
	}
	v.slow = v.slow || r.took > slowAnswer
	if err := v.walker.watch(r); err != nil {
		return nil, err
	}
	return func(t *table) bool {
		if t == &vlanForwardingTable || t == &forwardingTable {
			t = &bridgePortTable
		}
		return slices.ContainsFunc(r.bindings, func(b Binding) bool {
			return strings.HasPrefix(b.OID, t.columns[0]+".") && !b.Value.Tag.IsException()
		})
	}, nil
}

// details reads the nameplates of the parts that have a serial number or a model.
func (v *visit) details(ctx context.Context) error {
	if v.walker.client.isV1() {
		return nil // one object that is missing, and SNMPv1 gives none
	}
	for _, row := range v.parts {
		var oids []string
		for _, column := range entityDetails() {
			oids = append(oids, column+"."+row)
		}
		r, err := v.walker.client.get(ctx, oids)
		if err != nil {
			return err
		}
		if r.status == 0 {
			v.take(r)
		}
	}
	return nil
}

// vlans reads the forwarding tables of a Cisco switch, which keeps one for each VLAN, each under a name of its own. It reports
// whether all of them were read to their end.
func (v *visit) vlans(ctx context.Context) (whole bool, err error) {
	var vlans []uint16
	take, agent := v.walker.take, v.walker.client
	defer func() { v.walker.take, v.walker.client, v.reader.vlan = take, agent, 0 }()
	v.walker.take = func(r reply) {
		for _, b := range r.bindings {
			if vlan, ok := vtpVLAN(b.OID); ok && !slices.Contains(vlans, vlan) {
				vlans = append(vlans, vlan)
			}
		}
	}
	if err := v.walker.walk(ctx, &vtpTable); fatal(err) {
		return false, err
	}
	v.walker.take = take
	known := agent.engine()
	whole = true
	for _, vlan := range vlans {
		if v.walker.client, err = newClient(ctx, v.conn, v.credential.inVLAN(strconv.Itoa(int(vlan))), &known); err != nil {
			return false, err
		}
		v.reader.vlan = vlan
		for _, t := range []*table{&vlanPortTable, &vlanStationTable} {
			err := v.walker.walk(ctx, t)
			if errors.Is(err, discovery.ErrSilent) || errors.Is(err, discovery.ErrNotUnderstood) || isStatus(err) {
				return false, nil // it has no such view: nothing is lost that others have
			}
			if fatal(err) {
				return false, err
			}
			whole = whole && err == nil
		}
	}
	return whole, nil
}

// vtpVLAN is the VLAN in the index of a row of vtpVlanTable, behind the management domain. 1002 to 1005 are of Token Ring and FDDI.
func vtpVLAN(oid string) (uint16, bool) {
	index, ok := strings.CutPrefix(oid, vtpTable.columns[0]+".")
	arcs, isIndex := parseArcs(index)
	if !ok || !isIndex || len(arcs) != 2 {
		return 0, false
	}
	n := arcs[1]
	return uint16(n), n >= 1 && n < 1002 || n > 1005 && n <= maxVLAN
}

// conclude tells that all was read, and the cables that follow from a forwarding table that was read to its end.
func (v *visit) conclude(whole, forwarding bool) {
	if forwarding {
		if links := v.reader.learnt(); len(links) > 0 {
			v.session.Observe(discovery.Observation{Subject: v.target.Subject, Links: links})
		}
	}
	if whole {
		v.session.Observe(discovery.Observation{Subject: v.target.Subject, Facts: []discovery.Fact{discovery.NewFact(KeyTables, "read")}})
	}
}
