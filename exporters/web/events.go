package web

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/walkdown-ot/walkdown/exporters/clean"
	"github.com/walkdown-ot/walkdown/inventory"
)

// progress is what the page is told once a second when it changes.
type progress struct {
	Version       string            `json:"version"`           // of the state that the server shows
	Reading       bool              `json:"reading,omitempty"` // some of it is still being read
	Running       *inventory.Survey `json:"running,omitempty"`
	Assets        int               `json:"assets"`
	Conversations int               `json:"conversations"`
	Questions     int               `json:"questions"`
}

// events streams the progress (HTML, "Server-sent events"), for as long as the page is open.
func (s *Server) events(w http.ResponseWriter, r *http.Request) {
	flusher := http.NewResponseController(w)
	_ = flusher.SetWriteDeadline(time.Time{}) // it has no end; a server that knows no deadlines has none to lift
	w.Header().Set("Content-Type", "text/event-stream")
	last := ""
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		x, err := s.index.current(r.Context())
		if err != nil {
			return
		}
		now := progress{Version: x.version, Reading: x.partial, Assets: x.summary.Assets, Conversations: x.summary.Conversations, Questions: x.summary.Questions}
		for _, survey := range x.summary.Surveys {
			if survey.Outcome == "running" {
				now.Running = &survey.Survey
			}
		}
		text, err := json.Marshal(clean.Value(now))
		if err != nil {
			return
		}
		line := ":\n\n" // a comment shows that we are there
		if string(text) != last {
			last, line = string(text), fmt.Sprintf("data: %s\n\n", text)
		}
		if _, err := w.Write([]byte(line)); err != nil {
			return
		}
		if err := flusher.Flush(); err != nil {
			return
		}
		select {
		case <-r.Context().Done():
			return
		case <-tick.C:
		}
	}
}
