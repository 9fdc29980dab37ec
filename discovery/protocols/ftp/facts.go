package ftp

import (
	"bytes"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
)

// The keys. The values are without the reply code; the lines of a long greeting are joined by blanks.
const (
	// KeyBanner is the greeting: "AXIS 214 PTZ Network Camera 4.49 (Oct 05 2009) ready".
	KeyBanner discovery.Key = "ftp.banner"
	// KeySystem is the answer to SYST: "UNIX Type: L8", "VxWorks".
	KeySystem discovery.Key = "ftp.system"
)

// Protocol is FTP, heard only.
func Protocol() discovery.Protocol {
	return discovery.Protocol{
		Name:     "ftp",
		Title:    "FTP",
		Standard: "RFC 959",
		Hears:    "the greetings of servers and the systems that they name",
		Keys:     []discovery.Key{KeyBanner, KeySystem},
		Ports:    []discovery.Port{{Transport: discovery.TCP, Number: 21}},
		Claims:   claims,
		Decode:   func(discovery.Flow) discovery.Decoder { return &conversation{} },
	}
}

func tell(t time.Time, code reply, text []byte, out discovery.Sink) {
	key := KeyBanner
	if code == replySystem {
		key = KeySystem
	}
	if fact := discovery.NewFact(key, string(text)); fact.Value != "" {
		out.Observe(discovery.Observation{Time: t, Facts: []discovery.Fact{fact}})
	}
}

// isPassing knows the lines of a common server's greeting (Pure-FTPd) that are another each time.
func isPassing(line []byte) bool {
	return bytes.HasPrefix(line, []byte("You are user number ")) || bytes.HasPrefix(line, []byte("Local time is now "))
}
