package opcua

import (
	"bytes"
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/wire/certificate"
)

// tell says what the client does, once for each operation.
func (c *conversation) tell(t time.Time, op discovery.Operations, out discovery.Sink) {
	if op&^c.told == 0 {
		return
	}
	c.told |= op
	out.Observe(discovery.Observation{Time: t, Talks: []discovery.Conversation{{
		Client: c.flow.Ends[discovery.Client], Server: c.flow.Ends[discovery.Server],
		Transport: discovery.TCP, Port: c.flow.Ports[discovery.Server], Protocol: name, Operations: op, First: t, Last: t,
	}}})
}

// observe tells facts about the side that spoke.
func observe(t time.Time, f facts, out discovery.Sink) {
	if len(f.list) > 0 {
		out.Observe(discovery.Observation{Time: t, Facts: f.list})
	}
}

// observeOther tells facts about another server, as the side that spoke knows it. Its address is in its URLs at most, so it
// stands behind the teller until it is met itself.
func (c *conversation) observeOther(side discovery.Side, t time.Time, uri string, f facts, out discovery.Sink) {
	if uri != "" && len(f.list) > 0 {
		teller := c.flow.Ends[side]
		out.Observe(discovery.Observation{Time: t, Subject: teller.At(discovery.PathEndpoint, uri), Teller: teller, Facts: f.list})
	}
}

// reverseHello reads the greeting of a server that calls its client (OPC 10000-6 clause 7.1.2.6).
func (c *conversation) reverseHello(side discovery.Side, t time.Time, r *reader, out discovery.Sink) error {
	c.server = side
	var f facts
	f.add(keyApplicationURI, r.string())
	observe(t, f, out)
	return r.problem("reverse hello")
}

// openChannel reads the security header of an OPN message (OPC 10000-6 clause 6.7.2.3). With a security policy, what follows it
// is encrypted.
func (c *conversation) openChannel(side discovery.Side, t time.Time, r *reader, out discovery.Sink) error {
	r.Skip(4) // channel
	policy := policyName(r.string())
	der := r.bytes()
	if err := r.problem("open-channel header"); err != nil {
		return err
	}
	c.secured = policy != "" && policy != "None"
	var f facts
	var err error
	var cert certificate.Certificate
	if len(der) > 0 {
		cert, err = certificate.Parse(der)
	}
	if side == c.server {
		f.certificate(cert)
		if c.secured { // a channel without security is open to everybody for discovery, whatever the endpoints need
			f.add(keySecurityPolicy, policy)
		}
	} else {
		f.add(keyClientApplicationURI, applicationURI(cert))
	}
	observe(t, f, out)
	return err
}

// service reads the whole body of a request or response that can tell something.
func (c *conversation) service(side discovery.Side, t time.Time, what service, request uint32, body []byte, out discovery.Sink) error {
	r := newReader(body)
	r.nodeID() // the service
	switch what {
	case findServersResponse:
		listed, err := r.findServers()
		c.servers(side, t, listed, out)
		return err
	case findOnNetworkResponse:
		listed, err := r.findOnNetwork()
		for _, a := range listed {
			var f facts
			f.application(a)
			c.observeOther(side, t, a.urls[0], f, out)
		}
		return err
	case getEndpointsResponse:
		offered, err := r.getEndpoints()
		return cmp.Or(err, c.endpoints(side, t, offered, nil, out))
	case createSessionRequest:
		client, err := r.createSession()
		var f facts
		if client.uri != clientURI { // whoever asks as the asker does is no part of the plant
			f.client(client)
		}
		observe(t, f, out)
		return err
	case createSessionResponse:
		s, err := r.createdSession()
		return cmp.Or(err, c.endpoints(side, t, s.endpoints, s.certificate, out))
	case browseRequest:
		return c.plates.rememberBrowse(request, &r)
	case browseResponse:
		return c.plates.browsed(request, &r)
	case readRequest:
		return c.remember(request, &r)
	case readResponse:
		if !c.asked {
			return c.valuesAlone(t, &r, out)
		}
		return c.values(side, t, c.answered(request), &r, out)
	}
	return nil
}

// servers tells of the servers that one of them listed.
func (c *conversation) servers(side discovery.Side, t time.Time, listed []application, out discovery.Sink) {
	own := itself(listed, c.own, c.flow.Ends[side].IP, c.flow.Ports[side])
	for i, a := range listed {
		var f facts
		f.application(a)
		if i == own {
			observe(t, f, out)
			continue
		}
		uri := a.uri
		if uri == "" && len(a.urls) > 0 {
			uri = a.urls[0]
		}
		c.observeOther(side, t, uri, f, out)
	}
}

// endpoints tells of the endpoints that a server offers. Those of another server, which a gateway or a discovery server may name,
// are told of that one.
func (c *conversation) endpoints(side discovery.Side, t time.Time, offered []endpoint, der []byte, out discovery.Sink) error {
	var self facts
	var failed error
	var seen [][]byte
	certify := func(f *facts, der []byte) {
		if len(der) == 0 || slices.ContainsFunc(seen, func(b []byte) bool { return bytes.Equal(b, der) }) {
			return
		}
		seen = append(seen, der)
		cert, err := certificate.Parse(der)
		f.certificate(cert)
		failed = cmp.Or(failed, err)
	}
	for len(offered) > 0 {
		uri := offered[0].server.uri
		if c.own == "" {
			c.own = uri
		}
		var other facts
		f := &other
		if uri == "" || uri == c.own {
			f = &self
		}
		f.application(offered[0].server)
		var rest []endpoint
		for _, e := range offered {
			if e.server.uri != uri {
				rest = append(rest, e)
				continue
			}
			f.endpoint(e)
			certify(f, e.certificate)
		}
		c.observeOther(side, t, uri, other, out)
		offered = rest
	}
	certify(&self, der)
	observe(t, self, out)
	return failed
}

// attributeValue is the attribute of a node that holds its value (OPC 10000-6 annex A).
const attributeValue = 13

// remember keeps which nodes of a Read request (OPC 10000-4 clause 5.11.2) tell something, if any does.
func (c *conversation) remember(request uint32, r *reader) error {
	c.answered(request)
	var nodes []readNode
	r.requestHeader()
	r.Skip(8 + 4) // the oldest value that will do, which timestamps
	for i := range r.count(1) {
		at := *r
		node, attribute := r.nodeID().in0(), r.Uint32LE()
		part := r.bytes() // of an array
		r.Skip(2)         // data encoding
		r.bytes()
		if r.Err() != nil {
			break
		}
		if attribute != attributeValue || len(part) > 0 || len(nodes) == maxReadNodes {
			continue
		}
		if telling(node) {
			nodes = append(nodes, readNode{index: i, node: node})
		} else if len(c.plates.plates) > 0 {
			if plate, ok := c.plates.plates[at.nodeKey()]; ok {
				nodes = append(nodes, readNode{index: i, plate: plate})
			}
		}
	}
	if len(nodes) > 0 {
		if len(c.reads) == maxReads {
			c.reads = slices.Delete(c.reads, 0, 1)
		}
		c.reads = append(c.reads, read{request: request, nodes: nodes})
	}
	return r.problem("read request")
}

// values tells the values in the answer to a Read request.
func (c *conversation) values(side discovery.Side, t time.Time, nodes []readNode, r *reader, out discovery.Sink) error {
	var f facts
	devices := map[string]*facts{}
	if isBad(r.responseHeader()) {
		return r.problem("read answer")
	}
	for i := range r.count(1) {
		if len(nodes) == 0 || r.Err() != nil {
			break
		}
		if i < nodes[0].index {
			r.skipDataValue(0)
			continue
		}
		v, good := r.dataValue(maxNamespaces)
		if plate := nodes[0].plate; good && r.Err() == nil && plate.key != "" {
			if devices[plate.device] == nil {
				devices[plate.device] = &facts{}
			}
			devices[plate.device].add(plate.key, v.text())
		} else if good && r.Err() == nil {
			f.value(nodes[0].node, v)
		}
		nodes = nodes[1:]
	}
	observe(t, f, out)
	for _, device := range slices.Sorted(maps.Keys(devices)) {
		if f := devices[device]; len(f.list) > 0 {
			out.Observe(discovery.Observation{Time: t, Subject: c.plates.subject(c.flow.Ends[side], device), Facts: f.list})
		}
	}
	return r.problem("read answer")
}

// standardNamespace is the first of every namespace array (OPC 10000-5 clause 6.3.1).
const standardNamespace = "http://opcfoundation.org/UA/"

// valuesAlone reads the answer to a Read request in a conversation of which no request was heard. It tells what says itself what it
// is: the structures of the build information and the server's status, and the namespace array.
func (c *conversation) valuesAlone(t time.Time, r *reader, out discovery.Sink) error {
	c.alone++
	var f facts
	if isBad(r.responseHeader()) {
		return r.problem("read answer")
	}
	for range r.count(1) {
		v, good := r.dataValue(maxNamespaces)
		if r.Err() != nil {
			break
		}
		switch {
		case !good:
		case v.typeID == serverStatusStructure || v.typeID == buildInfoStructure:
			f.value(nodeBuildInfo, v)
		case len(v.texts) > 1 && v.texts[0] == standardNamespace:
			f.value(nodeNamespaceArray, v)
		}
	}
	observe(t, f, out)
	return r.problem("read answer")
}
