// Package web serves an inventory as a live page: the report of exporters/html, whose data are asked for as they are looked at,
// with the progress of a running survey (server-sent events), the downloads of all formats, and a form for what people know.
//
// It listens and never dials. The page may run one script from one file and fetch from its own server (CSP Level 3). Requests
// must name a host that the server was told (against DNS rebinding); where a token is set, they must carry it, once as ?token= and
// then as a cookie; changes must carry a second token that only the page knows (against forgery across sites).
package web

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net"
	"net/http"
	"strings"

	"github.com/walkdown-ot/walkdown/exporters"
	"github.com/walkdown-ot/walkdown/exporters/clean"
	"github.com/walkdown-ot/walkdown/exporters/html"
	"github.com/walkdown-ot/walkdown/inventory"
)

// Store is the inventory that is served.
type Store interface {
	inventory.Source
	// Asset is the one asset that goes by an id.
	Asset(ctx context.Context, id string) (inventory.Asset, error)
	// ConversationsOf and ChangesOf are those of one asset.
	ConversationsOf(ctx context.Context, asset string) iter.Seq2[inventory.Conversation, error]
	ChangesOf(ctx context.Context, asset string) iter.Seq2[inventory.Change, error]
}

// Options are what a server is made of.
type Options struct {
	Title   string
	Version string // of walkdown
	// Formats are offered as downloads; Export writes one, several files as a zip archive.
	Formats []exporters.Format
	Export  func(ctx context.Context, format exporters.Format, to io.Writer) error
	// Token must be known by whoever asks; empty: anybody who reaches the server may, as on loopback.
	Token string
	// Hosts are the names and addresses that the server answers to, without port. Empty: any, where there is a Token.
	Hosts []string
	// Stamp changes whenever the inventory does.
	Stamp func() string
	// Annotate keeps what a person says of an asset; an empty value takes it back. Nil: the page is for reading only.
	Annotate func(ctx context.Context, asset, field, value string) error
}

// Server is the handler of the page.
type Server struct {
	store  Store
	o      Options
	secret string // the token that the page sends with changes
	index  keeper
	mux    *http.ServeMux
}

// New gives the server of an inventory, which it begins to read. The context ends its background work.
func New(ctx context.Context, store Store, o Options) *Server {
	s := &Server{store: store, o: o, secret: rand.Text(), mux: http.NewServeMux()}
	s.index.load = func(ctx context.Context, version string, publish func(*index)) error {
		return load(ctx, store, version, publish)
	}
	s.index.stamp = o.Stamp
	s.index.start(ctx)
	s.mux.HandleFunc("GET /{$}", s.page)
	s.mux.HandleFunc("GET /style.css", file("text/css; charset=utf-8", html.Style()))
	s.mux.HandleFunc("GET /app.js", file("text/javascript; charset=utf-8", html.Script("served")))
	s.mux.HandleFunc("GET /api/summary", s.with(s.summary))
	s.mux.HandleFunc("GET /api/assets", s.with(s.assets))
	s.mux.HandleFunc("GET /api/asset", s.with(s.asset))
	s.mux.HandleFunc("GET /api/graph", s.with(s.graph))
	s.mux.HandleFunc("GET /api/list/{name}", s.with(s.list))
	s.mux.HandleFunc("GET /api/events", s.events)
	s.mux.HandleFunc("POST /api/annotate", s.annotate)
	s.mux.HandleFunc("GET /export/{format}", s.export)
	return s
}

// ServeHTTP lets in who may come in.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
	if !s.knowsHost(r.Host) {
		http.Error(w, "this server does not go by that name", http.StatusMisdirectedRequest)
		return
	}
	if s.o.Token != "" && !s.admit(w, r) {
		return
	}
	s.mux.ServeHTTP(w, r)
}

func (s *Server) knowsHost(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.Trim(host, "[]")
	for _, known := range s.o.Hosts {
		if strings.EqualFold(host, known) {
			return true
		}
	}
	return len(s.o.Hosts) == 0 && s.o.Token != ""
}

// cookie holds the token of somebody who was let in.
const cookie = "walkdown"

// admit reports whether a request carries the token. With ?token= it gets a cookie, and an address without the token.
func (s *Server) admit(w http.ResponseWriter, r *http.Request) bool {
	if given := r.URL.Query().Get("token"); given != "" && same(given, s.o.Token) {
		http.SetCookie(w, &http.Cookie{Name: cookie, Value: s.o.Token, Path: "/", HttpOnly: true, Secure: r.TLS != nil, SameSite: http.SameSiteStrictMode})
		http.Redirect(w, r, r.URL.Path, http.StatusSeeOther)
		return false
	}
	if c, err := r.Cookie(cookie); err == nil && same(c.Value, s.o.Token) {
		return true
	}
	if bearer, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok && same(bearer, s.o.Token) {
		return true
	}
	http.Error(w, "open the address with ?token=… that walkdown serve printed", http.StatusUnauthorized)
	return false
}

func same(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

// with hands the newest state of the inventory to a handler.
func (s *Server) with(f func(x *index, w http.ResponseWriter, r *http.Request)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		x, err := s.index.current(r.Context())
		if err != nil {
			send(w, nil, err)
			return
		}
		f(x, w, r)
	}
}

func (s *Server) page(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	var page bytes.Buffer
	if err := html.Page(&page, s.o.Title, s.o.Version, s.secret, s.o.Annotate != nil); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Write(page.Bytes()) //nolint:errcheck // the browser went away
}

func file(kind string, content []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", kind)
		w.Write(content) //nolint:errcheck // the browser went away
	}
}

// maxChange is the largest body of a change.
const maxChange = 64 << 10

func (s *Server) annotate(w http.ResponseWriter, r *http.Request) {
	if s.o.Annotate == nil {
		http.Error(w, "this page is for reading only", http.StatusForbidden)
		return
	}
	if !same(r.Header.Get("X-Walkdown-Token"), s.secret) || r.Header.Get("Content-Type") != "application/json" {
		http.Error(w, "a change must come from the page; load it again", http.StatusForbidden)
		return
	}
	var change struct{ Asset, Field, Value string }
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxChange)).Decode(&change); err != nil {
		http.Error(w, "read the change: "+err.Error(), http.StatusBadRequest)
		return
	}
	if change.Asset == "" || change.Field == "" {
		http.Error(w, "a change names an asset and a field", http.StatusBadRequest)
		return
	}
	if err := s.o.Annotate(r.Context(), change.Asset, change.Field, change.Value); err != nil {
		http.Error(w, err.Error(), http.StatusConflict)
		return
	}
	s.index.renew()
	w.WriteHeader(http.StatusNoContent)
}

// export makes one format whole before it sends any of it, so that an error is no half of a document.
func (s *Server) export(w http.ResponseWriter, r *http.Request) {
	for _, format := range s.o.Formats {
		if format.Name != r.PathValue("format") {
			continue
		}
		out, err := newSpool()
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		defer out.Close() //nolint:errcheck // it is removed
		if err := s.o.Export(r.Context(), format, out); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/octet-stream")
		w.Header().Set("Content-Disposition", fmt.Sprintf("attachment; filename=%q", "walkdown"+extension(format)))
		out.send(w)
		return
	}
	http.NotFound(w, r)
}

// extension is that of the download.
func extension(f exporters.Format) string {
	if f.Export == nil {
		return "-" + f.Name + ".zip"
	}
	return f.Extension
}

// send writes a value as JSON.
func send(w http.ResponseWriter, value any, err error) {
	switch {
	case errors.Is(err, context.Canceled):
		return
	case err != nil:
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	text, err := json.Marshal(clean.Value(value))
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Write(text) //nolint:errcheck // the browser went away
}
