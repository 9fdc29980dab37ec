package inventory

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
)

// Annotation is what a person said of an asset, or of a conduit, an external dependency or a zone, which have ids of their own.
// The last one of an attribute takes effect; the ones before stay. An empty value takes the one before back.
type Annotation struct {
	Of        string    `json:"of"` // "a-…" an asset, "c-…" a conduit, "x-…" an external dependency, "z-…" a zone
	Attribute string    `json:"attribute"`
	Value     string    `json:"value,omitempty"`
	Author    string    `json:"author,omitempty"`
	Time      time.Time `json:"time"`
}

// Registry is a Source that also knows what people said of things that are no assets.
type Registry interface {
	// Said gives the annotations that take effect, by the id of what they are about, for the ids that begin with prefix.
	Said(ctx context.Context, prefix string) (map[string]map[string]string, error)
}

// saidOf asks a source for what people said, if it knows.
func saidOf(ctx context.Context, from Source, prefix string) (map[string]map[string]string, error) {
	if registry, ok := from.(Registry); ok {
		return registry.Said(ctx, prefix)
	}
	return nil, nil
}

// CustomPrefix stands in front of the name of a field that walkdown does not know, wherever it is stored or exported.
const CustomPrefix = "custom_"

// Field is something that people know of an asset and the wire does not tell. The first group are the fields of Appendix A of the
// "Asset Inventory Guidance for Owners and Operators" of CISA and partners (August 2025) that no protocol tells for sure.
type Field struct {
	Name  string // of the column and of the annotation
	Title string // in words
	// Priority is that of the guidance: "high", "medium" or "low"; empty for a field that it does not have.
	Priority string
	// Check gives the value in its one spelling, or says what is wrong with it; nil: any text.
	Check func(value string) (string, error)
}

// The fields that the program itself looks at.
const (
	FieldZone     = "zone"
	FieldSLT      = "sl_t"
	FieldExpected = "expected"
	FieldPartner  = "external_partner"
	FieldRole     = "asset_role"
)

// Fields are the human fields of an asset, in the order of a sheet.
func Fields() []Field {
	return []Field{
		{FieldZone, "zone", "", nil},
		{"criticality", "criticality", "high", nil},
		{"asset_number", "asset number", "high", nil},
		{FieldRole, "role", "high", nil},
		{"location", "location", "high", nil},
		{"logging", "logging", "high", nil},
		{"user_accounts", "user accounts", "high", nil},
		{"owner", "owner or department", "medium", nil},
		{"backup", "backup: how often, what kind", "medium", nil},
		{"baseline_image", "baseline image", "medium", nil},
		{"distributor", "distributor", "medium", nil},
		{"virtual", "physical or virtual", "medium", oneOf("physical", "virtual")},
		{"antivirus", "antivirus or endpoint protection", "low", nil},
		{"manufactured", "date of manufacture", "low", date},
		{"hypervisor", "hypervisor", "low", nil},
		{"hypervisor_location", "location within the hypervisor", "low", nil},
		{"time_zone", "local time zone", "low", nil},
		{"time_source", "time source", "low", nil},
		{"monitoring", "network monitoring", "low", nil},
		{"communication", "primary way of communication", "low", nil},
		{"remarks", "remarks", "low", nil},
		{FieldSLT, "target security level, seven digits for FR 1 to 7 of IEC 62443", "", securityLevels},
		{"system", "system or machine", "", nil},
		{"supplier", "supplier", "", nil},
		{"contract", "contract", "", nil},
		{"support_end", "end of support", "", date},
		{FieldPartner, "external partner", "", nil},
		{FieldExpected, "expected here", "", oneOf("yes", "no")},
	}
}

// ConduitFields are what people add to a conduit: the columns of its list from accountable_org on, without evidence_ids.
func ConduitFields() []Field {
	return []Field{
		{"accountable_org", "accountable organisation", "", nil},
		{"technical_owner", "technical owner", "", nil},
		{"purpose", "purpose", "", nil},
		{"justification", "justification", "", nil},
		{fieldApprovedBy, "approved by", "", nil},
		{fieldApprovedOn, "approved on", "", date},
		{"safety", "safety designation", "", nil},
		{FieldSLT, "target security level, seven digits for FR 1 to 7 of IEC 62443", "", securityLevels},
		{"requirements", "security requirements", "", nil},
		{"policies", "policies", "", nil},
		{"assumptions", "assumptions and external dependencies", "", nil},
	}
}

const (
	fieldApprovedBy = "approved_by"
	fieldApprovedOn = "approved_on"
)

// ExternalFields are what people add to an external dependency.
func ExternalFields() []Field {
	return []Field{
		{"partner", "who it is", "", nil},
		{"purpose", "what it is for", "", nil},
		{"contract", "contract", "", nil},
		{"contact", "contact", "", nil},
		{fieldApprovedBy, "approved by", "", nil},
		{fieldApprovedOn, "approved on", "", date},
		{"remarks", "remarks", "", nil},
	}
}

// ZoneFields are what people add to a zone: what ZCR 6.4 of IEC 62443-3-2 asks for and the wire does not tell.
func ZoneFields() []Field {
	return []Field{
		{"accountable_org", "accountable organisation", "", nil},
		{"physical_boundary", "physical boundary", "", nil},
		{"logical_boundary", "logical boundary", "", nil},
		{"safety", "safety designation", "", nil},
		{FieldSLT, "target security level, seven digits for FR 1 to 7 of IEC 62443", "", securityLevels},
		{"requirements", "security requirements", "", nil},
		{"policies", "policies", "", nil},
		{"assumptions", "assumptions and external dependencies", "", nil},
	}
}

// FieldsOf are the fields of what an id is about: an asset, a conduit, an external dependency or a zone. Nil: it is no such id.
func FieldsOf(id string) []Field {
	switch {
	case strings.HasPrefix(id, prefixAsset):
		return Fields()
	case strings.HasPrefix(id, prefixConduit):
		return ConduitFields()
	case strings.HasPrefix(id, prefixExternal):
		return ExternalFields()
	case strings.HasPrefix(id, prefixZone):
		return ZoneFields()
	}
	return nil
}

// The first letters of ids.
const (
	prefixAsset    = "a-"
	prefixConduit  = "c-"
	prefixExternal = "x-"
	prefixZone     = "z-"
)

// maxAnnotation is the longest value that a person can give, in bytes.
const maxAnnotation = 4096

// CheckAnnotation gives a value as it is stored: clean text in its one spelling. A field that is not among those of its kind is
// stored as a custom one, under the name that is given back.
func CheckAnnotation(fields []Field, name, value string) (field, clean string, err error) {
	clean = discovery.Text(value)
	if len(value) > maxAnnotation {
		return name, "", fmt.Errorf("%s: longer than %d bytes", name, maxAnnotation)
	}
	i := slices.IndexFunc(fields, func(f Field) bool { return f.Name == name })
	if i < 0 {
		return CustomName(name), clean, nil
	}
	if clean == "" || fields[i].Check == nil {
		return name, clean, nil
	}
	clean, err = fields[i].Check(clean)
	if err != nil {
		return name, "", fmt.Errorf("%s: %w", name, err)
	}
	return name, clean, nil
}

// CustomName is the name of a custom field for a column's head: lower case, digits and underscores, with CustomPrefix in front.
// It is empty where the head has no letter and no digit.
func CustomName(head string) string {
	name := ColumnName(head)
	if name == "" || strings.HasPrefix(name, CustomPrefix) {
		return name
	}
	return CustomPrefix + name
}

var notName = regexp.MustCompile(`[^\p{L}\p{N}]+`)

// ColumnName is a column's head as a name: lower case, what is neither letter nor digit an underscore.
func ColumnName(head string) string {
	const longest = 64
	name := strings.Trim(notName.ReplaceAllString(strings.ToLower(discovery.Text(head)), "_"), "_")
	if runes := []rune(name); len(runes) > longest {
		name = strings.TrimRight(string(runes[:longest]), "_")
	}
	return name
}

// securityLevels checks a security level vector: one level, 0 to 4, for each of the seven foundational requirements of IEC
// 62443-1-1 (identification and authentication control, use control, system integrity, data confidentiality, restricted data flow,
// timely response to events, resource availability). Its spelling is "2 2 1 1 1 1 2".
func securityLevels(value string) (string, error) {
	const want = "want seven levels, 0 to 4, for FR 1 to 7, such as 2 2 1 1 1 1 2"
	var levels []string
	for _, word := range strings.FieldsFunc(value, func(r rune) bool { return strings.ContainsRune(" ,;/{}()[]", r) }) {
		if len(word) > 1 && len(levels) == 0 && len(word) == 7 { // 2211112
			levels = append(levels, strings.Split(word, "")...)
			continue
		}
		levels = append(levels, word)
	}
	if len(levels) != 7 {
		return "", fmt.Errorf("%q has %d levels: %s", value, len(levels), want)
	}
	for _, level := range levels {
		if n, err := strconv.Atoi(level); err != nil || n < 0 || n > 4 || len(level) != 1 {
			return "", fmt.Errorf("%q is no security level: %s", level, want)
		}
	}
	return strings.Join(levels, " "), nil
}

// oneOf checks a word of a short list. The words that spreadsheets make of yes and no are taken too.
func oneOf(words ...string) func(string) (string, error) {
	return func(value string) (string, error) {
		same := map[string]string{"true": "yes", "1": "yes", "y": "yes", "x": "yes", "false": "no", "0": "no", "n": "no", "ja": "yes", "nein": "no"}
		word := strings.ToLower(value)
		if slices.Contains(words, word) {
			return word, nil
		}
		if slices.Contains(words, same[word]) {
			return same[word], nil
		}
		return "", fmt.Errorf("%q: want %s", value, strings.Join(words, " or "))
	}
}

// date checks a day. A spreadsheet of German settings writes 31.12.2030; 12/31/2030 and 31/12/2030 cannot be told apart and are
// refused where both could be meant.
func date(value string) (string, error) {
	for _, form := range []string{time.DateOnly, "2.1.2006", "2006/1/2", "2006-01", "2006", time.RFC3339, time.DateTime} {
		if t, err := time.Parse(form, value); err == nil {
			switch form {
			case "2006-01", "2006":
				return value, nil // all that is known
			}
			return t.Format(time.DateOnly), nil
		}
	}
	dayFirst, errDay := time.Parse("2/1/2006", value)
	monthFirst, errMonth := time.Parse("1/2/2006", value)
	switch {
	case errDay == nil && errMonth == nil && !dayFirst.Equal(monthFirst):
		return "", fmt.Errorf("%q may be two days: write 2030-12-31", value)
	case errDay == nil:
		return dayFirst.Format(time.DateOnly), nil
	case errMonth == nil:
		return monthFirst.Format(time.DateOnly), nil
	}
	return "", fmt.Errorf("%q is no day: write 2030-12-31", value)
}
