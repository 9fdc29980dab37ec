package inventory

// Event is a change with its place in the order of changes, and what the asset is called now. An asset that is no more, because it was
// merged, has its id alone.
type Event struct {
	Number int64 `json:"number"`
	Change
	Name    string `json:"name,omitempty"`
	MAC     string `json:"mac,omitempty"`
	IP      string `json:"ip,omitempty"`
	Site    string `json:"site,omitempty"`
	Segment string `json:"segment,omitempty"`
}
