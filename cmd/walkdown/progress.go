package main

import (
	"fmt"
	"os"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"golang.org/x/term"

	"github.com/walkdown-ot/walkdown/discovery/survey"
)

// progress keeps one line of standard error up to date, on a terminal only.
type progress struct {
	mu     sync.Mutex
	to     *os.File
	counts func() (hosts, identified int)
	last   time.Time
	phase  survey.Phase
	width  int
}

// repaint is how often the line changes at most.
const repaint = 200 * time.Millisecond

// newProgress gives nil, which is silent, where there is no terminal or --quiet was given.
func newProgress(a *app, counts func() (hosts, identified int)) *progress {
	file, ok := a.stderr.(*os.File)
	if !ok || a.common.Quiet || !term.IsTerminal(int(file.Fd())) {
		return nil
	}
	return &progress{to: file, counts: counts}
}

// show paints the line.
func (p *progress) show(now survey.Progress) {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if now.Phase == p.phase && time.Since(p.last) < repaint {
		return
	}
	p.phase, p.last = now.Phase, time.Now()
	parts := []string{string(now.Phase)}
	hosts, identified := p.counts()
	if now.Frames > 0 {
		parts = append(parts, fmt.Sprintf("%d frames", now.Frames))
	}
	parts = append(parts, fmt.Sprintf("%d hosts seen", hosts))
	if now.Ask.Devices > 0 {
		parts = append(parts, fmt.Sprintf("%d of %d asked", now.Ask.Done, now.Ask.Devices))
	}
	parts = append(parts, fmt.Sprintf("%d identified", identified))
	if now.Dropped > 0 {
		parts = append(parts, fmt.Sprintf("%d frames dropped", now.Dropped))
	}
	if now.Left > 0 {
		parts = append(parts, now.Left.Round(time.Second).String()+" left")
	}
	p.paint(strings.Join(parts, " · "))
}

// end wipes the line.
func (p *progress) end() {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.paint("")
	fmt.Fprint(p.to, "\r")
}

func (p *progress) paint(text string) {
	width := utf8.RuneCountInString(text)
	fmt.Fprint(p.to, "\r"+text+strings.Repeat(" ", max(p.width-width, 0)))
	p.width = width
}
