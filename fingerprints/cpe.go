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
	guess   bool           // the name was not looked up: it stays a candidate
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
		name, guess := strings.CutPrefix(strings.TrimSpace(cells[3]), "?")
		row := cpeRow{vendor: strings.TrimSpace(cells[0]), field: key, name: name, guess: guess}
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
var cpeVersion = regexp.MustCompile(`^\d[0-9A-Za-z._()-]*$`)

// cpeSure is how sure maker, product and version must each be for a CPE to be a claim. A wrong one finds the advisories of another
// product, or misses those of this one.
const cpeSure = 0.75

// cpe names the firmware for NVD, formatted as CPE 2.3 (NISTIR 7695 section 6.2): a claim (id.cpe), or at most a candidate
// (id.cpe-candidate). A claim is a product of the reviewed table with a known version: an open version would match every advisory
// that names a range. The first row that fits wins; a second one, a product without a version or not sure enough, and a name made by
// NVD's usual scheme are candidates.
func (e *Engine) cpe(best []discovery.Fact) []discovery.Fact {
	first := map[discovery.Key]discovery.Fact{}
	for _, f := range best {
		if _, ok := first[f.Key]; !ok {
			first[f.Key] = f
		}
	}
	vendor := first[discovery.KeyVendor]
	if vendor.Value == "" {
		return nil
	}
	var claim, candidate discovery.Fact
	for _, row := range e.cpes {
		field, ok := first[row.field]
		if row.vendor != vendor.Value || !ok {
			continue
		}
		groups := row.pattern.FindStringSubmatch(field.Value)
		if groups == nil {
			continue
		}
		captured := map[string]string{}
		for i, name := range row.pattern.SubexpNames()[1:] {
			captured[name] = cpeToken(groups[i+1])
		}
		fact := cpeFact(expand(row.name, captured), row.versionOf(first), vendor, field, first[discovery.KeyFirmware])
		if row.guess {
			fact.Key = discovery.KeyCPECandidate
		}
		switch {
		case claim.Value == "" && fact.Key == discovery.KeyCPE:
			claim = fact
		case candidate.Value == "":
			candidate = fact
			candidate.Key = discovery.KeyCPECandidate
		}
	}
	if product := first[discovery.KeyModel]; claim.Value == "" && candidate.Value == "" && product.Value != "" && vendor.Confidence >= cpeSure {
		name := "o:" + cpeToken(vendor.Value) + ":" + cpeToken(product.Value) + "_firmware"
		if token := e.cpeVendor(vendor.Value); token != "" {
			name = "o:" + token + ":" + cpeToken(product.Value) + "_firmware"
		}
		candidate = cpeFact(name, firmwareVersion(first), vendor, product, first[discovery.KeyFirmware])
		candidate.Key, candidate.Confidence = discovery.KeyCPECandidate, min(candidate.Confidence, cpeGuess)
	}
	var out []discovery.Fact
	for _, f := range []discovery.Fact{claim, candidate} {
		if f.Value != "" && (f.Key != discovery.KeyCPECandidate || f.Value != claim.Value) {
			out = append(out, f)
		}
	}
	return out
}

// cpeGuess is how much a name made by scheme is worth.
const cpeGuess = 0.3

// cpeVendor is what NVD calls a vendor, as the rows of the table say.
func (e *Engine) cpeVendor(vendor string) string {
	for _, row := range e.cpes {
		if row.vendor == vendor {
			return strings.Split(row.name, ":")[1]
		}
	}
	return ""
}

// versionOf is the version as NVD counts it; empty when it is not known.
func (row cpeRow) versionOf(first map[discovery.Key]discovery.Fact) string {
	if row.version == nil {
		return firmwareVersion(first)
	}
	got := row.version.FindStringSubmatch(first[discovery.KeyFirmwareRaw].Value)
	if got == nil || !cpeVersion.MatchString(got[1]) {
		return ""
	}
	return got[1]
}

func firmwareVersion(first map[discovery.Key]discovery.Fact) string {
	if version := first[discovery.KeyFirmware].Value; cpeVersion.MatchString(version) {
		return version
	}
	return ""
}

// cpeFact is a CPE and what it rests on: a claim if the version is known and all is sure enough.
func cpeFact(name, version string, vendor, product, firmware discovery.Fact) discovery.Fact {
	f := discovery.Fact{
		Key: discovery.KeyCPE, Confidence: min(vendor.Confidence, product.Confidence), From: []discovery.Key{discovery.KeyVendor, product.Key},
		Rule: "table-cpe",
	}
	if version == "" {
		version = "*"
		f.Key = discovery.KeyCPECandidate
	} else {
		version = cpeToken(version)
		f.Confidence = min(f.Confidence, firmware.Confidence)
		f.From = append(f.From, discovery.KeyFirmware)
	}
	if f.Confidence < cpeSure {
		f.Key = discovery.KeyCPECandidate
	}
	f.Value = "cpe:2.3:" + name + ":" + version + ":*:*:*:*:*:*:*"
	return f
}

// cpeToken is text as a part of a CPE name: lower case, blanks to '_'; letters, digits, '-', '.' and '_' stand as they are, other
// signs are escaped, what is not ASCII is left out.
func cpeToken(text string) string {
	var out strings.Builder
	for _, r := range strings.ToLower(text) {
		switch {
		case r == ' ':
			out.WriteByte('_')
		case r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '-' || r == '.' || r == '_':
			out.WriteRune(r)
		case r > ' ' && r < 0x7f:
			out.WriteByte('\\')
			out.WriteRune(r)
		}
	}
	return out.String()
}
