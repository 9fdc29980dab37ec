package xlsx

import (
	"bufio"
	"encoding/xml"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"

	"github.com/walkdown-ot/walkdown/exporters/table"
)

// sheet is one that is being written.
type sheet struct {
	to      *bufio.Writer
	mark    string
	title   string
	part    int // of its table, from 1
	rows    int
	columns []string // "A", "B" ...
	err     error
}

// sheet begins the one of a number, with its header. Number 1 is the overview.
func (b *book) sheet(number int, title string, part int, columns []table.Column) (*sheet, error) {
	file, err := b.archive.Create(fmt.Sprintf("xl/worksheets/sheet%d.xml", number))
	if err != nil {
		return nil, fmt.Errorf("write workbook: %w", err)
	}
	s := &sheet{to: bufio.NewWriterSize(file, 1<<16), mark: b.mark, title: title, part: part}
	s.write(xml.Header, `<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetViews><sheetView workbookViewId="0">`,
		`<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/></sheetView></sheetViews><cols>`)
	for i, c := range columns {
		s.columns = append(s.columns, letters(i))
		s.write(fmt.Sprintf(`<col min="%d" max="%d" width="%d" customWidth="1"/>`, i+1, i+1, c.Width+2))
	}
	s.write("</cols><sheetData>")
	s.begin()
	for i, c := range columns {
		s.text(i, c.Name, styleHead)
	}
	s.end()
	return s, s.err
}

// finish ends a sheet; nil is none.
func (b *book) finish(s *sheet) error {
	if s == nil {
		return nil
	}
	s.write("</sheetData>")
	if n := len(s.columns); n > 0 {
		s.write(fmt.Sprintf(`<autoFilter ref="A1:%s%d"/>`, s.columns[n-1], s.rows))
	}
	s.write("</worksheet>")
	if s.err == nil {
		s.err = s.to.Flush()
	}
	if s.err != nil {
		return fmt.Errorf("write workbook: %w", s.err)
	}
	b.sheets = append(b.sheets, written{s.title, s.rows, len(s.columns)})
	return nil
}

func (s *sheet) write(texts ...string) {
	for _, text := range texts {
		if s.err == nil {
			_, s.err = s.to.WriteString(text)
		}
	}
}

func (s *sheet) begin() {
	s.rows++
	s.write(`<row r="`, strconv.Itoa(s.rows), `">`)
}

func (s *sheet) end() { s.write("</row>") }

// row writes one. What is not known has no cell.
func (s *sheet) row(cells []table.Cell) {
	s.begin()
	for i, c := range cells {
		switch v := c.(type) {
		case table.TLP:
			s.text(i, s.mark, stylePlain)
		case bool:
			n := "0"
			if v {
				n = "1"
			}
			s.cell(i, ` t="b"`, n)
		case int, int64, uint64, float64, table.Confidence:
			if text := table.Text(v); text != "" {
				s.cell(i, "", text)
			}
		case time.Time:
			if !v.IsZero() {
				s.cell(i, ` s="`+styleTime+`"`, serial(v))
			}
		default:
			style := stylePlain
			text := table.Text(v)
			if strings.IndexAny(text, "=+-@'") == 0 {
				style = styleQuoted
			}
			s.text(i, text, style)
		}
	}
	s.end()
}

// cell writes a number.
func (s *sheet) cell(column int, attributes, value string) {
	s.write(`<c r="`, s.columns[column], strconv.Itoa(s.rows), `"`, attributes, `><v>`, value, `</v></c>`)
}

// text writes a text.
func (s *sheet) text(column int, text, style string) {
	if text == "" {
		return
	}
	s.write(`<c r="`, s.columns[column], strconv.Itoa(s.rows), `" s="`, style, `" t="inlineStr"><is><t xml:space="preserve">`)
	if s.err == nil {
		s.err = xml.EscapeText(s.to, []byte(escaped.ReplaceAllString(shortened(text), "_x005F_$1")))
	}
	s.write(`</t></is></c>`)
}

// escaped is what readers take for an escaped character (ST_Xstring, ECMA-376 part 1, 22.9.2.19).
var escaped = regexp.MustCompile(`_(x[0-9A-Fa-f]{4}_)`)

// maxText is how many UTF-16 units a cell holds.
const maxText = 32_767

func shortened(text string) string {
	if len(text) <= maxText {
		return text
	}
	units := 0
	for i, r := range text {
		if units += utf16.RuneLen(r); units >= maxText {
			return text[:i] + "…"
		}
	}
	return text
}

// serial is a time in UTC as days since the end of 1899, to the second.
func serial(t time.Time) string {
	const day = 24 * time.Hour
	since := t.UTC().Truncate(time.Second).Sub(time.Date(1899, time.December, 30, 0, 0, 0, 0, time.UTC))
	return strconv.FormatFloat(float64(since)/float64(day), 'f', 10, 64)
}

// letters is the name of a column, from 0.
func letters(n int) string {
	name := ""
	for n++; n > 0; n = (n - 1) / 26 {
		name = string(rune('A'+(n-1)%26)) + name
	}
	return name
}
