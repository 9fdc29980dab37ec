package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/walkdown-ot/walkdown/discovery/capture"
	"github.com/walkdown-ot/walkdown/inventory/sqlite"
)

// The exit statuses of the command line's contract.
const (
	statusDone        = 0
	statusFailed      = 1
	statusUsage       = 2
	statusIncomplete  = 3
	statusChanges     = 4 // `changes --exit-code`: there are changes
	statusInterrupted = 130
)

// statusError is an error that ends with a status of its own, and a hint on the line below.
type statusError struct {
	status int
	err    error
	hint   string
}

func (e *statusError) Error() string { return e.err.Error() }
func (e *statusError) Unwrap() error { return e.err }

// usage is a wrong use of the command line.
func usage(hint, format string, args ...any) error {
	return &statusError{status: statusUsage, err: fmt.Errorf(format, args...), hint: hint}
}

// failed is an error with a hint what to do.
func failed(err error, hint string) error {
	return &statusError{status: statusFailed, err: err, hint: hint}
}

// incomplete is a run that did not cover all of its scope, for these reasons.
func incomplete(reasons []string) error {
	text := "incomplete: " + strings.Join(reasons, "; ")
	if len(reasons) > 1 {
		text = "incomplete:\n  " + strings.Join(reasons, "\n  ")
	}
	return &statusError{status: statusIncomplete, err: errors.New(text)}
}

// errInterrupted ends a run that a person or the system stopped.
var errInterrupted = &statusError{status: statusInterrupted, err: errors.New("interrupted; what was found until then is kept")}

// explain writes the sentence and its hint and gives the exit status.
func explain(stderr io.Writer, err error) int {
	if err == nil {
		return statusDone
	}
	status, hint := statusFailed, hintFor(err)
	var known *statusError
	if errors.As(err, &known) {
		status = known.status
		if known.hint != "" {
			hint = known.hint
		}
	} else if errors.Is(err, context.Canceled) {
		status = statusInterrupted
	}
	fmt.Fprintln(stderr, "walkdown: "+err.Error())
	if hint != "" {
		fmt.Fprintln(stderr, "  "+hint)
	}
	return status
}

// hintFor knows what to do about the errors that users meet.
func hintFor(err error) string {
	var rights *capture.NoRightsError
	switch {
	case errors.As(err, &rights):
		return rights.Hint
	case errors.Is(err, capture.ErrInterfaceGone):
		return "what was found until then is kept; look at the cable and run the survey again"
	case errors.Is(err, sqlite.ErrMissing):
		return "make one with `walkdown demo`, `walkdown read FILE` or `walkdown survey`, or name another with --db"
	case errors.Is(err, sqlite.ErrForeign):
		return "the file was not touched; name another with --db"
	case errors.Is(err, sqlite.ErrNewer):
		return "the file was not touched; update walkdown, or name another with --db"
	case errors.Is(err, sqlite.ErrLocked):
		return "wait for it to end, or record into another file with --db"
	case errors.Is(err, sqlite.ErrDiskFull), errors.Is(err, sqlite.ErrReadOnly):
		return "nothing that was stored before is lost; make room or name another place with --db"
	case errors.Is(err, sqlite.ErrDamaged):
		return "keep the file as it is; go on with the last backup, or record into another file, with --db"
	case errors.Is(err, sqlite.ErrNotFound):
		return "`walkdown assets` and `walkdown surveys` list what there is"
	}
	return ""
}
