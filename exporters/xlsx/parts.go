package xlsx

import (
	"encoding/xml"
	"fmt"
	"strings"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/exporters/table"
)

// The styles of cells, by their places in the style sheet.
const (
	// 0 is what numbers have.
	styleHead   = "1"
	styleTime   = "2"
	stylePlain  = "3"
	styleQuoted = "4" // a text that would be a formula, and stays a text when a person edits it
)

const styles = `<styleSheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">` +
	`<numFmts count="1"><numFmt numFmtId="164" formatCode="yyyy\-mm\-dd\ hh:mm:ss"/></numFmts>` +
	`<fonts count="2"><font><sz val="11"/><name val="Calibri"/></font><font><b/><sz val="11"/><name val="Calibri"/></font></fonts>` +
	`<fills count="3"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill>` +
	`<fill><patternFill patternType="solid"><fgColor rgb="FFD9E2EC"/><bgColor indexed="64"/></patternFill></fill></fills>` +
	`<borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>` +
	`<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs><cellXfs count="5">` +
	`<xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/>` +
	`<xf numFmtId="49" fontId="1" fillId="2" borderId="0" xfId="0" applyNumberFormat="1" applyFont="1" applyFill="1"/>` +
	`<xf numFmtId="164" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/>` +
	`<xf numFmtId="49" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/>` +
	`<xf numFmtId="49" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1" quotePrefix="1"/></cellXfs>` +
	`<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>`

const relationships = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"

// close writes the overview and the parts that name the others.
func (b *book) close(o Options) error {
	tables := b.sheets
	if err := b.overview(o, tables); err != nil {
		return err
	}
	var types, sheets, relations, names strings.Builder
	for i, s := range append([]written{{title: "Overview"}}, tables...) {
		n := i + 1
		fmt.Fprintf(&types, `<Override PartName="/xl/worksheets/sheet%d.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/>`, n)
		fmt.Fprintf(&sheets, `<sheet name="%s" sheetId="%d" r:id="rId%d"/>`, s.title, n, n)
		fmt.Fprintf(&relations, `<Relationship Id="rId%d" Type="%s/worksheet" Target="worksheets/sheet%d.xml"/>`, n, relationships, n)
		if i > 0 {
			fmt.Fprintf(&names, `<definedName name="_xlnm._FilterDatabase" localSheetId="%d" hidden="1">'%s'!$A$1:$%s$%d</definedName>`,
				i, s.title, letters(s.columns-1), s.rows)
		}
	}
	for _, part := range []struct{ name, text string }{
		{"xl/styles.xml", styles},
		{
			"xl/workbook.xml", `<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="` + relationships + `"><sheets>` +
				sheets.String() + `</sheets><definedNames>` + names.String() + `</definedNames></workbook>`,
		},
		{
			"xl/_rels/workbook.xml.rels", `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">` + relations.String() +
				`<Relationship Id="styles" Type="` + relationships + `/styles" Target="styles.xml"/></Relationships>`,
		},
		{
			"_rels/.rels", `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">` +
				`<Relationship Id="rId1" Type="` + relationships + `/officeDocument" Target="xl/workbook.xml"/></Relationships>`,
		},
		{
			"[Content_Types].xml", `<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">` +
				`<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>` +
				`<Default Extension="xml" ContentType="application/xml"/>` +
				`<Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/>` +
				`<Override PartName="/xl/styles.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.styles+xml"/>` +
				types.String() + `</Types>`,
		},
	} {
		file, err := b.archive.Create(part.name)
		if err != nil {
			return err
		}
		if _, err := file.Write([]byte(xml.Header + part.text)); err != nil {
			return err
		}
	}
	return b.archive.Close()
}

// overview is the first sheet: what the workbook is, and what is in it.
func (b *book) overview(o Options, tables []written) error {
	s, err := b.sheet(1, "Overview", 1, []table.Column{{Name: "inventory", Width: 24}, {Name: discovery.Text(o.Site), Width: 60}})
	if err != nil {
		return err
	}
	s.row([]table.Cell{"TLP", table.TLP{}})
	if !o.Reproducible {
		s.row([]table.Cell{"made", o.Time})
	}
	s.row([]table.Cell{"by", "walkdown " + o.Version})
	s.row([]table.Cell{"times", "UTC"})
	for _, t := range tables {
		s.row([]table.Cell{t.title, t.rows - 1})
	}
	return b.finish(s)
}
