package graph

import (
	"bufio"
	"encoding/xml"
	"fmt"
	"io"
	"strings"
)

// graphML writes GraphML: each field is a key that is declared in front.
type graphML struct {
	to    *bufio.Writer
	edges int
}

func newGraphML(to io.Writer) *graphML { return &graphML{to: bufio.NewWriterSize(to, 1<<16)} }

func (g *graphML) begin(site, mark string) {
	fmt.Fprint(g.to, xml.Header, "<graphml xmlns=\"http://graphml.graphdrawing.org/xmlns\" xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\""+
		" xsi:schemaLocation=\"http://graphml.graphdrawing.org/xmlns http://graphml.graphdrawing.org/xmlns/1.0/graphml.xsd\">\n")
	for _, key := range []struct{ of, kind, names string }{
		{"graph", "string", "tlp site"},
		{"node", "string", "label site segment zone level type vendor model firmware serial ip mac"},
		{"node", "boolean", "asset"},
		{"edge", "string", "label kind local_port remote_port via protocol port operations frequency"},
		{"edge", "long", "packets bytes"},
		{"edge", "boolean", "external"},
	} {
		for _, name := range strings.Fields(key.names) {
			fmt.Fprintf(g.to, "  <key id=\"%s.%s\" for=\"%s\" attr.name=\"%s\" attr.type=\"%s\"/>\n", key.of, name, key.of, name, key.kind)
		}
	}
	fmt.Fprint(g.to, "  <graph edgedefault=\"directed\">\n")
	g.data("graph", []field{{"tlp", mark}, {"site", site}})
}

func (*graphML) group(string) {}

func (g *graphML) node(n node) {
	fmt.Fprintf(g.to, "    <node id=\"%s\">\n", escaped(n.id))
	g.data("node", append([]field{{"label", n.label}, {"asset", fmt.Sprint(n.asset)}}, n.fields...))
	fmt.Fprint(g.to, "    </node>\n")
}

func (g *graphML) edge(e edge) {
	g.edges++
	direction := ""
	if e.cable {
		direction = " directed=\"false\""
	}
	fmt.Fprintf(g.to, "    <edge id=\"e%d\" source=\"%s\" target=\"%s\"%s>\n", g.edges, escaped(e.from), escaped(e.to), direction)
	fields := e.fields
	if e.label != "" {
		fields = append([]field{{"label", e.label}}, fields...)
	}
	g.data("edge", fields)
	fmt.Fprint(g.to, "    </edge>\n")
}

func (g *graphML) data(of string, fields []field) {
	for _, f := range fields {
		if f.value != "" {
			fmt.Fprintf(g.to, "      <data key=\"%s.%s\">%s</data>\n", of, f.name, escaped(f.value))
		}
	}
}

func (g *graphML) end() error {
	fmt.Fprint(g.to, "  </graph>\n</graphml>\n")
	return g.to.Flush()
}

func escaped(text string) string {
	var out strings.Builder
	_ = xml.EscapeText(&out, []byte(text)) // a builder takes everything
	return out.String()
}
