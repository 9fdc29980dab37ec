package opcua

import (
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
)

// service is a request or response: the number of its binary encoding in the standard's namespace (OPC 10000-6 annex A,
// NodeIds.csv).
type service uint32

const (
	serviceFault              service = 397
	findServersRequest        service = 422
	findServersResponse       service = 425
	getEndpointsRequest       service = 428
	getEndpointsResponse      service = 431
	openChannelResponse       service = 449
	createSessionRequest      service = 461
	createSessionResponse     service = 464
	activateSessionResponse   service = 470
	closeSessionResponse      service = 476
	addNodesRequest           service = 488
	addReferencesRequest      service = 494
	deleteNodesRequest        service = 500
	deleteReferencesRequest   service = 506
	browseRequest             service = 527
	browseResponse            service = 530
	browseNextRequest         service = 533
	translatePathsRequest     service = 554
	registerNodesRequest      service = 560
	queryFirstRequest         service = 615
	queryNextRequest          service = 621
	readRequest               service = 631
	readResponse              service = 634
	historyReadRequest        service = 664
	writeRequest              service = 673
	historyUpdateRequest      service = 700
	callRequest               service = 712
	createItemsRequest        service = 751
	createSubscriptionRequest service = 787
	publishRequest            service = 826
	republishRequest          service = 832
	findOnNetworkRequest      service = 12208
	findOnNetworkResponse     service = 12209
)

// The structures that are read inside a value.
const (
	buildInfoStructure    = 340
	serverStatusStructure = 864
)

// Bounds on what one message may tell; what is more is passed over.
const (
	maxServers    = 64 // of an answer to FindServers
	maxEndpoints  = 64
	maxTokens     = 16 // ways to log in at an endpoint
	maxURLs       = 16 // where a server can be found
	maxNamespaces = 64
)

// toResponse is how much the number of a response is above that of its request.
const toResponse = 3

// operation is what a request does to the server, or what its response says was done; 0 for those that only set up or tear down.
func (s service) operation() discovery.Operations {
	if s == findOnNetworkResponse { // a later one, numbered otherwise
		return discovery.OpRead
	}
	return s.requested() | (s - min(s, toResponse)).requested()
}

func (s service) requested() discovery.Operations {
	switch s {
	case findServersRequest, findOnNetworkRequest, getEndpointsRequest, browseRequest, browseNextRequest, translatePathsRequest,
		registerNodesRequest, queryFirstRequest, queryNextRequest, readRequest, historyReadRequest, createItemsRequest,
		createSubscriptionRequest, publishRequest, republishRequest:
		return discovery.OpRead
	case writeRequest, historyUpdateRequest, addNodesRequest, addReferencesRequest, deleteNodesRequest, deleteReferencesRequest:
		return discovery.OpWrite
	case callRequest:
		return discovery.OpControl
	}
	return 0
}

// requestHeader passes the header of a request over (OPC 10000-4 clause 7.32).
func (r *reader) requestHeader() {
	r.nodeID() // authentication token
	r.Skip(16) // time, handle, which diagnostics to return
	r.bytes()  // audit entry
	r.Skip(4)  // time-out
	r.extension()
}

// responseHeader reads the result of a service (OPC 10000-4 clause 7.33).
func (r *reader) responseHeader() (result uint32) {
	r.Skip(12) // time, handle
	result = r.Uint32LE()
	r.skipDiagnostic()
	r.skipStrings()
	r.extension()
	return result
}

// application is an ApplicationDescription (OPC 10000-4 clause 7.2).
type application struct {
	uri, productURI, name string
	kind                  applicationType
	gateway               string
	urls                  []string
}

type applicationType int32

const discoveryServer applicationType = 3

// String is the name of the type in the standard, "" for one that it does not have.
func (t applicationType) String() string {
	switch t {
	case 0:
		return "Server"
	case 1:
		return "Client"
	case 2:
		return "ClientAndServer"
	case discoveryServer:
		return "DiscoveryServer"
	}
	return ""
}

func (r *reader) application() application {
	a := application{uri: r.string(), productURI: r.string(), name: string(r.localizedText())}
	a.kind = applicationType(r.int32())
	a.gateway = r.string()
	r.bytes() // discovery profile
	a.urls = r.strings(maxURLs)
	return a
}

// findServers reads the body of a FindServersResponse (OPC 10000-4 clause 5.5.2). What was read before an error is given too.
func (r *reader) findServers() ([]application, error) {
	var out []application
	if isBad(r.responseHeader()) {
		return nil, r.problem("find-servers answer")
	}
	for range r.count(1) {
		a := r.application()
		if r.Err() != nil {
			break
		}
		if len(out) < maxServers {
			out = append(out, a)
		}
	}
	return out, r.problem("find-servers answer")
}

// findOnNetwork reads the body of a FindServersOnNetworkResponse (OPC 10000-4 clause 5.5.3): names and URLs, as another server
// heard them announced.
func (r *reader) findOnNetwork() ([]application, error) {
	var out []application
	if isBad(r.responseHeader()) {
		return nil, r.problem("find-servers-on-network answer")
	}
	r.Skip(8) // when the counters were last reset
	for range r.count(1) {
		r.Skip(4) // record
		a := application{name: r.string(), kind: -1, urls: []string{r.string()}}
		r.skipStrings() // capabilities
		if r.Err() != nil {
			break
		}
		if len(out) < maxServers {
			out = append(out, a)
		}
	}
	return out, r.problem("find-servers-on-network answer")
}

// endpoint is an EndpointDescription (OPC 10000-4 clause 7.14).
type endpoint struct {
	url         string
	server      application
	certificate []byte // a view into the input
	mode        securityMode
	policy      string
	tokens      []token
	transport   string
}

// token is a UserTokenPolicy: a way to log in (OPC 10000-4 clause 7.42).
type token struct {
	policy string
	kind   tokenType
}

type securityMode int32

const modeNone securityMode = 1

// String is the name of the mode in the standard, "" for one that it does not have.
func (m securityMode) String() string {
	switch m {
	case modeNone:
		return "None"
	case 2:
		return "Sign"
	case 3:
		return "SignAndEncrypt"
	}
	return ""
}

type tokenType int32

const anonymous tokenType = 0

// String is the name of the type in the standard, "" for one that it does not have.
func (t tokenType) String() string {
	switch t {
	case anonymous:
		return "Anonymous"
	case 1:
		return "UserName"
	case 2:
		return "Certificate"
	case 3:
		return "IssuedToken"
	}
	return ""
}

func (r *reader) endpoint() endpoint {
	e := endpoint{url: r.string(), server: r.application(), certificate: r.bytes()}
	e.mode = securityMode(r.int32())
	e.policy = r.string()
	for range r.count(4) {
		t := token{policy: r.string(), kind: tokenType(r.int32())}
		r.bytes() // type of an issued token
		r.bytes() // who issues it
		r.bytes() // its security policy
		if r.Err() != nil {
			break
		}
		if len(e.tokens) < maxTokens {
			e.tokens = append(e.tokens, t)
		}
	}
	e.transport = r.string()
	r.Skip(1) // security level
	return e
}

func (r *reader) endpoints(what string) ([]endpoint, error) {
	var out []endpoint
	for range r.count(1) {
		e := r.endpoint()
		if r.Err() != nil {
			break
		}
		if len(out) < maxEndpoints {
			out = append(out, e)
		}
	}
	return out, r.problem(what)
}

// getEndpoints reads the body of a GetEndpointsResponse (OPC 10000-4 clause 5.5.4).
func (r *reader) getEndpoints() ([]endpoint, error) {
	if isBad(r.responseHeader()) {
		return nil, r.problem("get-endpoints answer")
	}
	return r.endpoints("get-endpoints answer")
}

// createSession reads the client's description in a CreateSessionRequest (OPC 10000-4 clause 5.7.2).
func (r *reader) createSession() (application, error) {
	r.requestHeader()
	a := r.application()
	return a, r.problem("create-session request")
}

// session is what a CreateSessionResponse tells (OPC 10000-4 clause 5.7.2).
type session struct {
	result      uint32
	token       []byte // the authentication token, a NodeId as encoded; a view into the input
	certificate []byte // a view into the input
	endpoints   []endpoint
}

func (r *reader) createdSession() (session, error) {
	s := session{result: r.responseHeader()}
	if isBad(s.result) {
		return s, r.problem("create-session answer")
	}
	r.nodeID() // session id
	s.token = r.encodedNodeID()
	r.Skip(8) // revised time-out
	r.bytes() // nonce
	s.certificate = r.bytes()
	var err error
	s.endpoints, err = r.endpoints("create-session answer")
	return s, err
}

// channelToken reads the body of an OpenSecureChannelResponse (OPC 10000-4 clause 5.6.2).
func (r *reader) channelToken() (channel, token uint32, err error) {
	result := r.responseHeader()
	if isBad(result) {
		return 0, 0, statusError(result)
	}
	r.Skip(4) // protocol version
	channel, token = r.Uint32LE(), r.Uint32LE()
	return channel, token, r.problem("open-channel answer")
}

// buildInfo is a BuildInfo (OPC 10000-5 clause 12.4).
type buildInfo struct {
	productURI, manufacturer, product, version, number string
	date                                               time.Time
}

func (r *reader) buildInfo() buildInfo {
	return buildInfo{r.string(), r.string(), r.string(), r.string(), r.string(), r.time()}
}
