package survey

import (
	"context"
	"errors"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/ask"
	"github.com/walkdown-ot/walkdown/discovery/capture"
	"github.com/walkdown-ot/walkdown/discovery/listen"
)

// ear reads the capture in its own goroutine, until it ends or the context does.
type ear struct {
	done    chan struct{}
	mu      sync.Mutex
	err     error
	frames  atomic.Uint64
	dropped atomic.Uint64
}

func (s *Survey) openEar(ctx context.Context) *ear {
	e := &ear{done: make(chan struct{})}
	if s.Ear == nil {
		close(e.done)
		return e
	}
	go func() {
		defer close(e.done)
		err := e.read(ctx, s.Ear, s.Listener, s.Watch)
		e.mu.Lock()
		e.err = err
		e.mu.Unlock()
	}()
	return e
}

// read hands every frame to the listener. io.EOF is the end of a file; nil is the end of ctx.
func (e *ear) read(ctx context.Context, source capture.Source, listener *listen.Listener, watch *ask.Watch) error {
	defer func() {
		e.count(source)
		listener.Flush()
	}()
	flushed := time.Now()
	var frame discovery.Frame
	for n := 0; ; n++ {
		err := source.Next(&frame)
		switch {
		case err == nil:
			listener.Frame(&frame)
		case !errors.Is(err, capture.ErrTimeout):
			return err
		}
		// The clock and the context are looked at once in a while: between two of many frames, or when none came.
		if err == nil && n%64 != 0 {
			continue
		}
		if ctx.Err() != nil {
			return nil
		}
		e.count(source)
		if now := time.Now(); now.Sub(flushed) >= flushEvery {
			listener.Flush()
			if watch != nil {
				listener.Pulses(watch.Hear)
				watch.Tick(now)
			}
			flushed = now
		}
	}
}

func (e *ear) count(source capture.Source) {
	stats := source.Stats()
	e.frames.Store(stats.Frames)
	e.dropped.Store(stats.Dropped)
}

func (e *ear) stats() capture.Stats {
	return capture.Stats{Frames: e.frames.Load(), Dropped: e.dropped.Load()}
}

func (e *ear) failed() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.err
}

// wait gives the error that the ear ended with, apart from the end of a file.
func (e *ear) wait() error {
	<-e.done
	if err := e.failed(); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	return nil
}

// heard is what the Ear has counted in all; only after it has ended.
func (s *Survey) heard() capture.Stats {
	if s.Ear == nil {
		return capture.Stats{}
	}
	return s.Ear.Stats()
}
