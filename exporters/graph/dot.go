package graph

import (
	"bufio"
	"fmt"
	"io"
	"strings"
)

// dot writes the language of Graphviz, with a cluster for each segment.
type dot struct {
	to       *bufio.Writer
	clusters int
	open     bool
}

func newDOT(to io.Writer) *dot { return &dot{to: bufio.NewWriterSize(to, 1<<16)} }

func (d *dot) begin(site, mark string) {
	fmt.Fprintf(d.to, "// TLP:%s\ndigraph inventory {\n  label=%s; labelloc=t; rankdir=LR; node [shape=box]; edge [fontsize=9];\n", mark, quoted(strings.TrimSpace(site+" TLP:"+mark)))
}

func (d *dot) group(name string) {
	if d.open {
		fmt.Fprint(d.to, "  }\n")
	}
	if d.open = name != ""; d.open {
		d.clusters++
		fmt.Fprintf(d.to, "  subgraph cluster_%d {\n    label=%s;\n", d.clusters, quoted(name))
	}
}

func (d *dot) node(n node) {
	lines := []string{n.label}
	known := map[string]string{}
	for _, f := range n.fields {
		known[f.name] = f.value
	}
	for _, name := range []string{"model", "serial", "ip"} {
		if value := known[name]; value != "" && value != n.label {
			lines = append(lines, value)
		}
	}
	style := ""
	if !n.asset {
		style = ", style=dashed"
	}
	fmt.Fprintf(d.to, "    %s [label=%s%s];\n", quoted(n.id), quoted(lines...), style)
}

func (d *dot) edge(e edge) {
	style := ""
	if e.cable {
		style = ", dir=none, style=bold"
	}
	fmt.Fprintf(d.to, "  %s -> %s [label=%s%s];\n", quoted(e.from), quoted(e.to), quoted(e.label), style)
}

func (d *dot) end() error {
	fmt.Fprint(d.to, "}\n")
	return d.to.Flush()
}

// quoted writes a string of lines. In labels a backslash begins an escape, and an ampersand an entity.
func quoted(lines ...string) string {
	out := make([]string, len(lines))
	for i, line := range lines {
		out[i] = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(line)
	}
	return `"` + strings.Join(out, `\n`) + `"`
}
