package inventory

// Custody is what makes the record of a survey hold up later: by which clock it was written, what identified the devices, and which
// files it was read from. Operator, permission, plug-in point and version stand in the survey itself.
type Custody struct {
	Clock    *Clock            `json:"clock,omitempty"`    // nil: the system does not tell
	Versions map[string]string `json:"versions,omitempty"` // of the rules and registries, by name
	Captures []CaptureFile     `json:"captures,omitempty"` // that were read, or written by the survey
}

// Clock is what the system knew of its own clock when the survey began. Nobody was asked for the time.
type Clock struct {
	Synchronized bool    `json:"synchronized"`           // something keeps it right (NTP, PTP, GPS)
	OffsetMS     float64 `json:"offset_ms,omitempty"`    // what is left to correct, as the system knows
	MaxErrorMS   float64 `json:"max_error_ms,omitempty"` // how far off it may be at most, as the system says; only when synchronised
	Source       string  `json:"source"`                 // who says so: "kernel"
}

// CaptureFile is a file of frames.
type CaptureFile struct {
	File   string `json:"file"`
	SHA256 string `json:"sha256"`
	Bytes  int64  `json:"bytes"`
	Own    bool   `json:"own,omitempty"` // the survey's own traffic, which it wrote
}
