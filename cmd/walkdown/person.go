package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/term"
)

// terminal reports whether a person can be asked.
func (a *app) terminal() bool {
	in, ok := a.stdin.(*os.File)
	return ok && term.IsTerminal(int(in.Fd()))
}

// askLine puts a question and reads one line. It gives up when the command's context ends.
func (a *app) askLine(question string) (string, error) {
	fmt.Fprint(a.stderr, question)
	type answer struct {
		text string
		err  error
	}
	answers := make(chan answer, 1)
	// The read cannot be interrupted; when the context ends, so does the program.
	go func() {
		text, err := bufio.NewReader(a.stdin).ReadString('\n')
		answers <- answer{text, err}
	}()
	select {
	case <-a.ctx.Done():
		return "", errInterrupted
	case got := <-answers:
		if got.err != nil && !errors.Is(got.err, io.EOF) {
			return "", fmt.Errorf("read the answer: %w", got.err)
		}
		return got.text, nil
	}
}
