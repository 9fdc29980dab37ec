package main

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/walkdown-ot/walkdown/inventory"
)

// walkdown runs a command in this process, and gives what it said to people.
func walkdown(t *testing.T, args ...string) (stderr string, err error) {
	t.Helper()
	var out strings.Builder
	err = run(t.Context(), args, strings.NewReader(""), io.Discard, &out, slog.New(slog.DiscardHandler), new(slog.LevelVar))
	return out.String(), err
}

// What a survey finds is told when it ends, also when the collector was away at the time; what was there before is no news.
func TestASurveyTellsItsChanges(t *testing.T) {
	var told []inventory.Event
	answer := http.StatusOK
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var post struct{ Changes []inventory.Event }
		if err := json.NewDecoder(r.Body).Decode(&post); err != nil || r.Header.Get("Authorization") != "Bearer tok" {
			t.Errorf("token %q, %v", r.Header.Get("Authorization"), err)
		}
		if answer == http.StatusOK {
			told = append(told, post.Changes...)
		}
		w.WriteHeader(answer)
	}))
	defer server.Close()
	folder := t.TempDir()
	capture, db, config := filepath.Join(folder, "plant.pcap"), filepath.Join(folder, "plant.db"), filepath.Join(folder, "c.yaml")
	if err := plantCapture(capture); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(config, fmt.Appendf(nil, "db: %s\nnotify:\n  - {webhook: \"%s/hook\", token: tok}\n", filepath.ToSlash(db), server.URL), 0o600); err != nil {
		t.Fatal(err)
	}
	answer = http.StatusBadGateway
	said, err := walkdown(t, "read", capture, "--config", config)
	if err != nil || !strings.Contains(said, "not told yet, and kept: notify webhook") || len(told) > 0 {
		t.Errorf("told %d, said %s, %v", len(told), said, err)
	}
	answer = http.StatusOK
	for range 2 {
		if said, err = walkdown(t, "read", capture, "--config", config); err != nil || strings.Contains(said, "not told") {
			t.Errorf("said %s, %v", said, err)
		}
	}
	if len(told) == 0 {
		t.Fatal("nothing was told")
	}
	seen := map[int64]bool{}
	for _, e := range told {
		if seen[e.Number] || e.Survey != "s-1" || e.Kind != inventory.Appeared || e.IP == "" && e.MAC == "" {
			t.Errorf("told: %+v", e)
		}
		seen[e.Number] = true
	}
}
