package exporters_test

import (
	"io"
	"runtime"
	"testing"

	"github.com/walkdown-ot/walkdown/exporters"
	"github.com/walkdown-ot/walkdown/exporters/exporterstest"
)

// BenchmarkExport writes 100,000 assets in every format and reports the size and the highest heap.
func BenchmarkExport(b *testing.B) {
	const n = 100_000
	for _, f := range exporters.All() {
		b.Run(f.Name, func(b *testing.B) {
			o := options()
			o.Reproducible = false
			for b.Loop() {
				out := &meter{}
				var err error
				if f.Export != nil {
					err = f.Export(b.Context(), exporterstest.Large(n), out, o)
				} else {
					err = f.Files(b.Context(), exporterstest.Large(n), func(_ string, write func(io.Writer) error) error { return write(out) }, o)
				}
				if err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(float64(out.written)/1e6, "MB")
				b.ReportMetric(float64(out.peak)/1e6, "heap-MB")
			}
		})
	}
}

// meter looks at the heap, as it is between two collections, now and then while it is written to.
type meter struct {
	written, next int
	peak          uint64
}

func (m *meter) Write(p []byte) (int, error) {
	m.written += len(p)
	if m.written >= m.next {
		m.next = m.written + 4<<20
		var stats runtime.MemStats
		runtime.ReadMemStats(&stats)
		m.peak = max(m.peak, stats.HeapAlloc)
	}
	return len(p), nil
}
