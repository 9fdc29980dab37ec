package opcua

import (
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/wire/certificate"
)

// facts gathers what one message tells of one subject: each fact once, none empty.
type facts struct{ list []discovery.Fact }

// maxFacts bounds what one message may tell of one subject.
const maxFacts = 256

func (f *facts) add(key discovery.Key, value string) {
	fact := discovery.NewFact(key, value)
	if fact.Value == "" || len(f.list) == maxFacts {
		return
	}
	if !slices.ContainsFunc(f.list, func(g discovery.Fact) bool { return g.Key == key && g.Value == fact.Value }) {
		f.list = append(f.list, fact)
	}
}

func (f *facts) addTime(key discovery.Key, t time.Time) {
	if !t.IsZero() {
		f.add(key, t.Format(time.RFC3339))
	}
}

// application adds the description of a server.
func (f *facts) application(a application) {
	f.add(keyApplicationURI, a.uri)
	f.add(keyProductURI, a.productURI)
	f.add(keyApplicationName, a.name)
	if a.uri != "" { // the type of an absent description is 0, which is a server
		f.add(keyApplicationType, a.kind.String())
	}
	f.add(keyGatewayServerURI, a.gateway)
	for _, u := range a.urls {
		f.add(keyDiscoveryURL, u)
	}
}

// endpoint adds an endpoint: "opc.tcp://host:4840 | Basic256Sha256 | Sign | Anonymous, UserName".
func (f *facts) endpoint(e endpoint) {
	policy := policyName(e.policy)
	var tokens []string
	for _, t := range e.tokens {
		if name := t.kind.String(); name != "" && !slices.Contains(tokens, name) {
			tokens = append(tokens, name)
		}
	}
	f.add(keyEndpoint, strings.Join([]string{e.url, policy, e.mode.String(), strings.Join(tokens, ", ")}, " | "))
	f.add(keySecurityPolicy, policy)
}

// policyName is the short name of a security policy: what stands behind the "#" of its URI.
func policyName(uri string) string {
	if _, short, ok := strings.Cut(uri, "#"); ok {
		return short
	}
	return uri
}

// certificate adds what the application instance certificate of a server tells (OPC 10000-6 clause 6.2.2).
func (f *facts) certificate(c certificate.Certificate) {
	f.add(keyApplicationURI, applicationURI(c))
	f.add(keyCertificateSubject, c.Subject)
	f.addTime(keyCertificateNotAfter, c.NotAfter)
}

// applicationURI is the one URI among the alternative names.
func applicationURI(c certificate.Certificate) string {
	if len(c.URIs) == 0 {
		return ""
	}
	return c.URIs[0]
}

// client adds what a client says of itself.
func (f *facts) client(a application) {
	f.add(keyClientApplicationURI, a.uri)
	f.add(keyClientProductURI, a.productURI)
	f.add(keyClientApplicationName, a.name)
}

func (f *facts) buildInfo(b buildInfo) {
	f.add(keyProductName, b.product)
	f.add(keyBuildProductURI, b.productURI)
	f.add(keyManufacturerName, b.manufacturer)
	f.add(keySoftwareVersion, b.version)
	f.add(keyBuildNumber, b.number)
	f.addTime(keyBuildDate, b.date)
}

// The nodes whose values are facts (OPC 10000-5 annex A; NodeIds.csv), in the standard's namespace.
const (
	nodeServerArray      = 2254
	nodeNamespaceArray   = 2255
	nodeServerStatus     = 2256
	nodeBuildInfo        = 2260
	nodeProductName      = 2261
	nodeProductURI       = 2262
	nodeManufacturerName = 2263
	nodeSoftwareVersion  = 2264
	nodeBuildNumber      = 2265
	nodeBuildDate        = 2266
)

// telling reports whether the value of a node is a fact.
func telling(node uint32) bool {
	return node >= nodeServerArray && node <= nodeServerStatus || node >= nodeBuildInfo && node <= nodeBuildDate
}

// value adds the value of a node.
func (f *facts) value(node uint32, v variant) {
	switch node {
	case nodeServerArray: // the server itself stands first (OPC 10000-5 clause 6.3.1)
		f.add(keyApplicationURI, v.text())
	case nodeNamespaceArray:
		for _, uri := range v.texts {
			f.add(keyNamespace, uri)
		}
	case nodeServerStatus, nodeBuildInfo:
		r := newReader(v.body)
		switch v.typeID {
		case serverStatusStructure:
			r.Skip(8 + 8 + 4) // start, current time, state (OPC 10000-5 clause 12.10)
		case buildInfoStructure:
		default:
			return
		}
		if b := r.buildInfo(); r.Err() == nil {
			f.buildInfo(b)
		}
	case nodeProductName:
		f.add(keyProductName, v.text())
	case nodeProductURI:
		f.add(keyBuildProductURI, v.text())
	case nodeManufacturerName:
		f.add(keyManufacturerName, v.text())
	case nodeSoftwareVersion:
		f.add(keySoftwareVersion, v.text())
	case nodeBuildNumber:
		f.add(keyBuildNumber, v.text())
	case nodeBuildDate:
		f.addTime(keyBuildDate, v.time)
	}
}

// itself picks the server that answered out of those it listed, -1 when none is known to be: the one with the application URI
// that it is known under, the only one listed, the discovery server, or the one to be found at the address and port asked. A
// discovery server lists the servers that registered with it beside itself (OPC 10000-4 clause 5.5.2.1).
func itself(listed []application, own string, addr netip.Addr, port uint16) int {
	if own != "" {
		return slices.IndexFunc(listed, func(a application) bool { return a.uri == own })
	}
	if len(listed) == 1 {
		return 0
	}
	if i := slices.IndexFunc(listed, func(a application) bool { return a.kind == discoveryServer }); i >= 0 {
		return i
	}
	return slices.IndexFunc(listed, func(a application) bool {
		return slices.ContainsFunc(a.urls, func(u string) bool { return isAt(u, addr, port) })
	})
}

// isAt reports whether a URL names this very address and port. A host name is not looked up.
func isAt(text string, addr netip.Addr, port uint16) bool {
	u, err := url.Parse(text)
	if err != nil {
		return false
	}
	host, err := netip.ParseAddr(u.Hostname())
	return err == nil && host.Unmap() == addr.Unmap() && u.Port() == strconv.Itoa(int(port))
}
