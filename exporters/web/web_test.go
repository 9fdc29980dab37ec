package web_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"iter"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/walkdown-ot/walkdown/exporters"
	"github.com/walkdown-ot/walkdown/exporters/exporterstest"
	"github.com/walkdown-ot/walkdown/exporters/web"
	"github.com/walkdown-ot/walkdown/inventory"
)

// store is an inventory in memory that can be asked for one asset.
type store struct{ *exporterstest.Inventory }

func (s store) Asset(_ context.Context, id string) (inventory.Asset, error) {
	for _, a := range s.Things {
		if a.ID == id {
			return a, nil
		}
	}
	return inventory.Asset{}, errors.New("there is no such asset")
}

func (s store) ConversationsOf(ctx context.Context, asset string) iter.Seq2[inventory.Conversation, error] {
	return only(s.Conversations(ctx), func(c inventory.Conversation) bool { return c.Client == asset || c.Server == asset })
}

func (s store) ChangesOf(ctx context.Context, asset string) iter.Seq2[inventory.Change, error] {
	return only(s.Changes(ctx, time.Time{}, ""), func(c inventory.Change) bool { return c.Asset == asset })
}

func only[T any](list iter.Seq2[T, error], keep func(T) bool) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for one, err := range list {
			if (err != nil || keep(one)) && !yield(one, err) {
				return
			}
		}
	}
}

func serve(t *testing.T, from web.Store, o web.Options) *httptest.Server {
	t.Helper()
	if o.Hosts == nil && o.Token == "" {
		o.Hosts = []string{"127.0.0.1"}
	}
	server := httptest.NewServer(web.New(t.Context(), from, o))
	t.Cleanup(server.Close)
	return server
}

type answer struct {
	status int
	header http.Header
	body   string
}

func do(t *testing.T, client *http.Client, method, url, body string, header map[string]string) answer {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for key, value := range header {
		if key == "Host" {
			r.Host = value
		}
		r.Header.Set(key, value)
	}
	resp, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close() //nolint:errcheck // it was read
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{resp.StatusCode, resp.Header, string(text)}
}

func get(t *testing.T, url string) answer {
	t.Helper()
	return do(t, http.DefaultClient, http.MethodGet, url, "", nil)
}

func TestListsArePagedSearchedAndSorted(t *testing.T) {
	from := exporterstest.Full()
	from.Things[3].Level = "3" // which gets a zone of its own
	server := serve(t, store{from}, web.Options{})
	for !strings.Contains(get(t, server.URL+"/api/summary").body, `"surveys":[`) { // the zones come last
		time.Sleep(time.Millisecond)
	}
	for _, c := range []struct {
		query string
		total int
		first string // name of the first asset
	}{
		{"", 7, "press-3-cpu"},
		{"?limit=1&offset=6", 7, ""},
		{"?offset=100", 7, ""},
		{"?q=TP1200", 1, "press-3-panel"},
		{"?q=siemens+1511", 2, "press-3-cpu"},
		{"?q=28:63:36:aa:bb:cc", 1, "press-3-cpu"},
		{"?q=feeder+Operations", 1, "feeder 7"}, // its zone
		{"?q=nothing-of-the-kind", 0, ""},
		{"?vendor=Schneider+Electric", 2, ""},
		{"?type=power-meter", 1, "feeder 7"},
		{"?sort=name&down=true&limit=2", 7, "press-3-panel"},
		{"?sort=serial&limit=1", 7, "feeder 7"},
	} {
		t.Run(c.query, func(t *testing.T) {
			var got struct {
				Total int               `json:"total"`
				Rows  []inventory.Asset `json:"rows"`
			}
			if err := json.Unmarshal([]byte(get(t, server.URL+"/api/assets"+c.query).body), &got); err != nil {
				t.Fatal(err)
			}
			if got.Total != c.total {
				t.Errorf("total %d, want %d", got.Total, c.total)
			}
			if c.first != "" && (len(got.Rows) == 0 || got.Rows[0].Name != c.first) {
				t.Errorf("rows begin with %+v, want %s", got.Rows, c.first)
			}
		})
	}
}

func TestEveryListAnswers(t *testing.T) {
	full := store{exporterstest.Full()}
	server := serve(t, full, web.Options{Formats: exporters.All(), Export: func(ctx context.Context, f exporters.Format, to io.Writer) error {
		return f.Export(ctx, full, to, exporters.Options{What: "assets"})
	}})
	for _, path := range []string{
		"summary", "graph", "list/conversations", "list/conversations?q=modbus", "list/changes", "list/sent", "list/zones", "list/conduits", "list/external",
		"list/coverage", "list/gaps", "asset?id=a-0000000000000001",
	} {
		got := get(t, server.URL+"/api/"+path)
		if got.status != http.StatusOK || !json.Valid([]byte(got.body)) || len(got.body) < 20 {
			t.Errorf("%s: %d %.200s", path, got.status, got.body)
		}
	}
	if got := get(t, server.URL+"/api/asset?id=a-none"); got.status != http.StatusNotFound {
		t.Errorf("an asset that is not there: %d", got.status)
	}
	if got := get(t, server.URL+"/api/asset?id=a-0000000000000001"); !strings.Contains(got.body, "press-3-panel") || !strings.Contains(got.body, `"evidence":[{`) {
		t.Errorf("the asset lacks its partners' names or its evidence: %s", got.body)
	}
	if got := get(t, server.URL+"/export/csv"); !strings.Contains(got.body, "press-3-cpu") || !strings.Contains(got.header.Get("Content-Disposition"), "walkdown.csv") {
		t.Errorf("export: %d %v", got.status, got.header)
	}
	if got := get(t, server.URL+"/export/none"); got.status != http.StatusNotFound {
		t.Errorf("a format that is not there: %d", got.status)
	}
}

func TestWhoMayComeIn(t *testing.T) {
	open := serve(t, store{exporterstest.Full()}, web.Options{})
	if got := do(t, http.DefaultClient, http.MethodGet, open.URL+"/api/summary", "", map[string]string{"Host": "evil.example"}); got.status != http.StatusMisdirectedRequest {
		t.Errorf("another name than ours: %d", got.status)
	}
	if got := get(t, open.URL+"/"); got.status != http.StatusOK || !strings.Contains(got.header.Get("Content-Security-Policy"), "script-src 'self'") || strings.Contains(got.body, "<script>") {
		t.Errorf("page: %d, policy %q", got.status, got.header.Get("Content-Security-Policy"))
	}

	closed := serve(t, store{exporterstest.Full()}, web.Options{Token: "secret"})
	if got := get(t, closed.URL+"/api/summary"); got.status != http.StatusUnauthorized {
		t.Errorf("without the token: %d", got.status)
	}
	if got := get(t, closed.URL+"/?token=wrong"); got.status != http.StatusUnauthorized {
		t.Errorf("with another token: %d", got.status)
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	in := do(t, client, http.MethodGet, closed.URL+"/?token=secret", "", nil)
	if in.status != http.StatusSeeOther || in.header.Get("Location") != "/" || !strings.Contains(in.header.Get("Set-Cookie"), "HttpOnly") || !strings.Contains(in.header.Get("Set-Cookie"), "SameSite=Strict") {
		t.Errorf("with the token: %d %v", in.status, in.header)
	}
	cookie, _, _ := strings.Cut(in.header.Get("Set-Cookie"), ";")
	if got := do(t, client, http.MethodGet, closed.URL+"/api/summary", "", map[string]string{"Cookie": cookie}); got.status != http.StatusOK {
		t.Errorf("with the cookie: %d", got.status)
	}
}

func TestChangesComeFromThePage(t *testing.T) {
	var kept []string
	annotate := func(_ context.Context, asset, field, value string) error {
		if field == "bad" {
			return errors.New("no such value")
		}
		kept = append(kept, asset+" "+field+" "+value)
		return nil
	}
	server := serve(t, store{exporterstest.Full()}, web.Options{Annotate: annotate})
	_, after, _ := strings.Cut(get(t, server.URL+"/").body, `name="token" content="`)
	token, _, _ := strings.Cut(after, `"`)
	post := func(body, token, kind string) int {
		return do(t, http.DefaultClient, http.MethodPost, server.URL+"/api/annotate", body, map[string]string{"X-Walkdown-Token": token, "Content-Type": kind}).status
	}
	const change = `{"asset":"a-1","field":"owner","value":"maintenance"}`
	for _, c := range []struct {
		name, body, token, kind string
		want                    int
	}{
		{"without_the_token", change, "", "application/json", http.StatusForbidden},
		{"as_a_form", change, token, "text/plain", http.StatusForbidden},
		{"no_json", "{", token, "application/json", http.StatusBadRequest},
		{"without_an_asset", `{"field":"owner"}`, token, "application/json", http.StatusBadRequest},
		{"too_large", `{"value":"` + strings.Repeat("x", 1<<17) + `"}`, token, "application/json", http.StatusBadRequest},
		{"refused", `{"asset":"a-1","field":"bad"}`, token, "application/json", http.StatusConflict},
	} {
		if got := post(c.body, c.token, c.kind); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
	if len(kept) != 0 {
		t.Fatalf("kept %q", kept)
	}
	if got := post(change, token, "application/json"); got != http.StatusNoContent || len(kept) != 1 || kept[0] != "a-1 owner maintenance" {
		t.Errorf("%d, kept %q", got, kept)
	}

	reading := serve(t, store{exporterstest.Full()}, web.Options{})
	if got := do(t, http.DefaultClient, http.MethodPost, reading.URL+"/api/annotate", change, map[string]string{"Content-Type": "application/json"}); got.status != http.StatusForbidden {
		t.Errorf("a page for reading only: %d", got.status)
	}
}

func TestAChangeOfTheInventoryIsTold(t *testing.T) {
	full := exporterstest.Full()
	var stamp atomic.Value
	stamp.Store("one")
	server := serve(t, store{full}, web.Options{Stamp: func() string { return stamp.Load().(string) }, Annotate: func(context.Context, string, string, string) error { return nil }})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL+"/api/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close() //nolint:errcheck // it has no end
	var versions []string
	lines := bufio.NewScanner(resp.Body)
	for lines.Scan() && len(versions) < 2 {
		text, ok := strings.CutPrefix(lines.Text(), "data: ")
		if !ok {
			continue
		}
		var told struct{ Version string }
		if err := json.Unmarshal([]byte(text), &told); err != nil {
			t.Fatal(err)
		}
		if told.Version == "one assets" {
			continue // not all of it was read yet
		}
		versions = append(versions, told.Version)
		stamp.Store("two")
	}
	if len(versions) != 2 || versions[0] != "one" || versions[1] != "two" {
		t.Errorf("told %q (%v)", versions, lines.Err())
	}
}

func TestHostileNamesStayText(t *testing.T) {
	server := serve(t, store{exporterstest.Hostile()}, web.Options{})
	for _, path := range []string{"/", "/api/assets", "/api/graph", "/api/list/conversations", "/api/list/zones", "/api/asset?id=a-0000000000000001"} {
		got := get(t, server.URL+path)
		if got.status != http.StatusOK || strings.Contains(got.body, "<script>alert") || strings.Contains(got.body, "\u202e") {
			t.Errorf("%s: %d %.100s", path, got.status, got.body)
		}
	}
}

func BenchmarkSearch(b *testing.B) {
	s := web.New(b.Context(), large{Large: exporterstest.Large(100_000)}, web.Options{Hosts: []string{"127.0.0.1"}})
	for _, path := range []string{"/", "/api/summary", "/api/assets?limit=100", "/api/assets?q=device+99&limit=100", "/api/assets?sort=name&limit=100", "/api/graph"} {
		b.Run(path, func(b *testing.B) {
			for b.Loop() {
				w := httptest.NewRecorder()
				r := httptest.NewRequest(http.MethodGet, path, nil)
				r.Host = "127.0.0.1"
				if s.ServeHTTP(w, r); w.Code != http.StatusOK {
					b.Fatal(w.Code)
				}
			}
		})
	}
}

// large is an inventory of many assets; none is asked for by itself.
type large struct {
	exporterstest.Large
	web.Store
}

func (l large) Assets(ctx context.Context) iter.Seq2[inventory.Asset, error] {
	return l.Large.Assets(ctx)
}

func (l large) Conversations(ctx context.Context) iter.Seq2[inventory.Conversation, error] {
	return l.Large.Conversations(ctx)
}

func (l large) Evidence(ctx context.Context, asset string) iter.Seq2[inventory.Evidence, error] {
	return l.Large.Evidence(ctx, asset)
}

func (l large) Changes(ctx context.Context, since time.Time, survey string) iter.Seq2[inventory.Change, error] {
	return l.Large.Changes(ctx, since, survey)
}

func (l large) Surveys(ctx context.Context) iter.Seq2[inventory.Survey, error] {
	return l.Large.Surveys(ctx)
}

func (l large) Ledger(ctx context.Context, survey string) iter.Seq2[inventory.LedgerEntry, error] {
	return l.Large.Ledger(ctx, survey)
}
