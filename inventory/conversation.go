package inventory

import (
	"cmp"
	"encoding/json"
	"fmt"

	"github.com/walkdown-ot/walkdown/discovery"
)

// onLink reports whether the conversation is one of two stations, without IP.
func (c Conversation) onLink() bool { return c.Transport == discovery.EtherType.String() }

// Where is the transport and the server's port, as people write them: "tcp/502", "ethertype/8892".
func (c Conversation) Where() string {
	if c.onLink() {
		return fmt.Sprintf("%s/%04x", c.Transport, c.Port)
	}
	return fmt.Sprintf("%s/%d", c.Transport, c.Port)
}

// ClientAddress is the client's IP, or else its MAC, or else the id of its asset.
func (c Conversation) ClientAddress() string { return cmp.Or(c.ClientIP, c.ClientMAC, c.Client) }

// ServerAddress is the same of the server.
func (c Conversation) ServerAddress() string { return cmp.Or(c.ServerIP, c.ServerMAC, c.Server) }

// MarshalJSON gives the form of docs/json.md. An EtherType is no port.
func (c Conversation) MarshalJSON() ([]byte, error) {
	type plain Conversation
	if !c.onLink() {
		return json.Marshal(plain(c))
	}
	out := struct {
		plain
		EtherType string `json:"ether_type"`
	}{plain(c), fmt.Sprintf("0x%04x", c.Port)}
	out.Port = 0
	return json.Marshal(out)
}
