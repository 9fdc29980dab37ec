package sqlite

import (
	"cmp"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
)

// batch is what waits to be committed. Repetitions of a fact, a link or a conversation add up in one row.
type batch struct {
	subjects  []discovery.Subject // those of the facts, each once
	numbers   map[discovery.Subject]int32
	facts     map[factKey]*factRow
	links     map[linkKey]*linkRow
	talks     map[talkKey]*talkRow
	exchanges []discovery.Exchange
}

func newBatch() *batch {
	return &batch{
		numbers: map[discovery.Subject]int32{}, facts: map[factKey]*factRow{}, links: map[linkKey]*linkRow{}, talks: map[talkKey]*talkRow{},
	}
}

func (b *batch) size() int { return len(b.facts) + len(b.links) + len(b.talks) + len(b.exchanges) }

// factKey is what makes two facts one. The subjects are numbered, and the rest is a digest, so that a key is small.
type factKey struct {
	subject, teller int32 // teller is the subject where nobody else said it
	sum             digest
}

type seen struct {
	first, last time.Time
	count       int
}

func (s *seen) add(t time.Time) {
	if s.count == 0 || t.Before(s.first) {
		s.first = t
	}
	if s.count == 0 || t.After(s.last) {
		s.last = t
	}
	s.count++
}

type factRow struct {
	seen
	protocol   string
	mode       discovery.Mode
	key        discovery.Key
	value, raw string
	rule, from string // from: the keys, one a line
	confidence float32
	sensor     string
}

type linkKey struct {
	subject discovery.Subject
	link    discovery.Link
}

type linkRow struct{ seen }

type talkKey struct {
	client, server discovery.Subject
	transport      discovery.Transport
	port           uint16
	protocol       string
	mode           discovery.Mode
}

// talkRow adds up conversations; of the frequency and the median the newest is kept.
type talkRow struct {
	first, last    time.Time
	packets, bytes uint64
	operations     discovery.Operations
	answered       bool
	frequency      string
	median         time.Duration
}

// join adds what was told of the same conversation.
func (t *talkRow) join(o *talkRow) {
	if o.first.Before(t.first) {
		t.first = o.first
	}
	if !o.last.Before(t.last) {
		t.last = o.last
		t.frequency = cmp.Or(o.frequency, t.frequency)
		t.median = cmp.Or(o.median, t.median)
	}
	t.packets += o.packets
	t.bytes += o.bytes
	t.operations |= o.operations
	t.answered = t.answered || o.answered
}

// digest is what the row is known by, with its teller where that is not the subject.
func (f *factRow) digest(teller string) digest {
	return digestOf(teller, f.protocol, f.mode.String(), string(f.key), f.value, f.raw, f.rule, f.from)
}

// number is the place of a subject.
func (b *batch) number(s discovery.Subject) int32 {
	n, ok := b.numbers[s]
	if !ok {
		n = int32(len(b.subjects)) //nolint:gosec // a batch has thousands
		b.numbers[s] = n
		b.subjects = append(b.subjects, s)
	}
	return n
}

// observe takes the facts and links. What has no address cannot be kept.
func (b *batch) observe(o discovery.Observation) {
	if o.Subject.IsZero() {
		return
	}
	teller := o.Teller
	if teller.IsZero() || teller.Host() == o.Subject.Host() {
		teller = o.Subject
	}
	at := o.Time.UTC()
	var key factKey
	if len(o.Facts) > 0 {
		key.subject = b.number(o.Subject)
		key.teller = key.subject
		if teller != o.Subject {
			key.teller = b.number(teller)
		}
	}
	for _, f := range o.Facts {
		told := factRow{protocol: o.Protocol, mode: o.Mode, key: f.Key, value: f.Value, raw: string(f.Raw), rule: f.Rule, from: keyLines(f.From)}
		key.sum = told.digest("")
		row := b.facts[key]
		if row == nil {
			row = new(factRow)
			*row = told
			b.facts[key] = row
		}
		row.add(at)
		row.confidence = max(row.confidence, f.Confidence)
		row.sensor = o.Sensor
	}
	for _, link := range o.Links {
		key := linkKey{o.Subject, link}
		row := b.links[key]
		if row == nil {
			row = &linkRow{}
			b.links[key] = row
		}
		row.add(at)
	}
}

// talk takes a conversation.
func (b *batch) talk(o discovery.Observation, c discovery.Conversation) {
	if c.Client.IsZero() || c.Server.IsZero() {
		return
	}
	key := talkKey{c.Client, c.Server, c.Transport, c.Port, c.Protocol, o.Mode}
	first, last := c.First.UTC(), c.Last.UTC()
	if c.First.IsZero() {
		first = o.Time.UTC()
	}
	if c.Last.IsZero() {
		last = o.Time.UTC()
	}
	told := &talkRow{
		first: first, last: last, packets: c.Packets, bytes: c.Bytes, operations: c.Operations, answered: c.Answered,
		frequency: c.Frequency, median: max(c.MedianInterval, 0),
	}
	if row := b.talks[key]; row != nil {
		row.join(told)
	} else {
		b.talks[key] = told
	}
}

// known is the newest value of a key under the address.
func (b *batch) known(about discovery.Subject, key discovery.Key, since time.Time) (value string, ok bool) {
	var newest time.Time
	for k, row := range b.facts {
		s := b.subjects[k.subject]
		same := s.Site == about.Site && s.Segment == about.Segment && s.Path == about.Path &&
			(about.IP.IsValid() && s.IP == about.IP || !about.IP.IsValid() && s.MAC == about.MAC) &&
			(about.MAC.IsZero() || s.MAC.IsZero() || s.MAC == about.MAC)
		if same && row.key == key && row.last.After(newest) && !row.last.Before(since) {
			value, ok, newest = row.value, true, row.last
		}
	}
	return value, ok
}
