package opcua

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/gopcua/opcua/ua"

	"github.com/walkdown-ot/walkdown/discovery"
)

func asker() *discovery.Asker {
	return &discovery.Asker{
		Transport: discovery.TCP,
		Port:      defaultPort,
		Requests:  requests(),
		Message:   message,
		Ask:       ask,
	}
}

// ask puts the questions over one connection: find-servers, of a discovery server find-servers-on-network, get-endpoints, and, where an
// endpoint needs neither security nor a login, read-build-info in a session of its own, and there, of a server with the namespace of
// DI, the nameplates of its devices (browse-devices, browse-nameplates, read-nameplates). On a controller and where nothing is known,
// the session needs an opt-in. What is known already is not asked. A server that refuses a question or the session is no error; what
// it told stays. URLs that point elsewhere are told and not followed.
func ask(ctx context.Context, s discovery.Session, t discovery.Target) error {
	wantServers, wantEndpoints, wantBuild := wanted(s)
	wantBuild = wantBuild && s.Allowed(requestReadBuildInfo) && s.Allowed(requestCreateSession)
	if !wantServers && !wantEndpoints && !wantBuild {
		return nil
	}
	conn, err := s.Dial(ctx)
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	defer func() { _ = conn.Close() }()
	at := netip.AddrPortFrom(t.Subject.IP.WithZone(""), cmp.Or(t.Port, defaultPort))
	c := newChannel(conn, "opc.tcp://"+at.String())
	defer c.watch(ctx)()
	if err := c.open(ctx); err != nil {
		return err
	}
	defer c.close(ctx)
	return c.questions(ctx, wantServers, wantEndpoints || wantBuild, wantBuild)
}

// wanted says which questions are still open.
func wanted(s discovery.Session) (servers, endpoints, build bool) {
	known := func(keys ...discovery.Key) bool {
		for _, key := range keys {
			if _, ok := s.Known(key); !ok {
				return false
			}
		}
		return true
	}
	return !known(keyApplicationURI, keyDiscoveryURL), !known(keyApplicationURI, keyEndpoint),
		!known(keyProductName, keyManufacturerName, keySoftwareVersion)
}

func (c *channel) questions(ctx context.Context, servers, endpoints, build bool) error {
	if servers {
		if err := unlessRefused(c.servers(ctx)); err != nil {
			return err
		}
	}
	if !endpoints {
		return nil
	}
	r, err := c.request(ctx, requestGetEndpoints, &ua.GetEndpointsRequest{EndpointURL: c.url}, getEndpointsResponse)
	if err != nil {
		return unlessRefused(err)
	}
	offered, err := r.getEndpoints()
	if err != nil {
		return fmt.Errorf("%s: %w: %w", requestGetEndpoints, discovery.ErrNotUnderstood, err)
	}
	policy, ok := openToAll(offered)
	if !build || !ok {
		return nil
	}
	return unlessRefused(c.buildInfo(ctx, policy))
}

// servers asks for the servers that are known there, and a discovery server for those that it has heard on the network.
func (c *channel) servers(ctx context.Context) error {
	r, err := c.request(ctx, requestFindServers, &ua.FindServersRequest{EndpointURL: c.url}, findServersResponse)
	if err != nil {
		return err
	}
	listed, _ := r.findServers() // a damage is the decoder's to tell
	if !slices.ContainsFunc(listed, func(a application) bool { return a.kind == discoveryServer }) {
		return nil
	}
	_, err = c.request(ctx, requestFindOnNetwork, &ua.FindServersOnNetworkRequest{MaxRecordsToReturn: maxAskedServers}, findOnNetworkResponse)
	return err
}

// openToAll gives the anonymous login of the first endpoint without security, if there is one.
func openToAll(offered []endpoint) (policy string, ok bool) {
	for _, e := range offered {
		if e.mode != modeNone || e.policy != policyNone || e.transport != "" && e.transport != transportTCP {
			continue
		}
		for _, t := range e.tokens {
			if t.kind == anonymous && len(t.policy) <= maxPolicyID {
				return t.policy, true
			}
		}
	}
	return "", false
}

// maxPolicyID is the longest name of a login that the templates let pass: what a device says does not lengthen what is sent.
const maxPolicyID = 256

// buildInfo opens a session, reads the build information and closes the session, whatever came of it.
func (c *channel) buildInfo(ctx context.Context, policy string) (err error) {
	nonce := make([]byte, nonceSize)
	_, _ = rand.Read(nonce) // never fails
	r, err := c.request(ctx, requestCreateSession, &ua.CreateSessionRequest{
		ClientDescription: clientDescription(), EndpointURL: c.url, SessionName: clientName, ClientNonce: nonce,
		RequestedSessionTimeout: float64(sessionLife / time.Millisecond), MaxResponseMessageSize: maxMessage,
	}, createSessionResponse)
	if err != nil {
		return err
	}
	created, err := r.createdSession()
	if err != nil {
		return fmt.Errorf("%s: %w: %w", requestCreateSession, discovery.ErrNotUnderstood, err)
	}
	if err := c.use(created.token); err != nil {
		return fmt.Errorf("%s: %w", requestCreateSession, err)
	}
	defer func() {
		closing := c.closeSession(ctx)
		if err == nil {
			err = closing
		}
	}()
	if _, err := c.request(ctx, requestActivateSession, &ua.ActivateSessionRequest{
		ClientSignature: &ua.SignatureData{}, UserTokenSignature: &ua.SignatureData{},
		UserIdentityToken: ua.NewExtensionObject(&ua.AnonymousIdentityToken{PolicyID: policy}),
	}, activateSessionResponse); err != nil {
		return err
	}
	r, err = c.request(ctx, requestReadBuildInfo, &ua.ReadRequest{
		TimestampsToReturn: ua.TimestampsToReturnNeither, NodesToRead: buildInfoNodes(),
	}, readResponse)
	if err != nil {
		return err
	}
	return c.nameplates(ctx, r.namespaces())
}

// statusError is a StatusCode that says failure: the server understood and refused.
type statusError uint32

func (e statusError) Error() string {
	return fmt.Sprintf("the server refused: status 0x%08x", uint32(e))
}

// unlessRefused drops the refusal of a question: what was learnt before stays, and the next question may be put.
func unlessRefused(err error) error {
	var refused statusError
	if errors.As(err, &refused) {
		return nil
	}
	return err
}
