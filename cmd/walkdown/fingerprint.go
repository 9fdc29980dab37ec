package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/fingerprints"
	"github.com/walkdown-ot/walkdown/inventory"
)

type fingerprintCmd struct {
	Facts []string `arg:"" placeholder:"FACT" help:"Facts as KEY=VALUE, or one file of JSON lines ({\"via\": …, \"given\": {…}}), or - for standard input."`
}

// Help is shown below the flags.
func (fingerprintCmd) Help() string {
	return `  walkdown fingerprint snmp.sysDescr="Hirschmann BOBCAT" snmp.sysObjectID=1.3.6.1.4.1.248.11.2.1.39
  walkdown fingerprint devices.jsonl --json     one object a line, in the order of the file`
}

// maxLine bounds a line of facts.
const maxLine = 16 << 20

// Run prints what the rules make of the facts.
func (c fingerprintCmd) Run(a *app) error {
	engine, err := fingerprints.Default()
	if err != nil {
		return err
	}
	if !strings.Contains(c.Facts[0], "=") || c.Facts[0] == "-" {
		if len(c.Facts) > 1 {
			return usage("", "one file at a time")
		}
		return c.file(a, engine)
	}
	var facts []discovery.Fact
	for _, text := range c.Facts {
		key, value, ok := strings.Cut(text, "=")
		if !ok {
			return usage("for example snmp.sysDescr=\"Hirschmann BOBCAT\"", "%q is not KEY=VALUE", text)
		}
		facts = append(facts, discovery.NewFact(discovery.Key(key), value))
	}
	return printIdentity(a, engine.Identify(facts))
}

func (c fingerprintCmd) file(a *app, engine *fingerprints.Engine) error {
	from := a.stdin
	if c.Facts[0] != "-" {
		file, err := os.Open(c.Facts[0])
		if err != nil {
			return failed(fmt.Errorf("read facts: %w", err), "facts on the command line are KEY=VALUE")
		}
		defer file.Close() //nolint:errcheck // it was only read
		from = file
	}
	out := bufio.NewWriter(a.stdout)
	lines := bufio.NewScanner(from)
	lines.Buffer(nil, maxLine)
	for n := 1; lines.Scan(); n++ {
		if strings.TrimSpace(lines.Text()) == "" {
			continue
		}
		facts, err := fingerprints.ParseCorpusLine(lines.Bytes())
		if err != nil {
			return errors.Join(fmt.Errorf("read line %d of %s: %w", n, c.Facts[0], err), out.Flush())
		}
		found := engine.Identify(facts)
		if a.common.Format == "json" {
			text, err := json.Marshal(inventory.IdentityOf(found))
			if err != nil {
				return fmt.Errorf("write JSON: %w", err)
			}
			fmt.Fprintln(out, string(text))
			continue
		}
		if err := out.Flush(); err != nil {
			return err
		}
		fmt.Fprintf(a.stdout, "line %d\n", n)
		if err := printIdentity(a, found); err != nil {
			return err
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("read %s: %w", c.Facts[0], err)
	}
	return out.Flush()
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

func joinKeys(keys []discovery.Key) string {
	words := make([]string, len(keys))
	for i, key := range keys {
		words[i] = string(key)
	}
	return strings.Join(words, ", ")
}
