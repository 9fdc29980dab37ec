package dns

import (
	"strings"
	"testing"

	"github.com/walkdown-ot/walkdown/discovery/discoverytest"

	"golang.org/x/net/dns/dnsmessage"
)

func FuzzParse(engine *testing.F) {
	f := discoverytest.NewFuzz(engine)
	f.Add(answer(f))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := Parse(b)
		if len(m.Records) > maxRecords || len(m.Questions) > maxRecords {
			t.Errorf("%d questions, %d records", len(m.Questions), len(m.Records))
		}
		for _, r := range m.Records {
			if target, err := r.Target(); len(r.Name) > maxName || err == nil && len(target) > maxName {
				t.Errorf("names of %d and %d bytes", len(r.Name), len(target))
			}
			r.IP()
			r.Port()
			r.Texts()
			r.Name.ReverseAddr()
			if again := NewName(r.Name.Labels()...); again != r.Name {
				t.Errorf("name %q came back as %q", r.Name, again)
			}
		}
		// The Go project's codec, where it reads the questions too, reads the same names.
		var other dnsmessage.Parser
		if _, startErr := other.Start(b); err != nil || startErr != nil {
			return
		}
		questions, err := other.AllQuestions()
		for i := range min(len(questions), len(m.Questions)) {
			want := strings.TrimSuffix(questions[i].Name.String(), ".")
			if got := strings.ReplaceAll(m.Questions[i].Name.String(), "\\", ""); err == nil && got != strings.ReplaceAll(want, "\\", "") {
				t.Errorf("question %d: got %q, the other codec %q", i, got, want)
			}
		}
	})
}
