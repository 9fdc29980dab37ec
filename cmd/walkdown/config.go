package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/alecthomas/kong"
	"go.yaml.in/yaml/v3"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/protocols/snmp"
)

// config is the YAML file of --config: flags by their long names, and the secrets, which no flag can carry.
type config struct {
	path   string
	values map[string]any
	snmp   snmpConfig
	notify []notifyConfig
}

// snmpConfig is the section snmp. Without communities and without users, "public" is tried; an empty list switches that off.
type snmpConfig struct {
	Communities *[]snmpCommunity `yaml:"communities"`
	Users       []snmpUser       `yaml:"users"`
}

// snmpCommunity is a community string, for SNMPv2c where the version does not say 1.
type snmpCommunity struct {
	Community string `yaml:"community"`
	Version   string `yaml:"version"` // "1" or "2c"
}

// UnmarshalYAML reads a string, or community and version.
func (c *snmpCommunity) UnmarshalYAML(node *yaml.Node) error {
	if node.Kind == yaml.ScalarNode {
		c.Community = node.Value
		return nil
	}
	for i := 0; i+1 < len(node.Content); i += 2 {
		switch key, value := node.Content[i].Value, node.Content[i+1].Value; key {
		case "community":
			c.Community = value
		case "version":
			c.Version = value
		default:
			return fmt.Errorf("line %d: unknown key %q of a community", node.Content[i].Line, key)
		}
	}
	return nil
}

// snmpUser is a user of SNMPv3.
type snmpUser struct {
	Name         string `yaml:"name"`
	Auth         string `yaml:"auth"`
	AuthPassword string `yaml:"auth_password"`
	Priv         string `yaml:"priv"`
	PrivPassword string `yaml:"priv_password"`
	Context      string `yaml:"context"`
}

// secrets are what devices want to hear before they answer. They are never printed, logged or stored.
type secrets struct{ list []discovery.Credential }

// quoted is what the YAML library quotes of a file in its errors.
var quoted = regexp.MustCompile("`[^`]*`")

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
	_, hasSNMP := c.values["snmp"]
	if _, hasNotify := c.values["notify"]; hasSNMP || hasNotify {
		var file struct {
			SNMP   snmpConfig     `yaml:"snmp"`
			Notify []notifyConfig `yaml:"notify"`
			Rest   map[string]any `yaml:",inline"`
		}
		decoder := yaml.NewDecoder(bytes.NewReader(data))
		decoder.KnownFields(true)
		if err := decoder.Decode(&file); err != nil && !errors.Is(err, io.EOF) {
			// The error quotes what does not fit, which may be a secret.
			return nil, usage("", "read the configuration %s: %s", path, quoted.ReplaceAllString(err.Error(), "`…`"))
		}
		c.snmp, c.notify = file.SNMP, file.Notify
		delete(c.values, "snmp")
		delete(c.values, "notify")
	}
	// The file lists windows; the flag takes one at a time.
	if windows, ok := c.values["windows"]; ok {
		if _, both := c.values["window"]; both {
			return nil, usage("", "the configuration %s has both windows and window", path)
		}
		c.values["window"] = windows
		delete(c.values, "windows")
	}
	return c, nil
}

// check refuses keys that no flag goes by.
func (c *config) check(model *kong.Application) error {
	known := map[string]bool{"snmp": true, "notify": true}
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
	return usage("the keys are the long names of the flags, windows, snmp and notify", "the configuration %s has unknown keys: %s", c.path, strings.Join(unknown, ", "))
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
		separator := ","
		if flag.Tag != nil && flag.Tag.Sep > 0 {
			separator = string(flag.Tag.Sep)
		}
		return strings.Join(words, separator), nil
	}
	if flag.Target.Type() == reflect.TypeFor[time.Duration]() {
		return fmt.Sprint(value), nil // a number without a unit is refused, and not taken for nanoseconds
	}
	return value, nil
}

// secrets takes the credentials from the environment, else from the file, which nobody else may be able to read.
func (c *config) secrets() (secrets, error) {
	wanted, fromFile := c.snmp, c.snmp.Communities != nil || len(c.snmp.Users) > 0
	if list, ok := os.LookupEnv("WALKDOWN_SNMP_COMMUNITIES"); ok {
		communities := []snmpCommunity{}
		for word := range strings.SplitSeq(list, ",") {
			if word != "" {
				communities = append(communities, snmpCommunity{Community: word})
			}
		}
		wanted.Communities = &communities
	}
	if list, ok := os.LookupEnv("WALKDOWN_SNMP_USERS"); ok {
		wanted.Users = nil
		decoder := yaml.NewDecoder(strings.NewReader(list))
		decoder.KnownFields(true)
		if err := decoder.Decode(&wanted.Users); err != nil && !errors.Is(err, io.EOF) {
			// The error may quote what could not be read, which holds secrets.
			return secrets{}, usage("for example [{name: survey, auth: SHA, auth_password: ..., priv: AES, priv_password: ...}]",
				"WALKDOWN_SNMP_USERS is no list of users like that of the configuration file")
		}
	}
	if fromFile {
		if err := c.isPrivate(); err != nil {
			return secrets{}, err
		}
	}
	if wanted.Communities == nil && len(wanted.Users) == 0 {
		wanted.Communities = &[]snmpCommunity{{Community: "public"}}
	}
	return wanted.secrets()
}

// isPrivate refuses a file that others can read.
func (c *config) isPrivate() error {
	info, err := os.Stat(c.path)
	if err != nil {
		return failed(fmt.Errorf("look at the configuration: %w", err), "")
	}
	if runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0 {
		return failed(fmt.Errorf("the configuration %s holds secrets and others can read it", c.path), "chmod 600 "+c.path)
	}
	return nil
}

// secrets are the users and communities in the words of the askers: those of the better protocol first.
func (s snmpConfig) secrets() (secrets, error) {
	var out secrets
	add := func(c discovery.Credential) error {
		c.Protocol = "snmp"
		if err := snmp.CheckCredential(c); err != nil {
			return usage("", "snmp: %v", err)
		}
		out.list = append(out.list, c)
		return nil
	}
	for _, u := range s.Users {
		if err := add(discovery.Credential{
			Kind: snmp.KindUser, User: u.Name, Auth: u.Auth, AuthPassword: u.AuthPassword, Privacy: u.Priv, PrivacyPassword: u.PrivPassword, Context: u.Context,
		}); err != nil {
			return out, err
		}
	}
	if s.Communities == nil {
		return out, nil
	}
	for _, community := range *s.Communities {
		c := discovery.Credential{Kind: snmp.KindCommunity, Secret: community.Community}
		switch community.Version {
		case "", "2c":
		case "1":
			c.Kind = snmp.KindCommunityV1
		default:
			return out, usage("", "snmp: a community of version %q: want 1 or 2c", community.Version)
		}
		if err := add(c); err != nil {
			return out, err
		}
	}
	return out, nil
}

// credentials are the secrets in the words of the askers.
func (s secrets) credentials() []discovery.Credential { return s.list }
