package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
	"go.yaml.in/yaml/v3"

	"github.com/walkdown-ot/walkdown/discovery"
)

// config is the YAML file of --config: flags by their long names, and the secrets, which no flag can carry.
type config struct {
	path   string
	values map[string]any
	snmp   snmpConfig
}

type snmpConfig struct {
	Communities *[]string `yaml:"communities"`
}

// secrets are what devices want to hear before they answer. They are never printed, logged or stored.
type secrets struct{ communities []string }

// configPath finds --config before the command line is parsed, because parsing needs the file.
func configPath(args []string) string {
	for i, arg := range args {
		if value, ok := strings.CutPrefix(arg, "--config="); ok {
			return value
		}
		if arg == "--config" && i+1 < len(args) {
			return args[i+1]
		}
	}
	return os.Getenv("WALKDOWN_CONFIG")
}

// loadConfig reads the file; without a path the configuration is empty.
func loadConfig(path string) (*config, error) {
	c := &config{path: path}
	if path == "" {
		return c, nil
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, failed(fmt.Errorf("read the configuration: %w", err), "")
	}
	if err := yaml.Unmarshal(data, &c.values); err != nil {
		return nil, usage("", "read the configuration %s: %v", path, err)
	}
	if _, ok := c.values["snmp"]; ok {
		var file struct {
			SNMP snmpConfig     `yaml:"snmp"`
			Rest map[string]any `yaml:",inline"`
		}
		decoder := yaml.NewDecoder(bytes.NewReader(data))
		decoder.KnownFields(true)
		if err := decoder.Decode(&file); err != nil && !errors.Is(err, io.EOF) {
			return nil, usage("", "read the configuration %s: %v", path, err)
		}
		c.snmp = file.SNMP
		delete(c.values, "snmp")
	}
	return c, nil
}

// check refuses keys that no flag goes by.
func (c *config) check(model *kong.Application) error {
	known := map[string]bool{"snmp": true}
	var gather func(*kong.Node)
	gather = func(n *kong.Node) {
		for _, flag := range n.Flags {
			known[flag.Name] = true
		}
		for _, child := range n.Children {
			gather(child)
		}
	}
	gather(model.Node)
	var unknown []string
	for key := range c.values {
		if !known[key] || key == "help" || key == "config" {
			unknown = append(unknown, key)
		}
	}
	if len(unknown) == 0 {
		return nil
	}
	slices.Sort(unknown)
	return usage("the keys are the long names of the flags, and snmp", "the configuration %s has unknown keys: %s", c.path, strings.Join(unknown, ", "))
}

// Validate is part of kong.Resolver; check has done it.
func (c *config) Validate(*kong.Application) error { return nil }

// Resolve is part of kong.Resolver: the value of a flag that stands neither on the command line nor in the environment.
func (c *config) Resolve(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
	value, ok := c.values[flag.Name]
	if !ok {
		return nil, nil
	}
	if list, ok := value.([]any); ok {
		words := make([]string, len(list))
		for i, v := range list {
			words[i] = fmt.Sprint(v)
		}
		return strings.Join(words, ","), nil
	}
	return value, nil
}

// secrets takes the communities from the environment, else from the file, which nobody else may be able to read.
func (c *config) secrets() (secrets, error) {
	if list, ok := os.LookupEnv("WALKDOWN_SNMP_COMMUNITIES"); ok {
		var out secrets
		for word := range strings.SplitSeq(list, ",") {
			if word != "" {
				out.communities = append(out.communities, word)
			}
		}
		return out, nil
	}
	if c.snmp.Communities == nil {
		return secrets{communities: []string{"public"}}, nil
	}
	info, err := os.Stat(c.path)
	if err != nil {
		return secrets{}, failed(fmt.Errorf("look at the configuration: %w", err), "")
	}
	if runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0 {
		return secrets{}, failed(fmt.Errorf("the configuration %s holds secrets and others can read it", c.path), "chmod 600 "+c.path)
	}
	return secrets{communities: *c.snmp.Communities}, nil
}

// credentials are the secrets in the words of the askers.
func (s secrets) credentials() []discovery.Credential {
	var out []discovery.Credential
	for _, community := range s.communities {
		out = append(out, discovery.Credential{Protocol: "snmp", Kind: "community", Secret: community})
	}
	return out
}
