package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"
)

// stopFileEvery is how often the stop file is looked for. With what closing takes, everything is over within a second.
const stopFileEvery = 100 * time.Millisecond

// stoppedError says that somebody asked for the end by the stop file.
type stoppedError struct{ path string }

func (e *stoppedError) Error() string { return "stopped by the file " + e.path }

// underStopFile makes the command end, as by Ctrl-C, as soon as the file is there. A file that is there already refuses the start:
// whoever made it wanted nothing to be asked.
func (a *app) underStopFile(path string) (done func(), err error) {
	if path == "" {
		path = a.common.DB + ".stop"
	}
	if there, err := exists(path); err != nil || there {
		if err == nil {
			err = failed(fmt.Errorf("the stop file %s is there", path), "remove it when asking is allowed again")
		}
		return nil, err
	}
	ctx, stop := context.WithCancelCause(a.ctx)
	before := a.ctx
	a.ctx = ctx
	looked := make(chan struct{})
	go func() {
		defer close(looked)
		tick := time.NewTicker(stopFileEvery)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			if there, _ := exists(path); there {
				stop(&stoppedError{path})
				return
			}
		}
	}()
	return func() {
		stop(nil)
		<-looked
		a.ctx = before
	}, nil
}

func exists(path string) (bool, error) {
	_, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("look for the stop file: %w", err)
	}
	return true, nil
}
