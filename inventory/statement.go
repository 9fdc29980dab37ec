package inventory

import "time"

// Statement is evidence in words, as it is printed and served; its JSON is a part of the contract (docs/json.md).
type Statement struct {
	Subject    string    `json:"subject"`
	Key        string    `json:"key"`
	Value      string    `json:"value"`
	Mode       string    `json:"mode"`
	Protocol   string    `json:"protocol,omitempty"`
	Sensor     string    `json:"sensor,omitempty"`
	Teller     string    `json:"teller,omitempty"` // empty: the subject itself
	Rule       string    `json:"rule,omitempty"`
	From       []string  `json:"from,omitempty"`
	Confidence float32   `json:"confidence,omitempty"`
	Count      int       `json:"count,omitempty"`
	First      time.Time `json:"first_seen,omitzero"`
	Last       time.Time `json:"last_seen,omitzero"`
	Survey     string    `json:"survey,omitempty"`
}

// Statement puts the evidence into words.
func (e Evidence) Statement() Statement {
	s := Statement{
		Subject: e.Subject.String(), Key: string(e.Fact.Key), Value: e.Fact.Value, Mode: e.Mode.String(), Protocol: e.Protocol,
		Sensor: e.Sensor, Rule: e.Fact.Rule, Confidence: e.Fact.Confidence, Count: e.Count, First: e.First, Last: e.Last, Survey: e.Survey,
	}
	if !e.Teller.IsZero() {
		s.Teller = e.Teller.String()
	}
	for _, key := range e.Fact.From {
		s.From = append(s.From, string(key))
	}
	return s
}
