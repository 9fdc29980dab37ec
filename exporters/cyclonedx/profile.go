package cyclonedx

import (
	"crypto/sha256"
	"fmt"
	"strings"

	cdx "github.com/CycloneDX/cyclonedx-go"
)

// DependencyTrack is the profile for uploads to Dependency-Track, which flattens what is nested, takes components that are equal in
// group, name, version and CPE for one, keeps names of at most 255 characters and property values of at most 1024, and in older
// versions one value under each property name.
const DependencyTrack = "dependency-track"

const (
	trackName     = 255
	trackProperty = 1024
)

// fit makes a component fit the profile: itself and what is in it.
func (e *exporter) fit(c *cdx.Component) {
	if e.Profile != DependencyTrack {
		return
	}
	c.Name, c.Version, c.CPE = cutName(c.Name), cut(c.Version, trackName), unlessLonger(c.CPE, trackName)
	c.Properties = fitProperties(c.Properties)
	if c.Components == nil {
		return
	}
	for i := range *c.Components {
		inside := &(*c.Components)[i]
		if inside.Type != cdx.ComponentTypeDevice {
			// The firmware of two equal devices is not one firmware.
			inside.Name = c.Name + " " + string(inside.Type)
		}
		e.fit(inside)
	}
}

func (e *exporter) fitService(s *cdx.Service) {
	if e.Profile != DependencyTrack {
		return
	}
	s.Group, s.Name = cutName(s.Group), cutName(s.Name)
	s.Properties = fitProperties(s.Properties)
}

// fitProperties puts the values of one name, which come one behind the other, into one.
func fitProperties(all *[]cdx.Property) *[]cdx.Property {
	if all == nil {
		return nil
	}
	var kept []cdx.Property
	for _, p := range *all {
		if n := len(kept); n > 0 && kept[n-1].Name == p.Name {
			kept[n-1].Value += "; " + p.Value
		} else {
			kept = append(kept, p)
		}
	}
	for i := range kept {
		kept[i].Name, kept[i].Value = cut(kept[i].Name, trackName), cut(kept[i].Value, trackProperty)
	}
	return &kept
}

// cutName keeps names that differ different.
func cutName(name string) string {
	const digest = 8
	if len(name) <= trackName {
		return name
	}
	return cut(name, trackName-digest-1) + "~" + fmt.Sprintf("%x", sha256.Sum256([]byte(name)))[:digest]
}

// cut keeps whole characters.
func cut(text string, most int) string {
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "")
}

func unlessLonger(text string, most int) string {
	if len(text) > most {
		return ""
	}
	return text
}
