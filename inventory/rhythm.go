package inventory

// Rhythm is how a device served one of its own clients before, while and after a survey asked it.
type Rhythm struct {
	Server    string `json:"server"` // IP
	Client    string `json:"client"` // IP
	Transport string `json:"transport"`
	Port      uint16 `json:"port"` // the server's
	Protocol  string `json:"protocol,omitempty"`
	Before    Beat   `json:"before"`
	During    Beat   `json:"during"`
	After     Beat   `json:"after"`
}

// Beat is what was overheard in one of the three times.
type Beat struct {
	ListenedS  float64 `json:"listened_s"`
	Messages   int     `json:"messages"`              // of the client
	IntervalMS float64 `json:"interval_ms,omitempty"` // the client's period
	Answers    int     `json:"answers"`
	AnswerMS   float64 `json:"answer_ms,omitempty"` // that the device took, the median
	Repeats    int     `json:"repeats"`             // segments that were sent again
	Resets     int     `json:"resets"`              // inside an exchange
}
