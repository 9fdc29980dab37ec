package fingerprints

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// fileText, ruleText and exampleText are the YAML.
type fileText struct {
	Source string     `yaml:"source"`
	Rules  []ruleText `yaml:"rules"`
	// OIDs is a table of object identifiers: a row is a rule "snmp.sysObjectID under OID" that proves itself.
	OIDs map[string]rowText `yaml:"oids"`
	// Objects is a table of keys, or of SNMP scalars, under which a device says one value of its nameplate. ${value} is the whole
	// value.
	Objects map[string]rowText `yaml:"objects"`
	// Values is a table of keys, and of what each value under the key means.
	Values map[string]map[string]rowText `yaml:"values"`
	// Makers is a table of vendors that make, as far as plants see them, one type of thing.
	Makers map[string]placedText `yaml:"makers"`
}

type ruleText struct {
	ID         placedText         `yaml:"id"`
	When       []placedText       `yaml:"when"`
	Set        map[string]string  `yaml:"set"`
	Confidence float32            `yaml:"confidence"`
	But        map[string]float32 `yaml:"but"` // confidence of single fields that differs
	Instead    []string           `yaml:"instead"`
	Source     string             `yaml:"source"`
	Examples   []exampleText      `yaml:"examples"`
}

// line is where the rule begins, as well as it is known.
func (r ruleText) line() int {
	if r.ID.line == 0 && len(r.When) > 0 {
		return r.When[0].line
	}
	return r.ID.line
}

type exampleText struct {
	Given map[string]string `yaml:"given"`
	Want  map[string]string `yaml:"want"`  // what the whole engine must put first
	Never bool              `yaml:"never"` // a counter-example: the rule must not speak
}

// placedText is a text with the line that it stands in.
type placedText struct {
	text string
	line int
}

// UnmarshalYAML is part of yaml.Unmarshaler.
func (p *placedText) UnmarshalYAML(node *yaml.Node) error {
	p.line = node.Line
	return node.Decode(&p.text)
}

// rowText is a row of a table with the line that it stands in.
type rowText struct {
	fields map[string]string
	line   int
}

// UnmarshalYAML is part of yaml.Unmarshaler.
func (r *rowText) UnmarshalYAML(node *yaml.Node) error {
	r.line = node.Line
	return node.Decode(&r.fields)
}

// MistakeError is a mistake in a data file, with where it is.
type MistakeError struct {
	File string
	Line int // 0: not known
	Err  error
}

// Error is "FILE:LINE: what is wrong".
func (e *MistakeError) Error() string {
	if e.Line == 0 {
		return e.File + ": " + e.Err.Error()
	}
	return fmt.Sprintf("%s:%d: %v", e.File, e.Line, e.Err)
}

// Unwrap is the mistake itself.
func (e *MistakeError) Unwrap() error { return e.Err }

// readRules reads *.yaml and rules/*.yaml in the order of their names, with their examples or without.
func readRules(tree fs.FS, words *vocabulary, examples bool) ([]*rule, error) {
	var paths []string
	for _, pattern := range []string{"*.yaml", "rules/*.yaml"} {
		found, err := fs.Glob(tree, pattern)
		if err != nil {
			return nil, fmt.Errorf("list rules: %w", err)
		}
		paths = append(paths, found...)
	}
	var rules []*rule
	seen := map[string]*rule{}
	for _, path := range paths {
		file, err := readRuleFile(tree, path, examples)
		if err != nil {
			return nil, err
		}
		for _, text := range file {
			r, err := compile(text, words)
			if err != nil {
				if text.ID.text != "" {
					err = fmt.Errorf("rule %q: %w", text.ID.text, err)
				}
				return nil, &MistakeError{File: path, Line: text.line(), Err: err}
			}
			r.file, r.line = path, text.line()
			if other, ok := seen[r.id]; ok {
				return nil, &MistakeError{File: path, Line: r.line, Err: fmt.Errorf("rule %q: the id stands in %s:%d too", r.id, other.file, other.line)}
			}
			seen[r.id] = r
			rules = append(rules, r)
		}
	}
	return rules, nil
}

// readRuleFile gives the rules of a file, those of its tables too, sorted by id.
func readRuleFile(tree fs.FS, path string, examples bool) ([]ruleText, error) {
	text, err := fs.ReadFile(tree, path)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	if !examples {
		text = withoutExamples(text)
	}
	var file fileText
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	decoder.KnownFields(true)
	if err := decoder.Decode(&file); err != nil && !errors.Is(err, io.EOF) {
		return nil, yamlMistake(path, err)
	}
	rules := slices.Concat(file.Rules, file.tableRules())
	slices.SortStableFunc(rules, func(a, b ruleText) int { return strings.Compare(a.ID.text, b.ID.text) })
	for i := range rules {
		if rules[i].Source == "" {
			rules[i].Source = file.Source
		}
	}
	return rules, nil
}

var yamlLine = regexp.MustCompile(`line (\d+): (.*)`)

// yamlMistake says what the YAML reader says, but as other mistakes are said.
func yamlMistake(file string, err error) error {
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	if groups := yamlLine.FindStringSubmatch(text); groups != nil {
		line := 0
		for _, digit := range groups[1] {
			line = line*10 + int(digit-'0')
		}
		what := groups[2]
		if field, _, ok := strings.Cut(strings.TrimPrefix(what, "field "), " not found in type"); ok {
			what = fmt.Sprintf("%q is no key of a rule file", field)
		}
		return &MistakeError{File: file, Line: line, Err: errors.New(what)}
	}
	return &MistakeError{File: file, Err: errors.New(text)}
}

// withoutExamples empties the lines of the examples, which are half of the text and for the tests alone: reading YAML is what
// makes an engine cost its milliseconds. The other lines keep their numbers.
func withoutExamples(text []byte) []byte {
	out := make([]byte, 0, len(text))
	inside := false
	for line := range bytes.Lines(text) {
		switch {
		case bytes.Equal(line, []byte("    examples:\n")):
			inside = true
		case !bytes.HasPrefix(line, []byte("      ")):
			inside = false
		}
		if inside {
			line = []byte("\n")
		}
		out = append(out, line...)
	}
	return out
}
