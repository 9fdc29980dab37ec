package inventory

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
)

// Dependency is something outside of the site that an asset relies on or is reached by, or a way by which it can be reached.
type Dependency struct {
	ID      string `json:"external_id"` // "x-" and 12 hex digits, of asset and peer: stable
	Site    string `json:"site"`
	Asset   string `json:"asset"` // id
	Name    string `json:"name,omitempty"`
	Address string `json:"address,omitempty"`
	// Kind is "internet" (public addresses), "network" (private addresses in no network of the site), "name" (a name off site that it
	// looked up, without a conversation), "device" (it is a way in itself: a cellular router, a remote-access box) or "service" (it
	// listens for remote access).
	Kind string `json:"kind"`
	// Peer is who it is, as far as known: the product, else a name, else the address.
	Peer      string   `json:"peer"`
	Product   string   `json:"product,omitempty"`  // recognised for remote access: "TeamViewer"
	Operator  string   `json:"operator,omitempty"` // of the cloud that a name belongs to
	Names     []string `json:"names,omitempty"`
	Addresses []string `json:"addresses,omitempty"` // at most peerAddresses of them
	Others    int      `json:"others,omitempty"`    // how many more addresses, or peers, stand in this row
	Services  []string `json:"services,omitempty"`  // "tcp/443 tls"
	// Direction is "out" (the asset opens the conversation), "in", "both", or "listens".
	Direction        string    `json:"direction"`
	Operations       []string  `json:"operations,omitempty"`
	Frequency        string    `json:"frequency,omitempty"` // the most regular
	MedianIntervalMS int64     `json:"median_interval_ms,omitempty"`
	Packets          uint64    `json:"packets,omitempty"`
	Bytes            uint64    `json:"bytes,omitempty"`
	FirstSeen        time.Time `json:"first_seen,omitzero"`
	LastSeen         time.Time `json:"last_seen,omitzero"`
	Evidence         []string  `json:"evidence,omitempty"` // in words: why it is taken for that
	// Annotations are what people said: partner, purpose, contract, contact, approved_by, approved_on, remarks.
	Annotations map[string]string `json:"annotations,omitempty"`
}

// AssetFact is a fact with the asset that it is about.
type AssetFact struct {
	Asset string
	Evidence
}

// FactSource is a Source that can give some facts of all assets at once, which is cheaper than asset by asset.
type FactSource interface {
	// Facts gives what was said under these keys, in the order of the inventory's rows.
	Facts(ctx context.Context, keys ...discovery.Key) iter.Seq2[AssetFact, error]
}

// AddressSource is a Source that knows all addresses, and can tell the conversations of some, which is cheaper where these are few.
type AddressSource interface {
	// Addresses are the IPs that were heard or told of, in no order; the same may come several times.
	Addresses(ctx context.Context) iter.Seq2[string, error]
	// ConversationsWith are those with one of these IPs at an end, in the order of Conversations.
	ConversationsWith(ctx context.Context, ips []string) iter.Seq2[Conversation, error]
}

// The facts that name who is outside. They are those of dns, tls and http.
const (
	keyLookedUp   discovery.Key = "dns.looked-up"
	keyServerName discovery.Key = "tls.server-name"
	keyCertSAN    discovery.Key = "tls.certificate-san"
	keyCertName   discovery.Key = "tls.certificate-subject"
	keyHTTPHost   discovery.Key = "http.host"
)

// nameKeys are the facts that name who is outside.
func nameKeys() []discovery.Key {
	return []discovery.Key{keyLookedUp, keyServerName, keyCertSAN, keyCertName, keyHTTPHost}
}

const (
	peersOf       = 256 // of one asset; who has more gets one row for the others
	peerAddresses = 16
	peerNames     = 8
	peerServices  = 16
)

// External is the register of external dependencies: every peer outside of the site's networks, what is reached by name, and the
// ways in that stand in the plant. A network is the site's when an asset in it has a MAC, was asked or is identified, or when a
// survey had its sensor or its scope there. It reads assets and conversations once, of these no more than it must, and the facts of
// names. Sorted by site, asset, kind and peer.
func External(ctx context.Context, from Source) ([]Dependency, error) {
	r, err := NewRegister(ctx, from)
	if err != nil {
		return nil, err
	}
	if err := readAssets(ctx, from, r.Add); err != nil {
		return nil, err
	}
	return r.Dependencies(ctx)
}

// NewRegister reads of the surveys which networks there are.
func NewRegister(ctx context.Context, from Source) (*Register, error) {
	known, err := knownNetworks(ctx, from)
	if err != nil {
		return nil, err
	}
	return &Register{
		from: from, known: known, recogniser: newRecogniser(), assets: map[string]*inside{}, home: map[netip.Prefix]bool{}, rows: map[rowKey]*row{},
		names: map[netip.Addr][]string{}, peers: map[string]int{},
	}, nil
}

// Dependencies reads the rest, and gives those of the assets that were added.
func (r *Register) Dependencies(ctx context.Context) ([]Dependency, error) {
	for f, err := range facts(ctx, r.from, r.talkers, nameKeys()) {
		if err != nil {
			return nil, fmt.Errorf("read the names of peers: %w", err)
		}
		r.fact(f)
	}
	for c, err := range r.conversations(ctx) {
		if err != nil {
			return nil, fmt.Errorf("read conversations: %w", err)
		}
		r.conversation(c)
	}
	notes, err := saidOf(ctx, r.from, prefixExternal)
	if err != nil {
		return nil, fmt.Errorf("read what was said of external dependencies: %w", err)
	}
	return r.list(notes), nil
}

// facts gives the facts under these keys, of the whole source if it can, else of the assets named.
func facts(ctx context.Context, from Source, assets []string, keys []discovery.Key) iter.Seq2[AssetFact, error] {
	if source, ok := from.(FactSource); ok {
		return source.Facts(ctx, keys...)
	}
	return func(yield func(AssetFact, error) bool) {
		for _, id := range assets {
			for e, err := range from.Evidence(ctx, id) {
				if err == nil && !slices.Contains(keys, e.Fact.Key) {
					continue
				}
				if !yield(AssetFact{id, e}, err) {
					return
				}
			}
		}
	}
}

// inside is what is kept of an asset.
type inside struct {
	site, name, address string
	network             netip.Prefix // of its first IP
	public              bool         // it has public addresses only
	known               bool         // it stands in the plant for sure
}

type rowKey struct{ asset, kind, peer string }

// row is a dependency that is being gathered.
type row struct {
	Dependency
	in, out bool
}

// Register is External for whoever reads the assets anyway, and hands them over.
type Register struct {
	recogniser
	from     Source
	known    []netip.Prefix
	assets   map[string]*inside
	order    []string
	talkers  []string // assets that may have facts of names
	home     map[netip.Prefix]bool
	rows     map[rowKey]*row
	names    map[netip.Addr][]string
	looked   []AssetFact
	peers    map[string]int // rows by asset
	standing []*row
}

// Add takes an asset in, in the order of the inventory.
func (r *Register) Add(a Asset) {
	if a.Role == "sensor" {
		return
	}
	in := &inside{site: a.Site, name: a.Name, address: firstIP(a), public: len(a.Addresses) > 0}
	in.known = a.Vendor != "" || a.Model != "" || a.Seen == SeenActive || a.Seen == SeenBoth
	for _, address := range a.Addresses {
		in.known = in.known || address.MAC != ""
		ip, err := netip.ParseAddr(address.IP)
		if err != nil {
			in.public = false
			continue
		}
		in.public = in.public && address.MAC == "" && IsPublic(ip)
		if !in.network.IsValid() {
			in.network = networkOf(ip, r.known)
		}
	}
	if in.known && in.network.IsValid() && !in.public {
		r.home[in.network] = true
	}
	r.assets[a.ID] = in
	r.order = append(r.order, a.ID)
	if slices.ContainsFunc(a.Protocols, func(p string) bool { return p == "dns" || p == "tls" || p == "http" }) || in.public {
		r.talkers = append(r.talkers, a.ID)
	}
	r.waysIn(a)
}

// waysIn tells of an asset that is a way in itself, and of the services by which it can be reached.
func (r *Register) waysIn(a Asset) {
	kind := cmp.Or(a.Type, a.ProposedType)
	product := ""
	for _, text := range append([]string{a.Vendor, a.Family, a.Model, a.Name}, a.Names...) {
		if product = r.byDevice(text); product != "" {
			break
		}
	}
	add := func(d Dependency) {
		d.Site, d.Asset, d.Name, d.Address, d.Direction = a.Site, a.ID, a.Name, firstIP(a), "listens"
		d.FirstSeen, d.LastSeen = a.FirstSeen, a.LastSeen
		r.standing = append(r.standing, &row{Dependency: d})
	}
	if kind == "cellular-router" || kind == "remote-access" || product != "" {
		peer := cmp.Or(product, strings.TrimSpace(a.Vendor+" "+a.Model), kind)
		why := "its type is " + kind
		if kind != "cellular-router" && kind != "remote-access" {
			why = "its maker or name is that of " + product
		}
		add(Dependency{Kind: "device", Peer: peer, Product: product, Evidence: []string{why}})
	}
	for _, s := range a.Services {
		where := fmt.Sprintf("%s/%d", s.Transport, s.Port)
		if product := r.byPort(where, s.Protocol); product != "" {
			where = strings.TrimSpace(where + " " + s.Protocol)
			add(Dependency{Kind: "service", Peer: product, Product: product, Services: []string{where}, Evidence: []string{"it listens on " + where}})
		}
	}
}

// fact keeps the names of an address outside, and the names that an asset looked up.
func (r *Register) fact(f AssetFact) {
	if f.Fact.Key == keyLookedUp {
		r.looked = append(r.looked, f)
		return
	}
	ip := f.Subject.IP.Unmap()
	if !ip.IsValid() {
		return
	}
	name := strings.ToLower(strings.TrimSuffix(f.Fact.Value, "."))
	if f.Fact.Key == keyCertName {
		if name = commonName(f.Fact.Value); name == "" {
			return
		}
	}
	if names := r.names[ip]; len(names) < peerNames && !slices.Contains(names, name) && name != "" {
		r.names[ip] = append(names, name)
	}
}

// commonName is the CN of a distinguished name in the form of RFC 2253.
func commonName(dn string) string {
	for part := range strings.SplitSeq(dn, ",") {
		if name, ok := strings.CutPrefix(strings.TrimSpace(part), "CN="); ok {
			return strings.ToLower(name)
		}
	}
	return ""
}

// isOutside reports whether an end of a conversation is outside of the site's networks, and the kind of it.
func (r *Register) isOutside(asset, ip string) (kind string, yes bool) {
	addr, err := netip.ParseAddr(ip)
	if err != nil || !isHost(addr) || addr.IsLinkLocalUnicast() || addr.IsLoopback() && asset == "" {
		return "", false
	}
	network := networkOf(addr, r.known)
	if IsPublic(addr) { // whoever's MAC stands beside it: it may be a router's
		return "internet", !r.isHome(network)
	}
	if in := r.assets[asset]; in != nil {
		return "network", !in.known && !r.isHome(network)
	}
	return "network", !r.isHome(network) && !isBroadcast(addr, r.known)
}

// conversations are all that have an end outside, and maybe others.
func (r *Register) conversations(ctx context.Context) iter.Seq2[Conversation, error] {
	source, ok := r.from.(AddressSource)
	if !ok {
		return r.from.Conversations(ctx)
	}
	return func(yield func(Conversation, error) bool) {
		var away []string
		for text, err := range source.Addresses(ctx) {
			if err != nil {
				yield(Conversation{}, err)
				return
			}
			if ip, err := netip.ParseAddr(text); err == nil && !r.isHome(networkOf(ip, r.known)) {
				away = append(away, text)
			}
		}
		if len(away) == 0 {
			return
		}
		for c, err := range source.ConversationsWith(ctx, away) {
			if !yield(c, err) {
				return
			}
		}
	}
}

func (r *Register) isHome(network netip.Prefix) bool {
	return r.home[network] || slices.ContainsFunc(r.known, func(p netip.Prefix) bool {
		return p.Contains(network.Addr()) && p.Bits() <= network.Bits()
	})
}

func (r *Register) conversation(c Conversation) {
	clientKind, clientOut := r.isOutside(c.Client, c.ClientIP)
	serverKind, serverOut := r.isOutside(c.Server, c.ServerIP)
	switch {
	case serverOut && !clientOut && r.assets[c.Client] != nil:
		r.talk(c.Client, c.ServerIP, serverKind, true, c)
	case clientOut && !serverOut && r.assets[c.Server] != nil:
		r.talk(c.Server, c.ClientIP, clientKind, false, c)
	}
}

// talk adds a conversation to the row of its peer.
func (r *Register) talk(asset, ip, kind string, out bool, c Conversation) {
	addr, _ := netip.ParseAddr(ip) // isOutside has parsed it
	addr = addr.Unmap()
	names := r.names[addr]
	product, why := r.of(names, c.Where(), c.Protocol)
	operator := ""
	if len(names) > 0 {
		operator = r.cloud(names[0])
	}
	label := product
	if label == "" {
		label = addr.String()
		if len(names) > 0 {
			label = names[0]
		}
	}
	w := r.row(asset, kind, label)
	w.Product, w.Operator = cmp.Or(w.Product, product), cmp.Or(w.Operator, operator)
	if why != "" && !slices.Contains(w.Evidence, why) && len(w.Evidence) < peerNames {
		w.Evidence = append(w.Evidence, why)
	}
	for _, name := range names {
		if len(w.Names) < peerNames {
			w.Names = insert(w.Names, name)
		}
	}
	if text := addr.String(); !slices.Contains(w.Addresses, text) {
		if len(w.Addresses) < peerAddresses {
			w.Addresses = insert(w.Addresses, text)
		} else {
			w.Others++
		}
	}
	if service := strings.TrimSpace(c.Where() + " " + c.Protocol); len(w.Services) < peerServices {
		w.Services = insert(w.Services, service)
	}
	for _, op := range c.Operations {
		w.Operations = insert(w.Operations, op)
	}
	w.in, w.out = w.in || !out, w.out || out
	if rhythm(c.Frequency) > rhythm(w.Frequency) {
		w.Frequency = c.Frequency
	}
	if c.MedianIntervalMS > 0 && (w.MedianIntervalMS == 0 || c.MedianIntervalMS < w.MedianIntervalMS) {
		w.MedianIntervalMS = c.MedianIntervalMS
	}
	w.Packets += c.Packets
	w.Bytes += c.Bytes
	w.see(c.FirstSeen, c.LastSeen)
}

func (w *row) see(first, last time.Time) {
	seen := span{w.FirstSeen, w.LastSeen}
	seen.add(first, last)
	w.FirstSeen, w.LastSeen = seen.first, seen.last
}

// others is the peer of the row that holds what an asset has too many of.
const others = "others"

// row is the row of a peer of an asset.
func (r *Register) row(asset, kind, peer string) *row {
	key := rowKey{asset, kind, peer}
	if w := r.rows[key]; w != nil {
		return w
	}
	if r.peers[asset] >= peersOf {
		key.peer = others
		if w := r.rows[key]; w != nil {
			return w
		}
	}
	r.peers[asset]++
	in := r.assets[asset]
	w := &row{Dependency: Dependency{Site: in.site, Asset: asset, Name: in.name, Address: in.address, Kind: kind, Peer: key.peer}}
	r.rows[key] = w
	return w
}

// list adds what was looked up, and gives the rows in order.
func (r *Register) list(notes map[string]map[string]string) []Dependency {
	named := map[[2]string]*row{} // by asset and name or product
	for _, w := range r.rows {
		for _, name := range append(w.Names, w.Product) {
			named[[2]string{w.Asset, name}] = w
		}
	}
	for _, f := range r.looked {
		r.lookedUp(f, named)
	}
	out := make([]Dependency, 0, len(r.rows)+len(r.standing))
	for _, w := range r.rows {
		switch {
		case w.in && w.out:
			w.Direction = "both"
		case w.in:
			w.Direction = "in"
		default:
			w.Direction = "out"
		}
		out = append(out, w.Dependency)
	}
	for _, w := range r.standing {
		if !r.assets[w.Asset].public {
			out = append(out, w.Dependency)
		}
	}
	for i := range out {
		out[i].ID = shortID(prefixExternal, out[i].Asset, out[i].Kind, out[i].Peer)
		out[i].Annotations = notes[out[i].ID]
	}
	slices.SortFunc(out, func(a, b Dependency) int {
		return cmp.Or(cmp.Compare(a.Site, b.Site), compareIPs(a.Address, b.Address), cmp.Compare(a.Asset, b.Asset), cmp.Compare(a.Kind, b.Kind),
			cmp.Compare(a.Peer, b.Peer), slices.Compare(a.Services, b.Services))
	})
	return slices.CompactFunc(out, func(a, b Dependency) bool { return a.ID == b.ID })
}

func compareIPs(a, b string) int {
	return compareAddresses(Address{IP: a}, Address{IP: b})
}

// lookedUp adds a name that an asset looked up, unless a conversation shows whom it meant.
func (r *Register) lookedUp(f AssetFact, named map[[2]string]*row) {
	in := r.assets[f.Asset]
	if in == nil || in.public {
		return
	}
	name := strings.ToLower(strings.TrimSuffix(f.Fact.Value, "."))
	product, why := r.byName(name), ""
	if product != "" {
		why = "it looked up " + name
	}
	for _, by := range []string{name, product} {
		if w := named[[2]string{f.Asset, by}]; by != "" && w != nil {
			w.Names = insert(w.Names, name)
			return
		}
	}
	w := r.row(f.Asset, "name", cmp.Or(product, name))
	w.Product, w.Operator = product, cmp.Or(w.Operator, r.cloud(name))
	w.Names = insert(w.Names, name)
	if why != "" && !slices.Contains(w.Evidence, why) {
		w.Evidence = append(w.Evidence, why)
	}
	w.out = true
	w.see(f.First, f.Last)
}
