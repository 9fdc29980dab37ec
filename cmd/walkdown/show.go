package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/inventory"
	"github.com/walkdown-ot/walkdown/inventory/sqlite"
)

type showCmd struct {
	Asset string `arg:"" help:"An id or the beginning of one, a name, an IP, a MAC or a serial number."`
}

// shown is the JSON form of one asset with all that is known of it.
type shown struct {
	inventory.Asset
	Evidence      []evidenceRow            `json:"evidence"`
	Conversations []inventory.Conversation `json:"conversations,omitempty"`
	Said          []inventory.Annotation   `json:"said,omitempty"` // by people, the oldest first
	Changes       []inventory.Change       `json:"changes,omitempty"`

	names map[string]string // of the neighbours, for people
}

// evidenceRow is one fact with where it came from.
type evidenceRow struct {
	inventory.Statement
	part bool   // it is about a part of the asset
	mac  string // of the subject
}

// Run prints everything about one asset.
func (c showCmd) Run(a *app) error {
	store, err := a.openToRead()
	if err != nil {
		return err
	}
	defer store.Close() //nolint:errcheck // it was only read
	all, err := gatherAsset(a, store, c.Asset)
	if err != nil {
		return err
	}
	if a.common.Format == "json" {
		text, err := json.MarshalIndent(all, "", "  ")
		if err != nil {
			return fmt.Errorf("write JSON: %w", err)
		}
		_, err = fmt.Fprintln(a.stdout, string(text))
		return err
	}
	return printAsset(a, all)
}

func gatherAsset(a *app, store *sqlite.Store, ref string) (shown, error) {
	asset, err := store.Asset(a.ctx, ref)
	if err != nil {
		return shown{}, err
	}
	all := shown{Asset: asset}
	ids := make([]string, 0, len(asset.Neighbours))
	for _, n := range asset.Neighbours {
		if n.Asset != "" {
			ids = append(ids, n.Asset)
		}
	}
	if all.names, err = store.Titles(a.ctx, ids); err != nil {
		return all, err
	}
	for e, err := range store.Evidence(a.ctx, asset.ID) {
		if err != nil {
			return all, err
		}
		all.Evidence = append(all.Evidence, evidenceRow{Statement: e.Statement(), part: e.Subject.Path != "", mac: e.Subject.MAC.String()})
	}
	if all.Conversations, err = inventory.Collect(store.ConversationsOf(a.ctx, asset.ID)); err != nil {
		return all, err
	}
	if all.Said, err = inventory.Collect(store.Annotations(a.ctx, asset.ID)); err != nil {
		return all, err
	}
	all.Changes, err = inventory.Collect(store.ChangesOf(a.ctx, asset.ID))
	return all, err
}

// printAsset writes the asset for people: the identity first, then why, then everything around it.
func printAsset(a *app, all shown) error {
	v := all.Asset
	fmt.Fprintf(a.stdout, "%s  %s\n", first(v.Name, firstAddress(v), firstMAC(v)), v.ID)
	section := func(title string, heads []string, rows [][]string) error {
		if len(rows) == 0 {
			return nil
		}
		fmt.Fprintf(a.stdout, "\n%s\n", title)
		return writeTable(a.stdout, heads, nil, rows)
	}
	var facts, addresses, joined, components, ports, neighbours, services [][]string
	for _, field := range identityFields(v.Identity) {
		facts = append(facts, []string{field.name, field.value, percent(v.Confidences[field.name]), because(all.Evidence, field.key, field.value)})
		facts = append(facts, others(all.Evidence, field)...)
	}
	if v.Type == "" && v.ProposedType != "" {
		facts = append(facts, []string{"proposed type", v.ProposedType, "", v.LevelReason})
	}
	if v.Level != "" {
		facts = append(facts, []string{"level", v.Level, "", first(v.LevelReason, "proposed")})
	}
	if v.Matchability != nil {
		facts = append(facts, []string{"matchable by", orNone(v.Matchability.By), "", missing(v.Matchability.Missing)})
	}
	if v.MACVendor != "" {
		facts = append(facts, []string{"mac_vendor", v.MACVendor, "", "the maker of the network chip, by its address"})
	}
	for _, row := range v.Addresses {
		addresses = append(addresses, []string{row.IP, row.MAC, count(int(row.VLAN)), row.Segment, bindings(all.Evidence, row)})
	}
	for _, join := range v.Joined {
		joined = append(joined, []string{strings.Join(join.Addresses, ", "), join.By, join.Value})
	}
	for _, row := range v.Components {
		components = append(components, []string{row.Path, row.Vendor, first(row.Model, row.OrderNumber), first(row.Firmware, row.FirmwareRaw), row.Serial})
	}
	for _, row := range v.Neighbours {
		neighbours = append(neighbours, []string{row.LocalPort, first(row.Name, all.names[row.Asset], row.Asset), row.RemotePort, row.Via})
	}
	for _, row := range v.Ports {
		ports = append(ports, []string{row.Name, row.Description, row.MAC, count(int(row.VLAN))})
	}
	for _, row := range v.Services {
		services = append(services, []string{fmt.Sprintf("%s/%d", row.Transport, row.Port), row.Protocol})
	}
	if v.Seen == "" {
		fmt.Fprintf(a.stdout, "site %s, segment %s, known to people only\n", v.Site, v.Segment)
	} else {
		fmt.Fprintf(a.stdout, "site %s, segment %s, seen %s, %s to %s\n", v.Site, v.Segment, v.Seen, local(v.FirstSeen), local(v.LastSeen))
	}
	if len(v.Names) > 1 {
		fmt.Fprintf(a.stdout, "also called %s\n", strings.Join(slices.DeleteFunc(slices.Clone(v.Names), func(n string) bool { return n == v.Name }), ", "))
	}
	for _, note := range v.Notes {
		fmt.Fprintf(a.stdout, "note: %s\n", note)
	}
	var evidence, talks, changes [][]string
	for _, row := range all.Evidence {
		if row.Mode == discovery.Deduced.String() {
			continue
		}
		evidence = append(evidence, []string{row.Subject, row.Key, row.Value, row.Mode, first(row.Teller, row.Sensor), count(row.Count), local(row.Last)})
	}
	for _, row := range all.Conversations {
		talks = append(talks, []string{
			row.ClientAddress(), row.ServerAddress(), row.Where(), row.Protocol,
			strings.Join(row.Operations, " "), frequency(row),
		})
	}
	for _, row := range all.Changes {
		changes = append(changes, []string{local(row.Time), row.Survey, row.Kind, row.Attribute, row.Old, row.New, row.Via})
	}
	for _, part := range []struct {
		title string
		heads []string
		rows  [][]string
	}{
		{"Identity", []string{"What", "Value", "Sure", "Because"}, facts},
		{"What people say", []string{"Field", "Value", "Who", "When"}, saidRows(v.Annotations, all.Said)},
		{"Addresses", []string{"IP", "MAC", "VLAN", "Segment", "Bound by"}, addresses},
		{"One asset because", []string{"Addresses", "Share", "Value"}, joined},
		{"Services", []string{"Port", "Protocol"}, services},
		{"Ports", []string{"Port", "Description", "MAC", "VLAN"}, ports},
		{"Components", []string{"Path", "Vendor", "Model", "Firmware", "Serial"}, components},
		{"Neighbours", []string{"Own port", "Neighbour", "Its port", "Told by"}, neighbours},
		{"Conversations", []string{"Client", "Server", "Port", "Protocol", "Does", "Frequency"}, talks},
		{"Evidence", []string{"Under", "Key", "Value", "How", "By", "Times", "Last"}, evidence},
		{"History", []string{"When", "Survey", "What", "Attribute", "Old", "New", "Via"}, changes},
	} {
		if err := section(part.title, part.heads, part.rows); err != nil {
			return err
		}
	}
	return nil
}

// saidRows are what people say of an asset now, and below it what they said before.
func saidRows(now map[string]string, all []inventory.Annotation) [][]string {
	var rows [][]string
	for _, field := range inOrder(now) {
		last := true
		for _, said := range slices.Backward(all) {
			if said.Attribute != field {
				continue
			}
			name, value := field, said.Value
			if !last {
				name, value = "", "before: "+first(value, "nothing")
			}
			rows = append(rows, []string{name, value, said.Author, local(said.Time)})
			last = false
		}
	}
	return rows
}

// bindings are by what the IP and the MAC of an address belong together.
func bindings(evidence []evidenceRow, address inventory.Address) string {
	var out []string
	for _, row := range evidence {
		if row.Key == string(discovery.KeyBinding) && row.Subject == address.IP && row.mac == address.MAC && !slices.Contains(out, row.Value) {
			out = append(out, row.Value)
		}
	}
	slices.Sort(out)
	return strings.Join(out, ", ")
}

// identityField is one value of an identity under its JSON name and its key.
type identityField struct {
	name  string
	key   discovery.Key
	value string
}

// identityFields are the values that are known, in the order of the JSON contract.
func identityFields(v inventory.Identity) []identityField {
	return slices.DeleteFunc([]identityField{
		{"vendor", discovery.KeyVendor, v.Vendor},
		{"family", discovery.KeyFamily, v.Family},
		{"model", discovery.KeyModel, v.Model},
		{"order_number", discovery.KeyOrderNumber, v.OrderNumber},
		{"serial", discovery.KeySerial, v.Serial},
		{"hardware", discovery.KeyHardware, v.Hardware},
		{"firmware", discovery.KeyFirmware, v.Firmware},
		{"firmware_raw", discovery.KeyFirmwareRaw, v.FirmwareRaw},
		{"software", discovery.KeySoftware, v.Software},
		{"os", discovery.KeyOS, v.OS},
		{"type", discovery.KeyType, v.Type},
		{"cpe", discovery.KeyCPE, v.CPE},
		{"cpe_candidate", discovery.KeyCPECandidate, v.CPECandidate},
	}, func(f identityField) bool { return f.value == "" })
}

// others are what was said of the field besides: who disagrees is shown, as long as it is more than a hint.
func others(evidence []evidenceRow, field identityField) [][]string {
	var out [][]string
	for _, row := range evidence {
		if row.part || row.Mode != discovery.Deduced.String() || row.Key != string(field.key) || row.Value == field.value || row.Confidence < leastShown {
			continue
		}
		out = append(out, []string{"", row.Value, percent(row.Confidence), "also said: " + because(evidence, field.key, row.Value)})
	}
	return out
}

// leastShown is how sure another answer must be to be shown beside the best.
const leastShown = 0.4

func orNone(words []string) string {
	if len(words) == 0 {
		return "nothing"
	}
	return strings.ReplaceAll(strings.Join(words, ", "), "_", " ")
}

// missing tells what would have to be known before advisories can be matched.
func missing(words []string) string {
	if len(words) == 0 {
		return "nothing is missing for advisories"
	}
	return "for advisories is missing: " + strings.Join(words, ", ")
}

// because tells what a value rests on: the rule and the facts that it was deduced from.
func because(evidence []evidenceRow, key discovery.Key, value string) string {
	for _, row := range evidence {
		if row.Key == string(key) && row.Value == value && row.Mode == discovery.Deduced.String() {
			return strings.TrimPrefix(strings.Join(row.From, ", ")+" by rule "+row.Rule, " by ")
		}
	}
	return ""
}
