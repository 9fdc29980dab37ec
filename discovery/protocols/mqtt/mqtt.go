// Package mqtt hears MQTT, by which edge devices and sensors report to a broker: what clients call themselves, the broker's version
// where it publishes it, the nodes and devices of Sparkplug, and who publishes and who subscribes.
//
// Standard: MQTT 3.1.1 (ISO/IEC 20922:2016) and 5.0 (OASIS 2019), 3.1 as far as it is alike; Eclipse Sparkplug 3.0 for its topics.
// Ports: TCP 1883. What is inside TLS (8883) is not read.
//
// Heard: client ids, two kinds of topics, and operations. User names, passwords and what is published are never kept, but for the
// version of the broker. It is never asked: a connection with a client id that is in use throws its owner out.
package mqtt

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/wire"
	"github.com/walkdown-ot/walkdown/discovery/wire/once"
)

const (
	name = "mqtt"
	// Port is the registered one.
	Port = 1883
)

// Packets, by the upper half of their first byte (5.0 section 2.1.2). The lower half is fixed for all but the publication.
const (
	connect   = 1
	publish   = 3
	subscribe = 8
)

// Bounds.
const (
	maxHeader = 2048 // of a packet up to what is told: client ids have 65535 bytes at most, and none of that length is one
	maxTopics = 256  // facts of topics in a conversation
)

// The keys.
const (
	KeyClientID      discovery.Key = "mqtt.client-id"
	KeyVersion       discovery.Key = "mqtt.protocol-version" // that the client speaks: "3.1.1"
	KeyBrokerVersion discovery.Key = "mqtt.broker-version"   // published under $SYS/broker/version: "mosquitto version 2.0.11"
	// KeyEdgeNode is a node of Sparkplug that the client is, "group/node"; KeyDevice a device behind it, "group/node/device".
	KeyEdgeNode discovery.Key = "mqtt.sparkplug-edge-node"
	KeyDevice   discovery.Key = "mqtt.sparkplug-device"
)

// Protocol is MQTT. It is only heard.
func Protocol() discovery.Protocol {
	return discovery.Protocol{
		Name:     name,
		Title:    "MQTT",
		Standard: "ISO/IEC 20922:2016, MQTT 5.0 (OASIS 2019), Sparkplug 3.0",
		Hears:    "client ids, the version of the broker, nodes and devices of Sparkplug, and whether clients publish or subscribe",
		Keys:     []discovery.Key{KeyClientID, KeyVersion, KeyBrokerVersion, KeyEdgeNode, KeyDevice},
		Ports:    []discovery.Port{{Transport: discovery.TCP, Number: Port}},
		Claims:   claims,
		Decode:   func(f discovery.Flow) discovery.Decoder { return &conversation{flow: f} },
	}
}

// header reads the first byte of a packet and its length behind them (5.0 section 2.1): 0 bytes while there is too little to tell.
func header(b []byte) (kind uint8, size, length int, err error) {
	if len(b) == 0 {
		return 0, 0, 0, nil
	}
	kind = b[0] >> 4
	flags, want := b[0]&0x0f, uint8(0)
	if kind == 6 || kind == 8 || kind == 10 {
		want = 2
	}
	if kind == 0 || kind != publish && flags != want || kind == publish && flags>>1&3 == 3 {
		return 0, 0, 0, fmt.Errorf("mqtt packet %#02x at byte 0", b[0])
	}
	for i := 1; i < len(b); i++ {
		length |= int(b[i]&0x7f) << (7 * (i - 1))
		switch {
		case b[i]&0x80 == 0:
			return kind, i + 1, length, nil
		case i == 4:
			return 0, 0, 0, fmt.Errorf("mqtt length of more than 4 bytes at byte 1")
		}
	}
	return kind, 0, 0, nil
}

// claims recognises a stream by the packet that connects.
func claims(first []byte) bool {
	kind, size, _, err := header(first)
	if err != nil || kind != connect || size == 0 {
		return false
	}
	body := first[size:]
	return bytes.HasPrefix(body, []byte("\x00\x04MQTT")) || bytes.HasPrefix(body, []byte("\x00\x06MQIsdp"))
}

// text reads a string with its length before it.
func text(r *wire.Reader) string { return string(r.Bytes(int(r.Uint16()))) }

// parseConnect reads the version and the client id (5.0 section 3.1): protocol, level, flags, time, properties from 5 on, id.
func parseConnect(b []byte) (version, id string, err error) {
	r := wire.NewReader(b)
	protocol := text(&r)
	level := r.Uint8()
	r.Skip(1 + 2)
	if level >= 5 {
		skipProperties(&r)
	}
	id = text(&r)
	if r.Err() != nil {
		return "", "", fmt.Errorf("read mqtt connect of %d bytes: %w", len(b), io.ErrUnexpectedEOF)
	}
	if protocol != "MQTT" && protocol != "MQIsdp" {
		return "", "", fmt.Errorf("mqtt protocol %q at byte 2: %w", discovery.Text(protocol), discovery.ErrNotMine)
	}
	return map[uint8]string{3: "3.1", 4: "3.1.1", 5: "5.0"}[level&0x7f], id, nil
}

// skipProperties passes the properties of 5.0 over: a length of up to four bytes, seven bits each, low ones first, and what it counts.
func skipProperties(r *wire.Reader) {
	n := 0
	for i := range 4 {
		c := r.Uint8()
		n |= int(c&0x7f) << (7 * i)
		if c&0x80 == 0 {
			break
		}
	}
	r.Skip(n)
}

// conversation reads both sides of a connection.
type conversation struct {
	flow  discovery.Flow
	known bool
	ends  [2]end
	told  discovery.Operations
}

// end is what is remembered of a side.
type end struct {
	lost   bool // where packets begin is not known any more
	skip   int  // bytes of the packet that were not read and may be passed over
	said   once.Memory
	topics int
}

// Feed reads the head of a packet, and passes over the rest.
func (c *conversation) Feed(side discovery.Side, t time.Time, b []byte, gap int, out discovery.Sink) (int, error) {
	e := &c.ends[side]
	if gap > 0 && gap <= e.skip { // only what would have been passed over was lost
		e.skip, gap = e.skip-gap, 0
	}
	if e.lost || gap > 0 {
		e.lost = true
		return len(b), nil
	}
	if e.skip > 0 {
		n := min(e.skip, len(b))
		e.skip -= n
		return n, nil
	}
	_, size, length, err := header(b)
	switch {
	case err != nil && !c.known:
		return len(b), fmt.Errorf("read mqtt packet: %w: %w", discovery.ErrNotMine, err)
	case err != nil:
		e.lost = true
		return len(b), fmt.Errorf("read mqtt packet: %w", err)
	case size == 0:
		return 0, nil
	}
	head := min(length, maxHeader)
	if len(b) < size+head {
		return 0, nil
	}
	if err := c.read(side, t, b[0], b[size:size+head], length > maxHeader, out); err != nil {
		if !c.known {
			return len(b), err
		}
		e.skip = length - head
		return size + head, err
	}
	c.known = true
	e.skip = length - head
	return size + head, nil
}

// read tells what one packet says.
func (c *conversation) read(side discovery.Side, t time.Time, first uint8, b []byte, cut bool, out discovery.Sink) error {
	tell := func(facts ...discovery.Fact) {
		c.ends[side].said.Tell(out, discovery.Observation{Time: t, Subject: c.flow.Ends[side], Facts: facts})
	}
	switch first >> 4 {
	case connect:
		version, id, err := parseConnect(b)
		if err != nil {
			return err
		}
		tell(discovery.NewFact(KeyVersion, version), discovery.NewFact(KeyClientID, id))
	case subscribe:
		c.talk(side, t, discovery.OpRead, out)
	case publish:
		r := wire.NewReader(b)
		topic := text(&r)
		if r.Err() != nil || !utf8.ValidString(topic) || strings.ContainsAny(topic, "\x00#+") {
			return fmt.Errorf("read mqtt topic of %d bytes: %w", len(b), io.ErrUnexpectedEOF)
		}
		if side == discovery.Client {
			c.talk(side, t, discovery.OpWrite, out)
			if e := &c.ends[side]; e.topics < maxTopics && strings.HasPrefix(topic, "spBv1.0/") {
				e.topics++
				tell(sparkplug(topic)...)
			}
			return nil
		}
		if topic == "$SYS/broker/version" && !cut {
			r.Skip(2 * min(int(first>>1&3), 1))                  // the number of a packet that is confirmed
			if rest := r; rest.Len() > 0 && rest.Uint8() < ' ' { // properties of 5.0, as a rule none: versions begin with a letter
				skipProperties(&r)
			}
			tell(discovery.NewFact(KeyBrokerVersion, string(r.Rest())))
		}
	}
	return nil
}

// sparkplug is what a topic says of the client that publishes it (Sparkplug 3.0 section 4.1): namespace, group, kind of message, node and
// perhaps device.
func sparkplug(topic string) []discovery.Fact {
	parts := strings.Split(topic, "/")
	if len(parts) < 4 || len(parts) > 5 || len(parts[2]) < 5 || parts[2][0] != 'N' && parts[2][0] != 'D' {
		return nil
	}
	facts := []discovery.Fact{discovery.NewFact(KeyEdgeNode, parts[1]+"/"+parts[3])}
	if len(parts) == 5 {
		facts = append(facts, discovery.NewFact(KeyDevice, parts[1]+"/"+parts[3]+"/"+parts[4]))
	}
	return facts
}

// talk tells an operation once in a conversation.
func (c *conversation) talk(client discovery.Side, t time.Time, op discovery.Operations, out discovery.Sink) {
	if client != discovery.Client || op&^c.told == 0 {
		return
	}
	c.told |= op
	out.Observe(c.flow.Talk(name, client, t, op))
}
