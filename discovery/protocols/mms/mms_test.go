package mms

import (
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/discoverytest"
	"github.com/walkdown-ot/walkdown/discovery/wire/cotp"
)

// There is no server to be had in Debian, npm or the Go proxy, and no capture: the messages are laid out by the standards, and Wireshark's
// dissector, which is independent, reads the asker's as what they are meant to be.

const (
	server1 = discoverytest.ServerIP
	talk    = discoverytest.ClientIP + " -> " + server1 + " tcp/102 mms: "
)

func data(message string) []byte { return cotp.AppendData(nil, discoverytest.Unhex(message)) }

// tlv is an element in hex.
func tlv(tag, content string) string {
	if n := len(discoverytest.Unhex(content)); n > 127 {
		return fmt.Sprintf("%s82%04x%s", tag, n, content)
	}
	return fmt.Sprintf("%s%02x%s", tag, len(discoverytest.Unhex(content)), content)
}

// carried is a PDU of MMS in the data of a session.
func carried(pdu string) []byte {
	return data("01000100" + tlv("61", tlv("30", "020103"+tlv("a0", pdu))))
}

func identity(vendor, model, revision string) string {
	return tlv("a1", "020101"+tlv("a2", tlv("80", fmt.Sprintf("%x", vendor))+tlv("81", fmt.Sprintf("%x", model))+tlv("82", fmt.Sprintf("%x", revision))))
}

var (
	confirm = discoverytest.Unhex("0300 0016 11 d0 0001 0003 00 c0 01 0a c1 02 0001 c2 02 0001")
	accept  = data("0e06 05041301 0016")
	ended   = carried("8c00")
)

func asked(b ...[]byte) discoverytest.Message { return discoverytest.Says(discovery.Client, b...) }

func answered(b ...[]byte) discoverytest.Message { return discoverytest.Says(discovery.Server, b...) }

// names is the answer with names of domains, plates that to a read: a text for each attribute, "-" where there is no such object.
func names(invoke string, domains ...string) []byte {
	list := ""
	for _, domain := range domains {
		list += tlv("1a", fmt.Sprintf("%x", domain))
	}
	return carried(tlv("a1", "0201"+invoke+tlv("a1", tlv("a0", list)+"810100")))
}

func plates(invoke string, texts ...string) []byte {
	list := ""
	for _, text := range texts {
		if text == "-" {
			list += "80010a"
			continue
		}
		list += tlv("8a", fmt.Sprintf("%x", text))
	}
	return carried(tlv("a1", "0201"+invoke+tlv("a4", tlv("a1", list))))
}

// readByName is a request that reads variables of a domain by their names.
func readByName(invoke, domain string, items ...string) []byte {
	list := ""
	for _, item := range items {
		list += tlv("30", tlv("a0", tlv("a1", tlv("1a", fmt.Sprintf("%x", domain))+tlv("1a", fmt.Sprintf("%x", item)))))
	}
	return carried(tlv("a0", "0201"+invoke+tlv("a4", "800100"+tlv("a1", tlv("a0", list)))))
}

func toldPlate(subject string) []string {
	var out []string
	for _, fact := range []string{
		"phynam-vendor = ABB", "phynam-model = REL670", "phynam-ser-num = 1VFG1007", "phynam-hw-rev = 2.2", "phynam-sw-rev = 2.2.4", "phynam-location = Bay 7",
		"namplt-vendor = ABB", "namplt-sw-rev = 2.2.4.1",
	} {
		out = append(out, subject+": mms."+fact)
	}
	return out
}

func rel670(invoke string) []byte {
	return plates(invoke, "ABB", "REL670", "1VFG1007", "2.2", "2.2.4", "Bay 7", "ABB", "2.2.4.1")
}

func told(vendor, model, revision string) []string {
	return []string{
		server1 + ": mms.identify-vendor-name = " + vendor, server1 + ": mms.identify-model-name = " + model, server1 + ": mms.identify-revision = " + revision,
	}
}

func TestProtocol(t *testing.T) {
	sample := func(name string, problems int, want []string, messages ...discoverytest.Message) discoverytest.Sample {
		return discoverytest.Sample{Name: name, Flow: discoverytest.Between(discovery.TCP, Port), Want: want, Problems: problems, Messages: messages}
	}
	long := strings.Repeat("long name ", 20) + "end"
	discoverytest.Run(
		t, Protocol(),
		sample(
			"session", 0, append([]string{talk + "read"}, told("SISCO", "MMS-LITE-80X-001", "5.1")...),
			asked(cotp.AppendConnect(nil, 1, []byte(defaultTSAP), []byte(defaultTSAP))), answered(confirm), asked(data(initiate)), answered(accept), asked(data(identify)),
			answered(carried(identity("SISCO", "MMS-LITE-80X-001", "5.1"))), answered(carried(identity("SISCO", "MMS-LITE-80X-001", "5.1"))), asked(data(conclude)), answered(ended),
		),
		sample("long_texts", 0, told("ABB", long, "1"), answered(carried(identity("ABB", long, "1")))),
		sample(
			"operations", 0, []string{talk + "read", talk + "write", talk + "control"},
			asked(carried(tlv("a0", "020102"+tlv("a4", "a000")))), asked(carried(tlv("a0", "020103"+tlv("a5", "a000")))), asked(carried(tlv("a0", "020104"+tlv("bf28", "")))),
			asked(carried(tlv("a0", "020105"+tlv("bf48", "")))), answered(carried(tlv("a1", "020102"+tlv("a4", "")))), answered(carried(tlv("a2", "8001028200"))),
		),
		sample(
			"nameplate", 0, slices.Concat([]string{talk + "read", server1 + ": mms.domain = AA1LD0", server1 + ": mms.domain = AA1CTRL"}, toldPlate(server1)),
			asked(data(domains)), answered(names("02", "AA1LD0", "AA1CTRL")), asked(readPlateOf("AA1LD0")), answered(rel670("03")),
			asked(readPlateOf("AA1CTRL")), answered(rel670("03")),
		),
		sample(
			"another_behind", 0, []string{
				talk + "read", server1 + ": mms.phynam-model = RTU", server1 + " mms-domain=PROXY: mms.phynam-model = REF615",
			},
			asked(readByName("07", "LD0", "LPHD1$DC$PhyNam$model", "MMXU1$MX$TotW$mag$f")), answered(plates("07", "RTU", "12")),
			asked(readByName("08", "PROXY", "LPHD2$DC$PhyNam$model")), answered(plates("08", "REF615")),
		),
		sample("other_values", 0, []string{talk + "read"}, asked(readByName("07", "LD0", "MMXU1$MX$TotW$mag$f")), answered(plates("07", "12"))),
		sample("other_names", 0, []string{talk + "read"}, asked(carried("a00e020102 a109 a003 800100 a102 8000")), answered(names("02", "x"))),
		sample("answers_out_of_turn", 0, []string{talk + "read", server1 + ": mms.domain = LD0"}, asked(data(domains), readByName("07", "LD0", "LPHD1$DC$PhyNam$model")), answered(names("07", "x"), names("02", "LD0"))),
		sample("cut_names", 1, []string{talk + "read", server1 + ": mms.domain = LD0"}, asked(data(domains)), answered(carried(tlv("a1", "020102"+tlv("a1", "a0081a034c44301a094c"))))),
		sample("cut_results", 1, []string{talk + "read", server1 + ": mms.phynam-vendor = ABB"}, asked(readPlateOf("LD0")), answered(carried(tlv("a1", "020103"+tlv("a4", "a1078a03414242 8a09"))))),
		sample("report", 0, nil, answered(carried(tlv("a3", "a000")))),
		sample("cut_identify", 1, told("ABB", "REL670", "1")[:1], answered(carried(tlv("a1", "020101"+tlv("a2", tlv("80", "414242")+"810a41"))))),
		sample("no_pdv", 1, nil, answered(data("01000100"+tlv("61", tlv("31", "020103a000"))))),
		sample("s7", 1, nil, asked(data("3201 0000 0001 0008 0000 f000 0001 0001 01e0"))),
		sample("abort", 0, nil, answered(data("1903 110103"))),
	)
}

func TestClaims(t *testing.T) {
	for name, c := range map[string]struct {
		first []byte
		want  bool
	}{
		"connect":       {cotp.AppendConnect(nil, 1, []byte(defaultTSAP), []byte(defaultTSAP)), true},
		"initiate":      {data(initiate), true},
		"data":          {data(identify), true},
		"s7":            {data("3201 0000 0001 0008 0000 f000 0001 0001 01e0"), false},
		"rack_and_slot": {cotp.AppendConnect(nil, 1, []byte{1, 0}, []byte{3, 2}), false},
		"http":          {[]byte("GET / HTTP/1.1\r\n\r\n"), false},
	} {
		if got := claims(c.first); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// readPlateOf is the asker's read of the nameplates of a domain.
func readPlateOf(domain string) []byte { return cotp.AppendData(nil, readPlate(3, domain)) }

func TestAsk(t *testing.T) {
	opened := []string{requestConnect, requestInitiate}
	identified := append(slices.Clone(opened), requestIdentify)
	sent := func(names ...string) []string { return append(slices.Clone(identified), names...) }
	sisco := carried(identity("SISCO", "MMS-LITE", "5"))
	none := plates("03", "-", "-", "-", "-", "-", "-", "-", "-")
	discoverytest.RunAsking(t, Protocol(), map[string]discoverytest.Asking{
		"answers": {
			Answers: [][]byte{confirm, accept, sisco, names("02", "AA1LD0", "AA1CTRL"), rel670("03")},
			Want:    sent(requestDomains, requestPlate, requestConclude), Told: append(told("SISCO", "MMS-LITE", "5"), toldPlate(server1)...),
		},
		"plate_in_the_second": {
			Answers: [][]byte{confirm, accept, sisco, names("02", strings.Repeat("x", 65), "A", "B", "C", "D"), none, rel670("04")},
			Want:    sent(requestDomains, requestPlate, requestPlate, requestConclude), Told: toldPlate(server1),
		},
		"no_plate": {
			Answers: [][]byte{confirm, accept, sisco, names("02", "A", "B", "C", "D"), none, none, none},
			Want:    sent(requestDomains, requestPlate, requestPlate, requestPlate, requestConclude),
		},
		"no_domains": {Answers: [][]byte{confirm, accept, sisco, carried(tlv("a2", "8001028200"))}, Want: sent(requestDomains, requestConclude)},
		"identify_only": {
			Allowed: []string{requestConnect, requestInitiate, requestIdentify, requestConclude}, Answers: [][]byte{confirm, accept, sisco}, Want: sent(requestConclude), Told: told("SISCO", "MMS-LITE", "5"),
		},
		"plate_only": {
			Known: map[discovery.Key]string{KeyVendorName: "a", KeyModelName: "b"}, Answers: [][]byte{confirm, accept, names("02", "AA1LD0"), rel670("03")},
			Want: append(slices.Clone(opened), requestDomains, requestPlate, requestConclude), Told: toldPlate(server1),
		},
		"rejects":          {Answers: [][]byte{confirm, accept, carried(tlv("a2", "8001018200")), names("02")}, Want: sent(requestDomains, requestConclude)},
		"garbled":          {Answers: [][]byte{confirm, accept, data("01000100 6155")}, Want: sent(requestConclude), Err: discovery.ErrNotUnderstood},
		"garbled_names":    {Answers: [][]byte{confirm, accept, sisco, carried(tlv("a1", "020102"+tlv("a1", "a0051a094c")))}, Want: sent(requestDomains, requestConclude), Err: discovery.ErrNotUnderstood},
		"silent":           {Answers: [][]byte{confirm, accept, nil}, Want: sent(requestConclude), Err: discovery.ErrSilent},
		"no_association":   {Answers: [][]byte{confirm, data("0c03 320102")}, Want: opened, Err: discovery.ErrNotOffered},
		"another_selector": {Answers: [][]byte{discoverytest.Unhex("0300 000b 06 80 0001 0000 80")}, Want: opened[:1], Err: discovery.ErrNotOffered},
		"ends":             {Answers: [][]byte{confirm}, Ends: true, Want: opened, Err: discovery.ErrNotOffered},
		"known":            {Known: map[discovery.Key]string{KeyVendorName: "a", KeyModelName: "b", KeyPhysicalModel: "c"}},
	})
}

func FuzzConversation(engine *testing.F) {
	f := discoverytest.NewFuzz(engine)
	f.Add(carried(identity("SISCO", "MMS-LITE-80X-001", "5.1")))
	f.Add(data(initiate))
	f.Add(data(identify))
	protocol := Protocol()
	f.Add(names("02", "LD0"))
	f.Add(rel670("03"))
	f.Fuzz(func(t *testing.T, b []byte) {
		claims(b)
		discoverytest.Check(t, protocol, discoverytest.Sample{Name: "fuzz", Flow: discoverytest.Between(discovery.TCP, Port), Messages: []discoverytest.Message{
			asked(b, data(domains), readPlateOf("LD0")), answered(b), answered(carried(hex.EncodeToString(b[:min(len(b), 100)]))),
		}})
	})
}
