package html_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	stdhtml "html"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/walkdown-ot/walkdown/exporters/exporterstest"
	"github.com/walkdown-ot/walkdown/exporters/html"
	"github.com/walkdown-ot/walkdown/inventory"
)

func export(t *testing.T, from inventory.Source) string {
	t.Helper()
	var out bytes.Buffer
	o := html.Options{Time: time.Date(2026, 3, 9, 7, 0, 0, 0, time.UTC), Version: "v1", Site: "press-shop", Reproducible: true}
	if err := html.Export(t.Context(), from, &out, o); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

var dataScript = regexp.MustCompile(`(?s)<script type="application/json" id="data-([a-z]+)">(.*?)</script>`)

// lists gives the data of a report by name.
func lists(t *testing.T, page string) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, found := range dataScript.FindAllStringSubmatch(page, -1) {
		if !json.Valid([]byte(found[2])) {
			t.Errorf("%s is no JSON: %.200s", found[1], found[2])
		}
		out[found[1]] = found[2]
	}
	return out
}

func TestDataAreTheGolden(t *testing.T) {
	var got strings.Builder
	page := export(t, exporterstest.Full())
	for _, found := range dataScript.FindAllStringSubmatch(page, -1) {
		var pretty bytes.Buffer
		if err := json.Indent(&pretty, []byte(found[2]), "", " "); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&got, "# %s\n%s\n", found[1], strings.TrimSpace(pretty.String()))
	}
	exporterstest.Golden(t, "full.txt", []byte(got.String()))
}

// The page lets run exactly the script and the style that it holds, and fetches nothing.
func TestPolicyNamesWhatThePageHolds(t *testing.T) {
	page := export(t, exporterstest.Full())
	policy := regexp.MustCompile(`Content-Security-Policy" content="([^"]*)"`).FindStringSubmatch(page)
	if policy == nil {
		t.Fatal("there is no policy")
	}
	allowed := stdhtml.UnescapeString(policy[1])
	for kind, pattern := range map[string]string{"script-src": `(?s)<script>(.*?)</script>`, "style-src": `(?s)<style>(.*?)</style>`} {
		found := regexp.MustCompile(pattern).FindAllStringSubmatch(page, -1)
		if len(found) != 1 {
			t.Fatalf("%s: %d elements", kind, len(found))
		}
		sum := sha256.Sum256([]byte(found[0][1]))
		if want := kind + " 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"; !strings.Contains(allowed, want) {
			t.Errorf("the policy %q lacks %s", allowed, want)
		}
	}
	for _, bad := range []string{"unsafe-inline", "unsafe-eval", "http://", "https://"} {
		if strings.Contains(allowed, bad) {
			t.Errorf("the policy holds %q", bad)
		}
	}
	if found := regexp.MustCompile(`(src|href)="[^"]+"`).FindAllString(page, -1); len(found) > 0 {
		t.Errorf("the page fetches: %q", found)
	}
}

func TestHostileNamesStayText(t *testing.T) {
	page := export(t, exporterstest.Hostile())
	data := lists(t, page)
	if !strings.Contains(data["assets"], `\u003cscript\u003ealert(1)`) {
		t.Error("the name with a script is not there as text")
	}
	if n := strings.Count(page, "<script"); n != strings.Count(page, "</script>") || n != len(data)+1 {
		t.Errorf("%d script elements, %d lists", n, len(data))
	}
	for _, r := range page {
		if r != '\n' && (unicode.IsControl(r) || unicode.Is(unicode.Cf, r)) {
			t.Fatalf("the page holds the mark %U", r)
		}
	}
	if len(page) > 8<<20 {
		t.Errorf("the page has %d bytes", len(page))
	}
}

func TestErrorsOfTheInventoryAreTold(t *testing.T) {
	broken := exporterstest.Full()
	broken.Broken = true
	if err := html.Export(t.Context(), broken, &bytes.Buffer{}, html.Options{}); err == nil {
		t.Error("no error")
	}
}

func BenchmarkExport(b *testing.B) {
	for _, n := range []int{1_000, 5_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			for b.Loop() {
				var out bytes.Buffer
				if err := html.Export(b.Context(), exporterstest.Large(n), &out, html.Options{}); err != nil {
					b.Fatal(err)
				}
				b.SetBytes(int64(out.Len()))
			}
		})
	}
}
