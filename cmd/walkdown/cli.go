package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/walkdown-ot/walkdown/inventory/notify"
)

// app is what every command works with.
type app struct {
	ctx            context.Context //nolint:containedctx // a command lives as long as its context
	stdin          io.Reader
	stdout, stderr io.Writer
	log            *slog.Logger
	level          *slog.LevelVar
	common         commonFlags
	secrets        secrets
	notify         []notify.Target // who is told of changes
}

// commonFlags can stand before or after every command.
type commonFlags struct {
	DB      string `name:"db" default:"walkdown.db" placeholder:"FILE" help:"The inventory file."`
	Site    string `default:"default" placeholder:"NAME" help:"The site; part of every address's identity."`
	Segment string `placeholder:"NAME" help:"The network segment; part of every address's identity. Without it: that of the plug-in point, else \"default\"."`
	Format  string `enum:"table,json,csv" default:"table" help:"How lists are printed: table, json or csv."`
	JSON    bool   `name:"json" help:"Short for --format json."`
	Quiet   bool   `short:"q" help:"No progress and no summary."`
	Verbose bool   `short:"v" help:"Tell more: requests in hex, life-cycle messages."`
	Config  string `placeholder:"FILE" type:"path" help:"Read flags from a YAML file."`
	Rules   string `placeholder:"DIR" type:"path" help:"A folder of your own fingerprint rules; they win over the built-in ones."`
	Tables  string `placeholder:"DIR" type:"path" help:"A folder of newer registries (oui.csv, enterprise-numbers.txt, cip-vendors.csv ...), laid over the built-in ones."`
}

type commandLine struct {
	commonFlags

	Demo          demoCmd          `cmd:"" help:"Survey a simulated plant on loopback, into walkdown-demo.db."`
	Survey        surveyCmd        `cmd:"" help:"Listen, then ask, then report."`
	Listen        listenCmd        `cmd:"" help:"Only listen, until Ctrl-C or the time is up."`
	Read          readCmd          `cmd:"" help:"Listen to capture files: pcap, pcapng, gzip of either, - for standard input."`
	Plan          planCmd          `cmd:"" help:"What would be asked: who, what, why, how long. Sends nothing."`
	Ask           askCmd           `cmd:"" help:"Only ask, what a plan says or what the inventory knows of."`
	Run           runCmd           `cmd:"" help:"Survey on a calendar, until it is told to stop."`
	Service       serviceCmd       `cmd:"" help:"Let the system run the calendar: install, remove, status."`
	Surveys       surveysCmd       `cmd:"" help:"The runs so far, with their scope and outcome."`
	Assets        assetsCmd        `cmd:"" help:"The inventory."`
	Show          showCmd          `cmd:"" help:"One asset: identity with evidence, addresses, components, neighbours, conversations."`
	Changes       changesCmd       `cmd:"" help:"What appeared, vanished, moved, was updated."`
	Conversations conversationsCmd `cmd:"" help:"Who talks to whom, over what, how often."`
	Merge         mergeCmd         `cmd:"" help:"Say that several assets are one. No rule overturns it."`
	Split         splitCmd         `cmd:"" help:"Say that some addresses of an asset are another one. No rule overturns it."`
	MergeDB       mergeDBCmd       `cmd:"" name:"merge-db" help:"Merge other inventories in: of another laptop, or another day."`
	Decisions     decisionsCmd     `cmd:"" help:"What people decided of who is who; take a decision back."`
	Gaps          gapsCmd          `cmd:"" help:"What is still not known and was not looked at, and what would close it."`
	Zones         zonesCmd         `cmd:"" help:"The zones that the assets belong to, proposed or accepted."`
	Conduits      conduitsCmd      `cmd:"" help:"The flows between zones, and which of them were approved."`
	External      externalCmd      `cmd:"" help:"Who outside the plant talks to which asset, and the ways in."`
	Annotate      annotateCmd      `cmd:"" help:"Take people's knowledge in from a sheet: zone, owner, criticality, location, partner."`
	Ledger        ledgerCmd        `cmd:"" help:"Every request that was sent, and what came of it."`
	Export        exportCmd        `cmd:"" help:"Write the inventory in another format."`
	Serve         serveCmd         `cmd:"" help:"The inventory as a live page in the browser."`
	Handover      handoverCmd      `cmd:"" help:"The hand-over pack: report, lists, bill of materials, ledger, coverage, README, checksums."`
	Backup        backupCmd        `cmd:"" help:"Copy the inventory into a new file, also while a survey runs."`
	Fingerprint   fingerprintCmd   `cmd:"" help:"Try the rules on a line or a file of facts."`
	Refingerprint refingerprintCmd `cmd:"" help:"Identify all stored facts anew, by the rules of this version. Sends nothing."`
	Protocols     protocolsCmd     `cmd:"" help:"Every protocol: what is heard, what is asked, how safe it is."`
	Doctor        doctorCmd        `cmd:"" help:"What works on this machine, and what to do about the rest."`
	Version       versionCmd       `cmd:"" help:"The version of walkdown."`
}

const about = `Discovers the devices of an OT network: listens first, asks gently, keeps the inventory.

Exit status: 0 done, 1 failed, 2 wrong usage, 3 done but incomplete (the reason is printed and stored),
4 there are changes (changes --exit-code), 130 interrupted (what was found until then is kept). Every flag
can stand in the file of --config and in an environment variable WALKDOWN_NAME.`

// helped is thrown when kong has printed a help text and wants the program to end.
type helped struct{ status int }

// parseAndRun parses the arguments and runs the command they name.
func parseAndRun(a *app, args []string) (err error) {
	defer func() {
		if r := recover(); r != nil {
			done, ok := r.(helped)
			if !ok {
				panic(r)
			}
			if err = nil; done.status != 0 {
				err = &statusError{status: statusUsage, err: errors.New("wrong usage")}
			}
		}
	}()
	line, parsed, config, err := parse(a, args)
	if err != nil {
		return err
	}
	a.common = line.commonFlags
	if a.common.JSON {
		a.common.Format = "json"
	}
	if a.common.Verbose {
		a.level.Set(slog.LevelInfo)
	}
	if a.secrets, err = config.secrets(); err != nil {
		return err
	}
	if a.notify, err = config.targets(); err != nil {
		return err
	}
	return parsed.Run(a)
}

// parse reads the arguments, the environment and the configuration.
func parse(a *app, args []string) (*commandLine, *kong.Context, *config, error) {
	line := new(commandLine)
	config, err := loadConfig(configPath(args))
	if err != nil {
		return nil, nil, nil, err
	}
	parser, err := kong.New(line,
		kong.Name("walkdown"),
		kong.Description(about),
		kong.Writers(a.stdout, a.stderr),
		kong.Exit(func(status int) { panic(helped{status}) }),
		kong.DefaultEnvars("WALKDOWN"),
		kong.Resolvers(config),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, FlagsLast: true}),
		kong.ShortUsageOnError(),
	)
	if err != nil {
		return nil, nil, nil, fmt.Errorf("build the command line: %w", err)
	}
	if err := config.check(parser.Model); err != nil {
		return nil, nil, nil, err
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	parsed, err := parser.Parse(args)
	if err != nil {
		return nil, nil, nil, usage("`walkdown --help` lists the commands, `walkdown COMMAND --help` their flags", "%s", strings.TrimSpace(err.Error()))
	}
	return line, parsed, config, nil
}

// say writes a line for people to standard error, unless --quiet.
func (a *app) say(format string, args ...any) {
	if !a.common.Quiet {
		fmt.Fprintf(a.stderr, format+"\n", args...)
	}
}
