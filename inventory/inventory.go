// Package inventory holds what a plant consists of (assets with their evidence, conversations, changes, surveys) and the pure
// rules of who is who. It stores nothing: inventory/sqlite does. The JSON field names are a contract (docs/json.md).
package inventory

import (
	"context"
	"fmt"
	"iter"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
)

// Identity is what is known of a device or a part of it. Empty means unknown.
type Identity struct {
	Vendor      string `json:"vendor,omitempty"`
	Family      string `json:"family,omitempty"`
	Model       string `json:"model,omitempty"`
	OrderNumber string `json:"order_number,omitempty"`
	Serial      string `json:"serial,omitempty"`
	Hardware    string `json:"hardware,omitempty"`
	Firmware    string `json:"firmware,omitempty"`
	FirmwareRaw string `json:"firmware_raw,omitempty"`
	Software    string `json:"software,omitempty"` // version of the application on the firmware
	OS          string `json:"os,omitempty"`
	Type        string `json:"type,omitempty"`
	CPE         string `json:"cpe,omitempty"`
	// CPECandidate is a CPE that is no claim: by scheme, without a version, or not sure enough.
	CPECandidate string `json:"cpe_candidate,omitempty"`
	// Confidence is the lowest of vendor, model and firmware that are present; 0 when none is.
	Confidence float32 `json:"confidence,omitempty"`
	// Confidences are those of the single fields, by their JSON name.
	Confidences map[string]float32 `json:"confidences,omitempty"`
}

// Asset is one physical or virtual thing, whatever addresses it has had.
type Asset struct {
	ID      string   `json:"id"` // "a-" and 16 hex digits; stable for the life of the asset
	Site    string   `json:"site"`
	Segment string   `json:"segment"`
	Name    string   `json:"name,omitempty"`
	Names   []string `json:"names,omitempty"`
	Identity
	MACVendor    string            `json:"mac_vendor,omitempty"` // maker of the network chip, from the OUI alone
	Role         string            `json:"role,omitempty"`       // "router", "sensor"
	Level        string            `json:"level,omitempty"`      // proposed level of the Purdue model: "0" to "3", "3.5"
	LevelReason  string            `json:"level_reason,omitempty"`
	ProposedType string            `json:"proposed_type,omitempty"` // by what it does, where the identity has no type
	Matchability *Matchability     `json:"matchability,omitempty"`
	Addresses    []Address         `json:"addresses"`
	Protocols    []string          `json:"protocols,omitempty"`
	Services     []Service         `json:"services,omitempty"`
	Components   []Component       `json:"components,omitempty"`
	Ports        []Port            `json:"ports,omitempty"` // as a switch or router tells them
	Via          string            `json:"via,omitempty"`   // id of the gateway that it lives behind
	Neighbours   []Neighbour       `json:"neighbours,omitempty"`
	Annotations  map[string]string `json:"annotations,omitempty"`
	Notes        []string          `json:"notes,omitempty"`     // "answered, not understood", distress, doubts
	Joined       []Join            `json:"joined,omitempty"`    // why several addresses are one asset
	FirstSeen    time.Time         `json:"first_seen,omitzero"` // with LastSeen and Seen empty while only people know of it
	LastSeen     time.Time         `json:"last_seen,omitzero"`
	Seen         Seen              `json:"seen,omitempty"`
}

// Address is a MAC, an IP, or both where they are known to belong together.
type Address struct {
	MAC  string `json:"mac,omitempty"`
	IP   string `json:"ip,omitempty"`
	VLAN uint16 `json:"vlan,omitempty"`
	// Segment is set where it is not the asset's: an IP counts only inside its segment.
	Segment string `json:"segment,omitempty"`
}

// Join is why some addresses, each with what belongs to it already, are one asset.
type Join struct {
	By        string   `json:"by"` // "serial number", "LLDP chassis id", "decision" ...
	Value     string   `json:"value,omitempty"`
	Addresses []string `json:"addresses"`
}

// Service is something that listens on an asset.
type Service struct {
	Transport string `json:"transport"`
	Port      uint16 `json:"port"`
	Protocol  string `json:"protocol,omitempty"`
}

// Component is a part with its own nameplate inside an asset.
type Component struct {
	Path string `json:"path"`
	Name string `json:"name,omitempty"`
	Identity
}

// Neighbour is the other end of a cable.
type Neighbour struct {
	LocalPort  string `json:"local_port,omitempty"`
	Asset      string `json:"asset,omitempty"` // id, where the other end is in the inventory
	Name       string `json:"name,omitempty"`  // what the other end is called otherwise
	RemotePort string `json:"remote_port,omitempty"`
	Via        string `json:"via"`
}

// Seen says how an asset is known.
type Seen string

// The ways.
const (
	SeenPassive Seen = "passive"
	SeenActive  Seen = "active"
	SeenBoth    Seen = "both"
)

// Evidence is one fact with where it came from, as the inventory keeps it.
type Evidence struct {
	Subject  discovery.Subject // under which address
	Teller   discovery.Subject // zero = the subject itself
	Protocol string
	Sensor   string
	Mode     discovery.Mode
	Fact     discovery.Fact
	First    time.Time
	Last     time.Time
	Count    int
	Survey   string // the last one that saw it
}

// Conversation is who talks to whom. Where two stations talk straight on the link, they have MACs in place of IPs, and an
// EtherType in place of the port.
type Conversation struct {
	Client           string    `json:"client,omitempty"` // asset id
	ClientIP         string    `json:"client_ip,omitempty"`
	ClientMAC        string    `json:"client_mac,omitempty"` // only without an IP
	Server           string    `json:"server,omitempty"`
	ServerIP         string    `json:"server_ip,omitempty"`
	ServerMAC        string    `json:"server_mac,omitempty"`
	Transport        string    `json:"transport"`
	Port             uint16    `json:"port,omitempty"` // the server's; of the transport "ethertype" it is the EtherType, which stands as ether_type in JSON
	Protocol         string    `json:"protocol,omitempty"`
	VLAN             uint16    `json:"vlan,omitempty"`
	Packets          uint64    `json:"packets"`
	Bytes            uint64    `json:"bytes"`
	Operations       []string  `json:"operations,omitempty"`
	Frequency        string    `json:"frequency,omitempty"`
	MedianIntervalMS int64     `json:"median_interval_ms,omitempty"`
	FirstSeen        time.Time `json:"first_seen"`
	LastSeen         time.Time `json:"last_seen"`
	External         bool      `json:"external"` // one end has a public address
}

// Survey is one run.
type Survey struct {
	ID         string         `json:"id"`   // "s-" and its number
	Kind       string         `json:"kind"` // survey, listen, read, ask, demo
	Site       string         `json:"site"`
	Segment    string         `json:"segment"`
	Operator   string         `json:"operator,omitempty"`
	Permission string         `json:"permission,omitempty"` // reference of the permission to ask
	Sensor     string         `json:"sensor"`               // interface or files
	Plug       PlugInPoint    `json:"plug_in_point"`
	Scope      []string       `json:"scope,omitempty"`
	Own        []string       `json:"own,omitempty"` // the sensor's own MACs and IPs: never assets of the plant
	Started    time.Time      `json:"started"`
	Ended      time.Time      `json:"ended,omitzero"`
	Outcome    string         `json:"outcome"`           // running, done, incomplete, interrupted, failed
	Reasons    []string       `json:"reasons,omitempty"` // why incomplete or failed
	Counts     map[string]int `json:"counts,omitempty"`  // frames, dropped, questions, answered, assets ...
	Troubles   []Trouble      `json:"troubles,omitempty"`
	Rhythms    []Rhythm       `json:"rhythms,omitempty"` // of the devices that were asked
	Version    string         `json:"version"`           // of walkdown
	Custody    Custody        `json:"custody,omitzero"`
}

// PlugInPoint is where the sensor was connected.
type PlugInPoint struct {
	Switch     string `json:"switch,omitempty"` // chassis id of the LLDP neighbour
	SwitchName string `json:"switch_name,omitempty"`
	Port       string `json:"port,omitempty"`
	GatewayMAC string `json:"gateway_mac,omitempty"`
	Address    string `json:"address,omitempty"` // our own, as a prefix
}

// Trouble is something that went wrong often enough to be counted instead of told each time.
type Trouble struct {
	Protocol string `json:"protocol"`
	Reason   string `json:"reason"`
	Count    int    `json:"count"`
	Example  string `json:"example,omitempty"`
}

// Change is a difference between two states of the inventory.
type Change struct {
	Time      time.Time `json:"time"`
	Survey    string    `json:"survey"`
	Asset     string    `json:"asset"`
	Kind      string    `json:"kind"` // appeared, vanished, changed, moved, merged, split, conversation, external
	Attribute string    `json:"attribute,omitempty"`
	Old       string    `json:"old,omitempty"`
	New       string    `json:"new,omitempty"`
	Via       string    `json:"via,omitempty"`
}

// LedgerEntry is one request that was sent.
type LedgerEntry struct {
	Time     time.Time `json:"time"`
	Survey   string    `json:"survey"`
	Target   string    `json:"target"`
	Protocol string    `json:"protocol"`
	Request  string    `json:"request"`
	Setup    bool      `json:"setup,omitempty"`
	Bytes    string    `json:"bytes"` // hex
	Outcome  string    `json:"outcome"`
	RTTMS    float64   `json:"rtt_ms,omitempty"`
	Note     string    `json:"note,omitempty"`
}

// Try is the last time that a device was put a question.
type Try struct {
	Time    time.Time
	Outcome discovery.Outcome
}

// Burden is what a survey sent to a device: every message, set-up and tear-down too. What goes to whole segments, such as the search
// for hosts, is not among it.
type Burden struct {
	Segment  string `json:"segment"`
	IP       string `json:"ip"`
	Messages int    `json:"messages"`
	// First is what the first survey that sent it anything sent to it.
	First       int    `json:"first"`
	FirstSurvey string `json:"first_survey"`
}

// Source gives the inventory in order, one thing at a time, so that 100,000 assets stream through an exporter. Each list ends
// with an error, if there is one.
type Source interface {
	// Assets come sorted by site, segment and first address.
	Assets(ctx context.Context) iter.Seq2[Asset, error]
	// Evidence of one asset, sorted by subject, key and time.
	Evidence(ctx context.Context, asset string) iter.Seq2[Evidence, error]
	// Conversations come sorted by server, client, transport and port.
	Conversations(ctx context.Context) iter.Seq2[Conversation, error]
	// Changes are what changed in surveys that ended at since or later, apart from those before the survey, the oldest first. The
	// zero time and the empty survey mean all.
	Changes(ctx context.Context, since time.Time, survey string) iter.Seq2[Change, error]
	// Surveys are the runs so far, the oldest first.
	Surveys(ctx context.Context) iter.Seq2[Survey, error]
	// Ledger is what was sent, in the order of time; of one survey, or of all when it is empty.
	Ledger(ctx context.Context, survey string) iter.Seq2[LedgerEntry, error]
}

// Collect gives a list of a source whole, up to its error.
func Collect[T any](list iter.Seq2[T, error]) ([]T, error) {
	var all []T
	for one, err := range list {
		if err != nil {
			return all, err
		}
		all = append(all, one)
	}
	return all, nil
}

// readAssets hands all assets over, one after the other.
func readAssets(ctx context.Context, from Source, add func(Asset)) error {
	for a, err := range from.Assets(ctx) {
		if err != nil {
			return fmt.Errorf("read assets: %w", err)
		}
		add(a)
	}
	return nil
}

// Identify makes identity facts of facts; the fingerprints' engine, handed in by cmd. For each "id." key the best comes first.
type Identify func([]discovery.Fact) []discovery.Fact
