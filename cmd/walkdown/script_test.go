package main

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/pcapgo"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/walkdown-ot/walkdown/discovery/plant"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"walkdown": func() { main() },
	})
}

// TestScripts runs the commands as users type them.
func TestScripts(t *testing.T) {
	scripts, err := filepath.Glob("testdata/script/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	if testing.Short() { // each command of a script is a process of its own, which the race detector makes slow
		scripts = slices.DeleteFunc(scripts, func(path string) bool {
			return !slices.Contains([]string{"demo.txtar", "plan.txtar", "read.txtar"}, filepath.Base(path))
		})
	}
	testscript.Run(t, testscript.Params{
		Files: scripts,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"capture": captureCommand,
			"cutfile": cutCommand,
			"json":    jsonCommand,
		},
		UpdateScripts: os.Getenv("UPDATE") != "",
	})
}

// captureCommand writes the frames of the simulated plant as a pcap file, gzipped if the name says so: capture FILE.
func captureCommand(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(plantCapture(ts.MkAbs(args[0])))
}

// plantCapture writes the frames of the simulated plant as a pcap file, gzipped if the name says so.
func plantCapture(path string) (err error) {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	simulated, err := plant.Start(ctx)
	if err != nil {
		return err
	}
	defer simulated.Close() //nolint:errcheck // it waits, and cannot fail
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	var to io.Writer = file
	if filepath.Ext(path) == ".gz" {
		packed := gzip.NewWriter(file)
		defer func() { err = errors.Join(err, packed.Close()) }()
		to = packed
	}
	out := pcapgo.NewWriter(to)
	if err := out.WriteFileHeader(65535, layers.LinkTypeEthernet); err != nil {
		return err
	}
	for _, frame := range simulated.Frames(time.Date(2026, 3, 2, 6, 0, 0, 0, time.UTC)) {
		if err := out.WritePacket(gopacket.CaptureInfo{Timestamp: frame.Time, CaptureLength: len(frame.Data), Length: len(frame.Data)}, frame.Data); err != nil {
			return err
		}
	}
	return nil
}

// cutCommand cuts the last bytes off a file: cutfile FILE N.
func cutCommand(ts *testscript.TestScript, _ bool, args []string) {
	path := ts.MkAbs(args[0])
	info, err := os.Stat(path)
	ts.Check(err)
	var n int64
	_, err = fmt.Sscan(args[1], &n)
	ts.Check(err)
	ts.Check(os.Truncate(path, info.Size()-n))
}

// jsonCommand checks that a file of the script is one JSON value: json stdout.
func jsonCommand(ts *testscript.TestScript, _ bool, args []string) {
	var value any
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(args[0])), &value))
}

// TestDocumentsAreCurrent compares docs/protocols.md with what the code says.
func TestDocumentsAreCurrent(t *testing.T) {
	page := filepath.Join(t.TempDir(), "protocols.md")
	err := run(t.Context(), []string{"protocols", "--markdown", "-o", page}, nil, io.Discard, io.Discard, slog.New(slog.DiscardHandler), new(slog.LevelVar))
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile("../../docs/protocols.md")
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != string(want) {
		t.Error("docs/protocols.md is out of date: go generate ./cmd/walkdown")
	}
}
