package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/fingerprints"
	"github.com/walkdown-ot/walkdown/inventory"
)

type fingerprintCmd struct {
	Why   bool     `help:"Also for files: every rule that spoke, and what became of its answer."`
	Facts []string `arg:"" placeholder:"FACT" help:"Facts as KEY=VALUE, or one line of JSON ({\"via\": …, \"given\": {…}}), or one file of such lines, or - for standard input."`
}

// Help is shown below the flags.
func (fingerprintCmd) Help() string {
	return `  walkdown fingerprint snmp.sysDescr="Hirschmann BOBCAT" snmp.sysObjectID=1.3.6.1.4.1.248.11.2.1.39
  walkdown fingerprint '{"via": "modbus", "given": {"objects": {"1": "PM710"}}}'
  walkdown fingerprint devices.jsonl --json     one object a line, in the order of the file
  walkdown fingerprint devices.jsonl --rules my-rules --why`
}

// maxLine bounds a line of facts.
const maxLine = 16 << 20

// Run prints what the rules make of the facts.
func (c fingerprintCmd) Run(a *app) error {
	engine, err := a.engine()
	if err != nil {
		return err
	}
	first := c.Facts[0]
	if strings.HasPrefix(strings.TrimSpace(first), "{") || !strings.Contains(first, "=") || first == "-" {
		if len(c.Facts) > 1 {
			return usage("", "one line or one file at a time")
		}
		return c.lines(a, engine)
	}
	var facts []discovery.Fact
	for _, text := range c.Facts {
		key, value, ok := strings.Cut(text, "=")
		if !ok {
			return usage("for example snmp.sysDescr=\"Hirschmann BOBCAT\"", "%q is not KEY=VALUE", text)
		}
		facts = append(facts, discovery.NewFact(discovery.Key(key), value))
	}
	found, answers := engine.Explain(facts)
	if a.common.Format == "json" && c.Why {
		return printLine(a.stdout, found, answers)
	}
	if err := printIdentity(a, found); err != nil || a.common.Format != "table" {
		return err
	}
	return printAnswers(a, answers)
}

// lines identifies one line of JSON, or a file of them.
func (c fingerprintCmd) lines(a *app, engine *fingerprints.Engine) error {
	name, why := c.Facts[0], c.Why
	from := a.stdin
	switch {
	case strings.HasPrefix(strings.TrimSpace(name), "{"):
		from, name, why = strings.NewReader(name), "the command line", c.Why || a.common.Format == "table"
	case name != "-":
		file, err := os.Open(name)
		if err != nil {
			return failed(fmt.Errorf("read facts: %w", err), "facts on the command line are KEY=VALUE")
		}
		defer file.Close() //nolint:errcheck // it was only read
		from = file
	}
	out := bufio.NewWriter(a.stdout)
	whole := *a
	whole.stdout = out
	lines := bufio.NewScanner(from)
	lines.Buffer(nil, maxLine)
	for n := 1; lines.Scan(); n++ {
		if strings.TrimSpace(lines.Text()) == "" {
			continue
		}
		facts, err := fingerprints.ParseCorpusLine(lines.Bytes())
		if err != nil {
			return errors.Join(fmt.Errorf("read line %d of %s: %w", n, name, err), out.Flush())
		}
		if err := c.line(&whole, engine, n, facts, why); err != nil {
			return err
		}
	}
	if err := lines.Err(); err != nil {
		return errors.Join(fmt.Errorf("read %s: %w", name, err), out.Flush())
	}
	return out.Flush()
}

func (c fingerprintCmd) line(a *app, engine *fingerprints.Engine, n int, facts []discovery.Fact, why bool) error {
	var found []discovery.Fact
	var answers []fingerprints.Answer
	if why {
		found, answers = engine.Explain(facts)
	} else {
		found = engine.Identify(facts)
	}
	if a.common.Format == "json" {
		return printLine(a.stdout, found, answers)
	}
	fmt.Fprintf(a.stdout, "line %d\n", n)
	if err := printIdentity(a, found); err != nil || !why || a.common.Format != "table" {
		return err
	}
	if err := printAnswers(a, answers); err != nil {
		return err
	}
	fmt.Fprintln(a.stdout)
	return nil
}

// printLine writes an identity as one line of JSON, with the answers of the rules where there are any.
func printLine(to io.Writer, found []discovery.Fact, answers []fingerprints.Answer) error {
	out := struct {
		inventory.Identity
		Why []answerRow `json:"why,omitempty"`
	}{Identity: inventory.IdentityOf(found)}
	for _, answer := range answers {
		out.Why = append(out.Why, answerRowOf(answer))
	}
	text, err := json.Marshal(out)
	if err != nil {
		return fmt.Errorf("write JSON: %w", err)
	}
	_, err = fmt.Fprintln(to, string(text))
	return err
}

// identityRow is a deduced value as people see it.
type identityRow struct {
	Key        string          `json:"key"`
	Value      string          `json:"value"`
	Confidence float32         `json:"confidence"`
	From       []discovery.Key `json:"from"`
	Rule       string          `json:"rule"`
}

func printIdentity(a *app, found []discovery.Fact) error {
	rows := make([]identityRow, len(found))
	for i, f := range found {
		rows[i] = identityRow{string(f.Key), f.Value, f.Confidence, f.From, f.Rule}
	}
	return list(a, each(rows), []column[identityRow]{
		{"What", func(v identityRow) string { return strings.TrimPrefix(v.Key, "id.") }, 0},
		{"Value", func(v identityRow) string { return v.Value }, 0},
		{"Sure", func(v identityRow) string { return percent(v.Confidence) }, 0},
		{"From", func(v identityRow) string { return joinKeys(v.From) }, 0},
		{"Rule", func(v identityRow) string { return v.Rule }, 0},
	}, "no rule knows these facts")
}

// answerRow is what one rule said, as people and scripts see it.
type answerRow struct {
	Key        string          `json:"key"`
	Value      string          `json:"value"`
	Confidence float32         `json:"confidence"`
	Fate       string          `json:"fate"`
	Rule       string          `json:"rule"`
	Where      string          `json:"where,omitempty"`
	By         string          `json:"by,omitempty"`
	Why        string          `json:"why,omitempty"`
	From       []discovery.Key `json:"from"`
	Evidence   string          `json:"evidence"`
}

func answerRowOf(v fingerprints.Answer) answerRow {
	return answerRow{
		Key: string(v.Key), Value: v.Value, Confidence: v.Confidence, Fate: string(v.Fate), Rule: v.Rule, Where: v.Where, By: v.By, Why: v.Why,
		From: v.From, Evidence: v.Evidence,
	}
}

// maxEvidence is how much of the text that a rule was tried on is shown, in characters.
const maxEvidence = 60

// printAnswers tells which rules spoke, on what, and what became of it.
func printAnswers(a *app, answers []fingerprints.Answer) error {
	if len(answers) == 0 {
		return nil
	}
	rows := make([][]string, len(answers))
	for i, v := range answers {
		rows[i] = []string{
			strings.TrimPrefix(string(v.Key), "id."), v.Value, percent(v.Confidence), string(v.Fate), v.Why, v.Rule, v.Where,
			cut(joinKeys(v.From)+": "+v.Evidence, maxEvidence),
		}
	}
	fmt.Fprintln(a.stdout, "\nThe rules that spoke")
	return writeTable(a.stdout, []string{"What", "Said", "Sure", "Fate", "Why", "Rule", "In", "Of"}, []int{0, 0, 0, 0, 0, 0, 1, 2}, rows)
}

func joinKeys(keys []discovery.Key) string {
	words := make([]string, len(keys))
	for i, key := range keys {
		words[i] = string(key)
	}
	return strings.Join(words, ", ")
}
