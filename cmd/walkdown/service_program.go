package main

import (
	"bytes"
	"context"
	"errors"
	"runtime"

	"github.com/kardianos/service"
)

// program is what the service manager of Windows starts and stops; elsewhere a signal ends it.
type program struct {
	run  func(ctx context.Context) error
	stop context.CancelFunc
	done chan struct{}
	err  error // how it ended; behind done
}

func newProgram(run func(ctx context.Context) error) *program {
	return &program{run: run, done: make(chan struct{})}
}

// Start begins in the background, as the service manager wants it.
func (p *program) Start(service.Service) error {
	ctx, stop := context.WithCancel(context.Background())
	p.stop = stop
	go func() {
		defer close(p.done)
		p.err = p.run(ctx)
	}()
	return nil
}

// Stop ends it in order.
func (p *program) Stop(service.Service) error {
	p.stop()
	<-p.done
	return p.err
}

// underServiceManager runs f until the context ends, or the service manager of Windows wants it to. That one has no standard error:
// what is said goes to the event log.
func (a *app) underServiceManager(f func(*app) error) error {
	if runtime.GOOS != "windows" || service.Interactive() {
		return f(a)
	}
	b := *a
	p := newProgram(func(ctx context.Context) error {
		b.ctx = ctx
		err := f(&b)
		if err != nil && ctx.Err() == nil {
			explain(b.stderr, err)
		}
		return err
	})
	s, err := service.New(p, &service.Config{Name: serviceName})
	if err != nil {
		return err
	}
	if log, err := s.SystemLogger(nil); err == nil {
		b.stderr = &lineWriter{write: func(line string) { _ = log.Info(line) }} // there is nobody to tell
	}
	managed := make(chan error, 1)
	go func() { managed <- s.Run() }()
	select {
	case err := <-managed:
		return err
	case <-p.done:
	}
	if p.err == nil || errors.Is(p.err, context.Canceled) {
		return <-managed // it was told to stop
	}
	return p.err // it ended by itself; the service manager sees that the process is gone, and starts it again
}

// lineWriter hands on what is written to it line by line.
type lineWriter struct {
	write func(line string)
	rest  []byte
}

// Write never fails.
func (w *lineWriter) Write(b []byte) (int, error) {
	w.rest = append(w.rest, b...)
	for {
		line, rest, found := bytes.Cut(w.rest, []byte("\n"))
		if !found {
			return len(b), nil
		}
		w.rest = rest
		if line = bytes.TrimSpace(line); len(line) > 0 {
			w.write(string(line))
		}
	}
}
