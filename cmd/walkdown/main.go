// Command walkdown discovers the devices of an OT network: it listens, asks gently, and keeps the inventory.
package main

import (
	"context"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
)

// gcPercent makes the collector keep the heap close to what is alive: walkdown shares a laptop, or a small machine in a cabinet.
const gcPercent = 40

func main() {
	debug.SetGCPercent(gcPercent)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	level := new(slog.LevelVar)
	level.Set(slog.LevelWarn)
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: level}))
	err := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr, log, level)
	stop()
	os.Exit(explain(os.Stderr, err))
}

// run is the whole program. Results go to stdout, everything else to stderr.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer, log *slog.Logger, level *slog.LevelVar) error {
	return parseAndRun(&app{ctx: ctx, stdin: stdin, stdout: stdout, stderr: stderr, log: log, level: level}, args)
}
