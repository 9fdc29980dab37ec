package listen

import (
	"slices"

	"github.com/walkdown-ot/walkdown/discovery"
)

// speaker is the sink that decoders tell to. It fills in what a decoder does not know: who spoke, when, and where.
type speaker struct {
	listener *Listener
	session  *session
	side     discovery.Side
}

// Observe implements discovery.Sink.
func (k *speaker) Observe(o discovery.Observation) {
	l, s := k.listener, k.session
	if o.Time.IsZero() {
		o.Time = l.now
	}
	if o.Protocol == "" {
		o.Protocol = l.protocols.name(s.protocol)
	}
	self := l.end(s, k.side)
	o.Subject = k.place(o.Subject, self)
	if !o.Teller.IsZero() {
		o.Teller = k.place(o.Teller, self)
	}
	for i := range o.Links {
		if !o.Links[i].Remote.IsZero() {
			o.Links[i].Remote = k.place(o.Links[i].Remote, self)
		}
	}
	if len(o.Talks) > 0 && k.add(&o) && len(o.Facts)+len(o.Links)+len(o.Talks) == 0 {
		return
	}
	for _, fact := range o.Facts {
		if fact.Key == discovery.KeyBinding {
			l.bind(o.Subject)
		}
	}
	l.emit(o)
}

// place completes a subject: without an address it is the speaker's, and the speaker's own has the VLAN that it spoke in.
func (k *speaker) place(subject, self discovery.Subject) discovery.Subject {
	if subject.MAC.IsZero() && !subject.IP.IsValid() {
		self.Path = subject.Path
		return self
	}
	if subject.Site == "" && subject.Segment == "" {
		subject.Site, subject.Segment = self.Site, self.Segment
	}
	if subject.VLAN == 0 && (subject.MAC == self.MAC && !self.MAC.IsZero() || subject.IP == self.IP && self.IP.IsValid()) {
		subject.VLAN = self.VLAN
	}
	return subject
}

// add puts the operations that a decoder has seen on the conversation at hand, to be told with its counters. Talks about
// others stay in the observation. It reports whether there were any of its own.
func (k *speaker) add(o *discovery.Observation) bool {
	l, s := k.listener, k.session
	f := s.flow.get()
	client, server := l.end(s, discovery.Client), l.end(s, discovery.Server)
	before := len(o.Talks)
	same := func(end, want discovery.Subject) bool {
		return end.IsZero() || end.Path == "" && end.IP == want.IP && (end.MAC == want.MAC || end.MAC.IsZero() || end.IP.IsValid())
	}
	o.Talks = slices.DeleteFunc(slices.Clone(o.Talks), func(t discovery.Conversation) bool {
		switch {
		case s.transport != discovery.EtherType:
		case t.Client.MAC.IsGroup() || t.Server.MAC.IsGroup():
			return true // what goes to all is no talk
		case f != nil:
			return k.exchange(f, t, client, server)
		}
		if t.Transport == discovery.EtherType && s.transport != discovery.EtherType {
			l.foretell(t, s.vlan)
			return true
		}
		own := f != nil && (t.Port == 0 || t.Port == s.port) && same(t.Client, client) && same(t.Server, server)
		if f != nil && f.value.sure == bySYN && same(t.Client, server) && same(t.Server, client) {
			own = true // who opened a connection is its client, whatever the messages look like
		}
		if own {
			l.conversationOf(f).value.does(t.Operations)
		}
		return own
	})
	for i := range o.Talks {
		t := &o.Talks[i]
		t.Client, t.Server = k.place(t.Client, client), k.place(t.Server, server)
		if t.Transport == 0 {
			t.Transport = s.transport
		}
		if t.Port == 0 {
			t.Port = s.port
		}
		if t.Protocol == "" {
			t.Protocol = o.Protocol
		}
		if t.First.IsZero() {
			t.First, t.Last = l.now, l.now
		}
	}
	return len(o.Talks) < before
}

// exchange takes what a decoder says of the talk of two stations at hand, of which self is the sender of the frame. It reports
// whether it is about that.
func (k *speaker) exchange(f *entry[flowKey, flow], t discovery.Conversation, self, other discovery.Subject) bool {
	is := func(end, want discovery.Subject) bool { return end.MAC.IsZero() || end.MAC == want.MAC }
	client := self.MAC
	switch {
	case is(t.Client, self) && is(t.Server, other):
	case is(t.Client, other) && is(t.Server, self):
		client = other.MAC
	default:
		return false
	}
	server := 0
	if f.key.ends[0] == addressOfMAC(client) {
		server = 1
	}
	l := k.listener
	l.settle(f, server, byMessage)
	if f.value.server != server {
		return false // each is the other's client; the second of the two is told by itself
	}
	l.conversationOf(f).value.does(t.Operations)
	return true
}
