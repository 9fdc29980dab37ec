package fingerprints

import (
	"regexp"
	"strings"
)

var (
	// versionWord is what stands in front of a version: "FW: Version V", "REV ", "Ver.", "v".
	versionWord   = regexp.MustCompile(`(?i)^(?:(?:firmware|software|release|revision|version|build|fw|sw|rev|ver|vers|rel)\b[\s.:_=-]*)+`)
	huaweiRelease = regexp.MustCompile(`^V\d{3}R\d`)
	versionV      = regexp.MustCompile(`^[vV][\s._]*(\d)`)
	looseDots     = regexp.MustCompile(`\s*\.\s*`)
	threeNumeral  = regexp.MustCompile(`^(\d+)\.0(\d\d)$`)
)

// normaliseFirmware makes a version comparable: the words in front, a leading V and blanks around dots go. What the makers
// mean by zeros differs (Rockwell prints revision 20.13 as "20.013", MicroLogix "5.00" and Schneider "03.110" mean what they
// say), so only the schemes that are known are changed.
func normaliseFirmware(vendor, raw string) string {
	text := strings.TrimSpace(raw)
	text = versionWord.ReplaceAllString(text, "")
	if !huaweiRelease.MatchString(text) { // V200R009C00: the letters are part of it
		text = versionV.ReplaceAllString(text, "$1")
	}
	text = looseDots.ReplaceAllString(text, ".")
	text, _, _ = strings.Cut(text, " | ") // Zyxel: a date stands behind
	if vendor == "Rockwell Automation" {
		text = threeNumeral.ReplaceAllString(text, "$1.$2")
	}
	return strings.Trim(text, " ,;:")
}
