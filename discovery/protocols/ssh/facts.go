package ssh

import (
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
)

// The keys. The values are whole identification strings: "SSH-2.0-OpenSSH_9.6p1 Debian-3".
const (
	KeyServerVersion discovery.Key = "ssh.server-version"
	// KeyClientVersion is about the client.
	KeyClientVersion discovery.Key = "ssh.client-version"
)

// Protocol is SSH, both faces.
func Protocol() discovery.Protocol {
	return discovery.Protocol{
		Name:     "ssh",
		Title:    "SSH",
		Standard: "RFC 4253 (SSH transport layer)",
		Hears:    "the programs of servers and clients, which name themselves before anything is encrypted",
		Keys:     []discovery.Key{KeyServerVersion, KeyClientVersion},
		Ports:    []discovery.Port{{Transport: discovery.TCP, Number: 22}},
		Claims:   claims,
		Decode:   func(discovery.Flow) discovery.Decoder { return &conversation{} },
		Asker:    asker(),
	}
}

func tell(side discovery.Side, t time.Time, line []byte, out discovery.Sink) {
	key := KeyServerVersion
	if side == discovery.Client {
		key = KeyClientVersion
	}
	out.Observe(discovery.Observation{Time: t, Facts: []discovery.Fact{discovery.NewFact(key, string(line))}})
}
