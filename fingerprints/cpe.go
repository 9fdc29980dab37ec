package fingerprints

import (
	"io/fs"
	"regexp"
	"strings"

	"github.com/walkdown-ot/walkdown/discovery"
)

// cpeRow is a reviewed product of NVD: which identity it is, and how its name is made.
type cpeRow struct {
	vendor  string         // canonical
	field   discovery.Key  // the field that the pattern is for
	pattern *regexp.Regexp // matches the whole field
	name    string         // "part:vendor:product", with ${capture}
	version *regexp.Regexp // nil: the whole firmware; else its first group
}

// readCPEs reads rules/cpe.txt: "canonical vendor | field | pattern | part:vendor:product | pattern of the version". NVD's
// names are too irregular to be made by a scheme, so a product that is not listed gets none.
func readCPEs(tree fs.FS) ([]cpeRow, error) {
	lines, err := readLines(tree, "rules/cpe.txt")
	if err != nil {
		return nil, err
	}
	var rows []cpeRow
	for _, line := range lines {
		cells := line.cells()
		if len(cells) < 4 || len(cells) > 5 {
			return nil, line.mistake("%q: want 4 or 5 cells", line.text)
		}
		key, ok := fieldKey(strings.TrimSpace(cells[1]))
		if !ok {
			return nil, line.mistake("%q is no field of an identity", cells[1])
		}
		row := cpeRow{vendor: strings.TrimSpace(cells[0]), field: key, name: strings.TrimSpace(cells[3])}
		if row.pattern, err = regexp.Compile("^(?i:" + strings.TrimSpace(cells[2]) + ")$"); err != nil {
			return nil, line.mistake("%w", err)
		}
		if len(cells) == 5 {
			if row.version, err = regexp.Compile(strings.TrimSpace(cells[4])); err != nil {
				return nil, line.mistake("%w", err)
			}
		}
		rows = append(rows, row)
	}
	return rows, nil
}

// cpeVersion is the shape of a version that NVD's ranges can be compared with: digits in front.
var cpeVersion = regexp.MustCompile(`^\d+(?:\.\d+)*[0-9A-Za-z._-]*$`)

// cpe names the firmware for NVD, formatted as CPE 2.3 (NISTIR 7695 section 6.2). Without a version there is none: an open
// version would match every advisory that names a range. The first row that fits wins.
func (e *Engine) cpe(best []discovery.Fact) (discovery.Fact, bool) {
	first := map[discovery.Key]discovery.Fact{}
	for _, f := range best {
		if _, ok := first[f.Key]; !ok {
			first[f.Key] = f
		}
	}
	vendor, firmware := first[discovery.KeyVendor], first[discovery.KeyFirmware]
	if vendor.Value == "" || firmware.Value == "" {
		return discovery.Fact{}, false
	}
	for _, row := range e.cpes {
		field, ok := first[row.field]
		if row.vendor != vendor.Value || !ok {
			continue
		}
		groups := row.pattern.FindStringSubmatch(field.Value)
		if groups == nil {
			continue
		}
		version := firmware.Value
		if row.version != nil {
			got := row.version.FindStringSubmatch(first[discovery.KeyFirmwareRaw].Value)
			if got == nil {
				continue
			}
			version = got[1]
		}
		if !cpeVersion.MatchString(version) {
			continue
		}
		captured := map[string]string{}
		for i, name := range row.pattern.SubexpNames()[1:] {
			captured[name] = cpeToken(groups[i+1])
		}
		return discovery.Fact{
			Key: discovery.KeyCPE, Value: "cpe:2.3:" + expand(row.name, captured) + ":" + strings.ToLower(version) + ":*:*:*:*:*:*:*",
			Confidence: min(vendor.Confidence, field.Confidence, firmware.Confidence),
			From:       []discovery.Key{discovery.KeyVendor, row.field, discovery.KeyFirmware}, Rule: "table-cpe",
		}, true
	}
	return discovery.Fact{}, false
}

// cpeToken is text as a part of a CPE name: lower case, blanks to '_', '/' escaped, '-' and '.' as they are.
func cpeToken(text string) string {
	return strings.NewReplacer(" ", "_", "/", `\/`).Replace(strings.ToLower(text))
}
