package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/capture"
	"github.com/walkdown-ot/walkdown/discovery/listen"
	"github.com/walkdown-ot/walkdown/discovery/protocols"
)

// maxFrames bounds how much of a capture is damaged, for the time that it takes.
const maxFrames = 2500

// damage is a way to make less of a capture.
type damage struct {
	name string
	do   func(*rand.Rand, []discovery.Frame) []discovery.Frame
}

// damages are the ways in which captures come that are less than whole: begun late and ended early, with frames lost, in another order,
// cut short, twice, and of one direction alone.
func damages() []damage {
	return []damage{
		{"cut", func(r *rand.Rand, f []discovery.Frame) []discovery.Frame {
			from := r.IntN(len(f))
			return f[from : from+r.IntN(len(f)-from)+1]
		}},
		{"thinned", func(r *rand.Rand, f []discovery.Frame) []discovery.Frame {
			return slices.DeleteFunc(slices.Clone(f), func(discovery.Frame) bool { return r.IntN(4) == 0 })
		}},
		{"shuffled", func(r *rand.Rand, f []discovery.Frame) []discovery.Frame {
			out := slices.Clone(f)
			for i := range out {
				if j := i + r.IntN(8); j < len(out) {
					out[i], out[j] = out[j], out[i]
				}
			}
			return out
		}},
		{"truncated", func(r *rand.Rand, f []discovery.Frame) []discovery.Frame {
			out := slices.Clone(f)
			for i := range out {
				if r.IntN(4) == 0 {
					out[i].Data = out[i].Data[:r.IntN(len(out[i].Data)+1)]
				}
			}
			return out
		}},
		{"doubled", func(r *rand.Rand, f []discovery.Frame) []discovery.Frame {
			var out []discovery.Frame
			for i := range f {
				out = append(out, f[i])
				if r.IntN(3) == 0 {
					out = append(out, f[max(0, i-r.IntN(4))])
				}
			}
			return out
		}},
		{"one-sided", func(r *rand.Rand, f []discovery.Frame) []discovery.Frame {
			servers, kept := serversOf(f), r.IntN(3) > 0
			return slices.DeleteFunc(slices.Clone(f), func(f discovery.Frame) bool {
				from, ok := senderOf(f)
				return ok && servers[from] != kept
			})
		}},
	}
}

// sharedFolder is where captures and recordings stand that are not the repository's.
func sharedFolder() string { return first(os.Getenv("WALKDOWN_SHARED"), "../../../shared") }

// sharedCaptures are the captures that are kept beside the repository; the test is skipped without them.
func sharedCaptures(t *testing.T) []string {
	t.Helper()
	folder := sharedFolder()
	files, err := filepath.Glob(filepath.Join(folder, "captures", "*.pcap*"))
	if err != nil || len(files) == 0 {
		t.Skipf("there are no captures in %s", folder)
	}
	return files
}

// TestDamagedCapturesDoNotLie reads the shared captures less than whole, and holds what is told against what the whole capture
// tells: under one address no key may have a value that the whole does not have.
func TestDamagedCapturesDoNotLie(t *testing.T) {
	rounds := 20
	if testing.Short() {
		rounds = 3
	}
	told := 0
	for _, file := range sharedCaptures(t) {
		frames := load(t, file)
		whole := tell(frames)
		for _, way := range damages() {
			for round := range rounds {
				random := rand.New(rand.NewPCG(uint64(round), 1))
				n, lies := contradictions(whole, tell(way.do(random, slices.Clone(frames))))
				told += n
				for _, lie := range lies {
					t.Errorf("%s, %s, round %d: %s", filepath.Base(file), way.name, round, lie)
				}
			}
		}
	}
	t.Logf("%d values told of damaged captures", told)
}

// contradictions are the values that the whole has otherwise, and how many there were in all.
func contradictions(whole, part map[string]map[string]bool) (told int, lies []string) {
	for key, values := range part {
		known := whole[key]
		for value := range values {
			told++
			if len(known) > 0 && !known[value] {
				lies = append(lies, fmt.Sprintf("%s is told to be %q, the whole capture tells %q", key, value, sortedKeys(known)))
			}
		}
	}
	return told, lies
}

func sortedKeys(set map[string]bool) []string {
	var out []string
	for key := range set {
		out = append(out, key)
	}
	slices.Sort(out)
	return out
}

// load keeps the first frames of a capture in memory.
func load(t *testing.T, path string) []discovery.Frame {
	t.Helper()
	source, err := capture.OpenFile(path)
	if err != nil {
		t.Fatal(err)
	}
	defer source.Close() //nolint:errcheck // it was only read
	var frames []discovery.Frame
	var f discovery.Frame
	for len(frames) < maxFrames && source.Next(&f) == nil {
		kept := f
		kept.Data = slices.Clone(f.Data)
		frames = append(frames, kept)
	}
	return frames
}

// tell gives what the frames tell: for each address and key, the values. What listen concludes from counting (who is on the
// link, who routes) is left out: less is heard, less is known.
func tell(frames []discovery.Frame) map[string]map[string]bool {
	out := map[string]map[string]bool{}
	listener := listen.New(listen.Options{Protocols: protocols.All(), Out: discovery.SinkFunc(func(o discovery.Observation) {
		if o.Protocol == "ip" || o.Protocol == "ethernet" {
			return
		}
		about := o.Subject
		if about.IP.IsValid() {
			about.MAC = discovery.MAC{} // known or not, by what was heard before
		}
		for _, f := range o.Facts {
			key := fmt.Sprintf("%s %s", about, f.Key)
			if out[key] == nil {
				out[key] = map[string]bool{}
			}
			out[key][f.Value] = true
		}
	})})
	for i := range frames {
		listener.Frame(&frames[i])
		if i%500 == 0 {
			listener.Flush()
		}
	}
	listener.Flush()
	return out
}
