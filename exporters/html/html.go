// Package html writes an inventory as one report for a browser: a file that holds everything it shows, opens without a network
// and prints to paper. It has the inventory in numbers, a map in lanes, the assets with the evidence behind each value, the
// conversations, the changes and what was sent.
//
// The page is a shell (page.html, style.css and the scripts under assets/) and data: each list stands in a script element of type
// application/json, which a browser does not run. A Content-Security-Policy (CSP Level 3) in the page allows the one script and the
// one style sheet by their SHA-256 and forbids everything else, so that no name from the wire can become code and nothing is
// ever fetched. The scripts write such names as text only.
//
// exporters/web serves the same shell with data that are asked for page by page.
package html

import (
	"context"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"strings"
	"time"

	"github.com/walkdown-ot/walkdown/exporters/tlp"
	"github.com/walkdown-ot/walkdown/inventory"
)

//go:embed assets
var assets embed.FS

// Options are what an export can be given.
type Options struct {
	Time    time.Time // of the export
	Version string    // of walkdown
	Site    string    // title of the report; empty means the sites of the assets
	TLP     string    // the mark of the Traffic Light Protocol; empty means AMBER
	// Reproducible leaves the time of the export out.
	Reproducible bool
}

// shell is what page.html is filled with.
type shell struct {
	Title, Generated, Version, TLP string
	Policy                         string
	Style                          template.CSS
	Live                           bool   // it asks a server for its data
	Token                          string // that the server wants with each change
	Writable                       bool   // people's knowledge can be kept
}

// Page writes the shell of the served page: style and scripts are files of the server, and the data are asked for.
func Page(to io.Writer, title, version, token string, writable bool) error {
	page, err := template.ParseFS(assets, "assets/page.html")
	if err != nil {
		return err
	}
	return page.ExecuteTemplate(to, "page", shell{Title: title, Version: version, Live: true, Token: token, Writable: writable})
}

// Style is the style sheet.
func Style() []byte {
	text, err := assets.ReadFile("assets/style.css")
	if err != nil {
		panic(err) // it is embedded
	}
	return text
}

// Script is the program of the page; source is the name of the script that gets its data: "embedded" or "served".
func Script(source string) []byte {
	var all strings.Builder
	all.WriteString("(() => {\n\"use strict\";\n")
	for _, part := range []string{"dom", "source-" + source, "detail", "table", "layout", "map", "overview", "lists", "app"} {
		text, err := assets.ReadFile("assets/" + part + ".js")
		if err != nil {
			panic(err) // it is embedded
		}
		all.Write(text)
	}
	all.WriteString("})();\n")
	return []byte(all.String())
}

// Export writes the report. It keeps one asset and one conversation in memory, and sums of them.
func Export(ctx context.Context, from inventory.Source, to io.Writer, o Options) error {
	page, err := template.ParseFS(assets, "assets/page.html")
	if err != nil {
		return err
	}
	s := shell{Title: o.Site, Version: o.Version}
	if s.Title == "" || s.Title == "default" {
		s.Title = "Plant"
	}
	if s.TLP, err = tlp.Mark(o.TLP); err != nil {
		return err
	}
	if !o.Reproducible {
		s.Generated = o.Time.UTC().Format("2006-01-02 15:04 UTC")
	}
	script, style := Script("embedded"), Style()
	s.Style = template.CSS(style) //nolint:gosec // ours, embedded
	s.Policy = fmt.Sprintf("default-src 'none'; script-src 'sha256-%s'; style-src 'sha256-%s'; img-src data:; base-uri 'none'; form-action 'none'",
		digest(script), digest(style))
	if err := page.ExecuteTemplate(to, "page", s); err != nil {
		return fmt.Errorf("write the page: %w", err)
	}
	if err := writeData(ctx, from, to); err != nil {
		return err
	}
	if _, err := fmt.Fprintf(to, "<script>%s</script>\n</body>\n</html>\n", script); err != nil {
		return fmt.Errorf("write the page: %w", err)
	}
	return nil
}

// digest is that of a script or style in a policy (CSP Level 3, clause 2.3.1).
func digest(text []byte) string {
	sum := sha256.Sum256(text)
	return base64.StdEncoding.EncodeToString(sum[:])
}
