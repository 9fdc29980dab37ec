package notify

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"

	"github.com/walkdown-ot/walkdown/inventory"
)

// Webhook is a collector that takes JSON by POST.
type Webhook struct {
	url     *url.URL
	token   string
	version string
	client  *http.Client
}

// NewWebhook is the collector at an HTTPS address; plain HTTP is for this machine only. The token, where there is one, is sent as
// a bearer token (RFC 6750 section 2.1).
func NewWebhook(address, token, version string) (*Webhook, error) {
	u, err := url.Parse(address)
	if err != nil || u.Hostname() == "" || u.User != nil || u.Scheme != "https" && u.Scheme != "http" {
		return nil, fmt.Errorf("%q is not https://HOST/PATH", address)
	}
	if u.Scheme == "http" && !isLoopback(u.Hostname()) {
		return nil, fmt.Errorf("%q is not encrypted: use https", address)
	}
	return &Webhook{
		url: u, token: token, version: version,
		client: &http.Client{
			Timeout: sendWithin,
			// Neither a proxy nor a redirect leads to a host that nobody named.
			Transport:     &http.Transport{},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}, nil
}

func isLoopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

// Key is the address without what may be a secret in its query.
func (w *Webhook) Key() string {
	return "webhook " + (&url.URL{Scheme: w.url.Scheme, Host: w.url.Host, Path: w.url.Path}).String()
}

// document is what is posted.
type document struct {
	Program string            `json:"program"`
	Version string            `json:"version"`
	Changes []inventory.Event `json:"changes"`
}

// Send posts the events as one document. They count as told when the answer is a 2xx.
func (w *Webhook) Send(ctx context.Context, events []inventory.Event) (int, error) {
	body, err := json.Marshal(document{"walkdown", w.version, events})
	if err != nil {
		return 0, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, w.url.String(), bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("User-Agent", "walkdown/"+w.version)
	if w.token != "" {
		request.Header.Set("Authorization", "Bearer "+w.token)
	}
	answer, err := w.client.Do(request)
	if err != nil {
		return 0, fmt.Errorf("post: %w", withoutURL(err))
	}
	defer answer.Body.Close() //nolint:errcheck // it was only read
	_, _ = io.Copy(io.Discard, io.LimitReader(answer.Body, 64<<10))
	if answer.StatusCode < 200 || answer.StatusCode > 299 {
		return 0, fmt.Errorf("the answer is %s", answer.Status)
	}
	return len(events), nil
}

// withoutURL is the error without the address, whose query may hold a secret.
func withoutURL(err error) error {
	if e, ok := err.(*url.Error); ok { //nolint:errorlint // Do returns just this
		return e.Err
	}
	return err
}
