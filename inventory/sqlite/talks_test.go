package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/inventory"
)

// soundTalks holds what is known of the conversations over all surveys against what the surveys told.
func soundTalks(t testing.TB, s *Store) {
	t.Helper()
	const dump = `SELECT concat_ws(' ', id, since, packets, bytes, operations, frequency, cyclic, median_ns, first_ns, last_ns, answered_first_ns, answered_last_ns)
		FROM talks ORDER BY id`
	back := errors.New("back")
	err := s.inTx(context.WithoutCancel(t.Context()), func(tx *session) error {
		before, err := texts(tx.QueryContext(t.Context(), dump))
		if err != nil {
			return err
		}
		var ids []int64
		if err := each(t.Context(), tx, "SELECT id FROM talks", func(scan func(...any) error) error {
			var id int64
			err := scan(&id)
			ids = append(ids, id)
			return err
		}); err != nil {
			return err
		}
		if err := countTalks(t.Context(), tx, ids); err != nil {
			return err
		}
		after, err := texts(tx.QueryContext(t.Context(), dump))
		if err != nil {
			return err
		}
		expect(t, "talks, counted anew", after, before)
		return back
	})
	if !errors.Is(err, back) {
		t.Fatal(err)
	}
}

// gossip records surveys in which a few hosts talk at random: some of them of an earlier day than those before, as when an old capture
// is read. Without gaps, every survey that tells of a conversation knows how often it is held, or none does.
func gossip(t *testing.T, s *Store, random *rand.Rand, gaps bool) {
	t.Helper()
	hosts := []discovery.Subject{
		host(plc, "10.0.0.1"), host(plc2, "10.0.0.2"), host(hmi, "10.0.0.3"), host("", "10.0.0.3"), host(router, ""), host(router, "8.8.8.8"),
	}
	pick := func(of ...string) string { return of[random.IntN(len(of))] }
	for range 6 {
		r, err := s.Begin(t.Context(), inventory.Survey{Kind: "read"})
		if err != nil {
			t.Fatal(err)
		}
		day := time.Duration(random.IntN(6)) * 24 * time.Hour
		for i, mac := range []string{plc, plc2, hmi} {
			r.Observe(bound(int(day/time.Minute), mac, fmt.Sprintf("10.0.0.%d", i+1)))
		}
		for range 60 {
			at := noon.Add(day + time.Duration(random.IntN(3600))*time.Second)
			client, server := random.IntN(len(hosts)), random.IntN(len(hosts))
			if client == server {
				continue
			}
			port := uint16(502 + random.IntN(2))
			frequency, median := pick("one-off", "sporadic", "cyclic"), time.Duration(1+random.IntN(2))*time.Second
			if gaps && random.IntN(3) == 0 || !gaps && port == 503 {
				frequency, median = "", 0
			}
			r.Observe(discovery.Observation{Time: at, Mode: discovery.Mode(1 + random.IntN(2)), Talks: []discovery.Conversation{{
				Client: hosts[client], Server: hosts[server], Transport: discovery.TCP, Port: port, Protocol: pick("", "modbus", "s7"),
				Packets: uint64(random.IntN(9)), Bytes: uint64(random.IntN(999)), Operations: discovery.Operations(random.IntN(8)), Answered: random.IntN(3) > 0,
				First: at, Last: at.Add(time.Duration(random.IntN(99)) * time.Millisecond),
				Frequency: frequency, MedianInterval: median,
			}}})
			if random.IntN(10) == 0 {
				if err := r.Flush(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := r.End(t.Context(), inventory.Survey{}); err != nil {
			t.Fatal(err)
		}
		sound(t, s)
	}
}

// cut gives what was said of an address since a time to another asset.
func cut(t *testing.T, s *Store, ip string, at time.Time) {
	t.Helper()
	for _, statement := range []string{
		"UPDATE asset_subjects SET until = ?2 WHERE subject IN (SELECT id FROM subjects WHERE ip = ?1)",
		`INSERT INTO asset_subjects (subject, asset, since, until) SELECT p.subject, (SELECT min(a.id) FROM assets AS a WHERE a.id <> p.asset), ?2, '~'
			FROM asset_subjects AS p JOIN subjects AS s ON s.id = p.subject WHERE s.ip = ?1`,
	} {
		if _, err := s.write.ExecContext(t.Context(), statement, ip, timeText(at)); err != nil {
			t.Fatal(err)
		}
	}
}

// What is known of a conversation over all surveys is what they told, whatever came first.
func TestTalksAddUp(t *testing.T) {
	for seed := range uint64(3) {
		gossip(t, newStore(t), rand.New(rand.NewPCG(seed, 6)), true)
	}
}

// Who talked to whom is read from the sums, and comes to the same as all that each survey told.
func TestTalksAreReadAsTheSurveysToldThem(t *testing.T) {
	for seed := range uint64(3) {
		s := newStore(t)
		random := rand.New(rand.NewPCG(seed, 7))
		gossip(t, s, random, false)
		for _, step := range []string{"whole", "with an asset that took an address over"} {
			if step != "whole" {
				cut(t, s, "10.0.0.3", noon.Add(50*time.Hour))
			}
			want := toldTalks(t, s)
			got := all(t, s.Conversations(t.Context()))
			if len(got) < 10 {
				t.Fatalf("%d conversations", len(got))
			}
			expect(t, step+": conversations", want, got)
			for _, a := range all(t, s.Assets(t.Context())) {
				own := slices.DeleteFunc(slices.Clone(want), func(c inventory.Conversation) bool { return c.Client != a.ID && c.Server != a.ID })
				expect(t, step+": conversations of "+a.ID, own, all(t, s.ConversationsOf(t.Context(), a.ID)))
			}
			for _, ip := range []string{"10.0.0.1", "10.0.0.3", "8.8.8.8", "10.0.0.9"} {
				with := slices.DeleteFunc(append([]inventory.Conversation(nil), want...), func(c inventory.Conversation) bool { return c.ClientIP != ip && c.ServerIP != ip })
				if len(with) == 0 {
					with = nil
				}
				expect(t, step+": conversations with "+ip, with, all(t, s.ConversationsWith(t.Context(), []string{ip})))
			}
			checkRoles(t, s, step)
			checkPartners(t, s, step)
			checkExternal(t, s, step)
		}
	}
}

// toldTalks puts the conversations together from what each survey told, as the view for other programs has it.
func toldTalks(t *testing.T, s *Store) []inventory.Conversation {
	t.Helper()
	var out []inventory.Conversation
	add := func(c inventory.Conversation) error {
		out = append(out, c)
		return nil
	}
	var group talkGroup
	err := each(t.Context(), s.read, `SELECT a.mac, a.ip, coalesce(pa.asset, ''), b.mac, b.ip, coalesce(pb.asset, ''), c.transport, c.port, c.protocol,
		max(a.vlan, b.vlan), c.packets, c.bytes, c.operations, c.frequency, c.median_ns, n.first_ns, n.last_ns, b.segment, c.first, c.last
		FROM conversations AS c JOIN talk_surveys AS n ON n.survey = c.survey AND n.talk = c.talk
		JOIN subjects AS a ON a.id = c.client JOIN subjects AS b ON b.id = c.server`+joinPlace("b")+`
		LEFT JOIN asset_subjects AS pa ON pa.subject = c.client AND c.last >= pa.since AND c.last < pa.until
		LEFT JOIN asset_subjects AS pb ON pb.subject = c.server AND c.last >= pb.since AND c.last < pb.until
		ORDER BY b_site.name, b_segment.name, b.place, a.place, c.transport, c.port, pb.asset, pa.asset, c.last, c.talk, c.survey`, func(scan func(...any) error) error {
		var first, last string
		var row talkLine
		if err := scan(append(row.into(), &first, &last)...); err != nil {
			return err
		}
		row.complete()
		expect(t, "times of the view", timeText(row.FirstSeen)+" "+timeText(row.LastSeen), first+" "+last)
		if !group.takes(row) {
			if err := group.tell(add); err != nil {
				return err
			}
			group = talkGroup{}
		}
		group.rows = append(group.rows, row)
		return nil
	})
	if err := errors.Join(err, group.tell(add)); err != nil {
		t.Fatal(err)
	}
	return out
}

// checkRoles holds the roles against what each survey told.
func checkRoles(t *testing.T, s *Store, step string) {
	t.Helper()
	var ids []string
	for _, a := range all(t, s.Assets(t.Context())) {
		ids = append(ids, a.ID)
	}
	peers, err := texts(s.read.QueryContext(t.Context(), `SELECT concat_ws(' ', p.asset, c.protocol, count(DISTINCT q.asset)) FROM conversations AS c
		JOIN asset_subjects AS p ON p.subject = c.client AND c.last >= p.since AND c.last < p.until
		JOIN asset_subjects AS q ON q.subject = c.server AND c.last >= q.since AND c.last < q.until
		WHERE c.mode = 'heard' AND c.protocol IN (SELECT value FROM json_each(?)) AND p.asset <> q.asset GROUP BY p.asset, c.protocol ORDER BY 1`,
		jsonText(inventory.RoleProtocols())))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	err = s.within(t.Context(), func(tx *sql.Tx) error {
		found, err := roles(t.Context(), tx, ids)
		for asset, r := range found {
			for protocol, peers := range r.Asks {
				got = append(got, fmt.Sprint(asset, " ", protocol, " ", peers))
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(got)
	if len(got) == 0 {
		t.Error("nobody has a role")
	}
	expect(t, step+": roles", peers, got)
}

// checkPartners holds who talks to whom, and whether ever in a cycle, against what each survey told.
func checkPartners(t *testing.T, s *Store, step string) {
	t.Helper()
	want, err := texts(s.read.QueryContext(t.Context(), `SELECT concat_ws(' ', p.asset, q.asset, max(c.frequency = 'cyclic')) FROM conversations AS c
		JOIN asset_subjects AS p ON p.subject = c.client AND c.last >= p.since AND c.last < p.until
		JOIN asset_subjects AS q ON q.subject = c.server AND c.last >= q.since AND c.last < q.until GROUP BY p.asset, q.asset ORDER BY 1`))
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, a := range all(t, s.Assets(t.Context())) {
		ids = append(ids, a.ID)
	}
	for n := range ids {
		of := ids[:n]
		ever := map[[2]string]int{}
		for _, p := range all(t, s.Partners(t.Context(), of)) {
			ends := [2]string{p.Client, p.Server}
			ever[ends] = max(ever[ends], bit(p.Cyclic))
		}
		var got []string
		for ends, cyclic := range ever {
			got = append(got, fmt.Sprint(ends[0], " ", ends[1], " ", cyclic))
		}
		slices.Sort(got)
		wanted := slices.DeleteFunc(slices.Clone(want), func(line string) bool {
			words := strings.Fields(line)
			return words[2] == "0" && !slices.Contains(of, words[0]) && !slices.Contains(of, words[1])
		})
		expect(t, fmt.Sprintf("%s: partners, and those of %d", step, n), wanted, got)
	}
}

// checkExternal holds who outside is depended on against what is found by looking through all conversations.
func checkExternal(t *testing.T, s *Store, step string) {
	t.Helper()
	want, err := inventory.External(t.Context(), struct {
		inventory.Source
		inventory.FactSource
	}{s, s})
	if err != nil {
		t.Fatal(err)
	}
	got, err := inventory.External(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	if len(got) == 0 {
		t.Error("nobody is outside")
	}
	expect(t, step+": external", want, got)
}

// Every survey tells of the same conversation again: it costs one narrow row, and nothing else is added.
func TestATalkStandsOnce(t *testing.T) {
	s := newStore(t)
	client, server := host(hmi, "10.0.0.3"), host(plc, "10.0.0.1")
	for day := range 3 {
		survey(t, s, inventory.Survey{}, talks(day*1440, client, server, 102, "s7", 9, true), talks(day*1440+5, client, server, 102, "s7", 1, false))
	}
	var count, told int
	if err := s.read.QueryRowContext(t.Context(), "SELECT (SELECT count(*) FROM talks), (SELECT count(*) FROM talk_surveys)").Scan(&count, &told); err != nil {
		t.Fatal(err)
	}
	expect(t, "talks", 1, count)
	expect(t, "what was told of them", 3, told)
	expect(t, "packets", uint64(30), all(t, s.Conversations(t.Context()))[0].Packets)
}

// What goes over transports that have no name is kept, as one.
func TestTransportsWithoutAName(t *testing.T) {
	s := newStore(t)
	var list []discovery.Observation
	for _, transport := range []discovery.Transport{0, 200, discovery.UDP} {
		o := talks(1, host(hmi, "10.0.0.3"), host(plc, "10.0.0.1"), 102, "s7", 2, true)
		o.Talks[0].Transport = transport
		list = append(list, o)
	}
	survey(t, s, inventory.Survey{}, list...)
	survey(t, s, inventory.Survey{}, list...)
	var got []string
	for _, c := range all(t, s.Conversations(t.Context())) {
		got = append(got, fmt.Sprint(c.Transport, " ", c.Packets))
	}
	expect(t, "conversations", []string{"udp 4", "unknown 8"}, got)
}

// A capture may be damaged, or its clock be wrong: times that nanoseconds cannot hold become the nearest.
func TestTimesThatNobodyHas(t *testing.T) {
	for _, c := range []struct{ year, want int }{{1600, 1677}, {1970, 1970}, {2026, 2026}, {2300, 2262}} {
		s := newStore(t)
		at := time.Date(c.year, 6, 1, 0, 0, 0, 1, time.UTC)
		for range 2 {
			survey(t, s, inventory.Survey{Kind: "read"}, discovery.Observation{Time: at, Mode: discovery.Heard, Talks: []discovery.Conversation{{
				Client: host(hmi, "10.0.0.3"), Server: discovery.Subject{IP: netip.MustParseAddr("10.0.0.1")}, Transport: discovery.TCP, Port: 102, Packets: 1,
			}}})
		}
		list := all(t, s.Conversations(t.Context()))
		if len(list) != 1 || list[0].Packets != 2 || list[0].FirstSeen.Year() != c.want || list[0].LastSeen.Year() != c.want {
			t.Errorf("%d: %+v", c.year, list)
		}
		expect(t, "as the surveys told", toldTalks(t, s), list)
	}
}
