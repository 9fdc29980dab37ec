package sqlite

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/walkdown-ot/walkdown/inventory"
)

// absences tells which assets of the survey's segment have vanished, as far as the survey looked for them.
func absences(ctx context.Context, tx *session, survey int64) ([]inventory.Change, error) {
	look, err := lookedFor(ctx, tx, survey)
	if err != nil || look.listened == 0 && len(look.unanswered) == 0 {
		return nil, err
	}
	missing, err := look.missing(ctx, tx)
	if err != nil {
		return nil, err
	}
	var changes []inventory.Change
	for _, m := range missing {
		if c, gone := m.Vanished(look.listened); gone {
			changes = append(changes, c)
		}
	}
	return changes, nil
}

// returns tells which assets that had vanished have been seen since.
func returns(ctx context.Context, tx *session, _ int64) ([]inventory.Change, error) {
	var changes []inventory.Change
	err := each(ctx, tx, `SELECT a.id, coalesce((SELECT trim(d.mac || ' ' || d.ip) FROM addresses AS d WHERE d.asset = a.id ORDER BY d.ip = '', d.ip, d.mac LIMIT 1), '')
		FROM changes AS c JOIN assets AS a ON a.id = c.asset JOIN asset_states AS t ON t.asset = a.age WHERE c.kind = 'vanished' AND t.last_seen > c.time
			AND NOT EXISTS (SELECT 1 FROM changes AS n WHERE n.asset = c.asset AND n.kind IN ('appeared', 'vanished') AND (n.time, n.id) > (c.time, c.id))
		ORDER BY a.id`, func(scan func(...any) error) error {
		c := inventory.Change{Kind: inventory.Appeared, Attribute: "again"}
		err := scan(&c.Asset, &c.New)
		changes = append(changes, c)
		return err
	})
	return changes, err
}

// look is what a survey did to see who is there.
type look struct {
	survey        int64
	site, segment string
	started       string
	listened      time.Duration  // 0 when it heard nothing, or read files, whose time is another
	unanswered    map[string]int // questions, by the IP that answered none of them
}

// lookedFor reads what the survey did. Who asks and gets no answer from anybody may have a broken cable, and has not looked;
// so has who listens and hears nothing.
func lookedFor(ctx context.Context, tx *session, survey int64) (look, error) {
	l := look{survey: survey, unanswered: map[string]int{}}
	var kind, ended string
	var heard bool
	_, err := tx.row(ctx, `SELECT t.name, g.name, v.kind, v.started, v.ended, EXISTS (SELECT 1 FROM messages AS m JOIN subjects AS s ON s.id = m.subject
			JOIN facts AS f ON f.subject = m.subject AND f.message = m.number WHERE m.survey = v.id AND f.mode = 'heard' AND s.segment = v.segment)
		FROM surveys AS v JOIN segments AS g ON g.id = v.segment JOIN sites AS t ON t.id = g.site WHERE v.id = ?`,
		[]any{survey}, &l.site, &l.segment, &kind, &l.started, &ended, &heard)
	if err != nil {
		return l, err
	}
	if heard && isLive(kind) {
		var from, to time.Time
		if err := parseTimes(l.started, &from, ended, &to); err != nil {
			return l, err
		}
		l.listened = to.Sub(from)
	}
	answers := 0
	err = each(ctx, tx, `SELECT ip, count(*), sum(outcome NOT IN ('silent', 'skipped', 'error')), sum(outcome = 'silent') FROM ledger
		WHERE survey = ? AND ip <> '' GROUP BY ip`, func(scan func(...any) error) error {
		var ip string
		var all, answered, silent int
		if err := scan(&ip, &all, &answered, &silent); err != nil {
			return err
		}
		answers += answered
		if answered == 0 && silent > 0 {
			l.unanswered[ip] = silent
		}
		return nil
	}, survey)
	if answers == 0 {
		clear(l.unanswered)
	}
	return l, err
}

// isLive reports whether a survey of this kind hears what is said while it runs.
func isLive(kind string) bool { return kind == "survey" || kind == "listen" }

// missing are the assets of the segment that were known before the survey and not seen by it, apart from those that are known
// to have vanished.
func (l look) missing(ctx context.Context, tx *session) ([]inventory.Missing, error) {
	var ids []string
	out := map[string]*inventory.Missing{}
	err := each(ctx, tx, `SELECT a.id, d.mac, d.ip FROM assets AS a JOIN asset_states AS t ON t.asset = a.age JOIN addresses AS d ON d.asset = a.id
		WHERE a.site = ?1 AND a.segment = ?2 AND t.last_seen < ?3 AND coalesce((SELECT c.kind FROM changes AS c
			WHERE c.asset = a.id AND c.kind IN ('appeared', 'vanished') ORDER BY c.time DESC, c.id DESC LIMIT 1), '') <> 'vanished'
		ORDER BY a.id, d.ip = '', d.ip, d.mac`, func(scan func(...any) error) error {
		var id, mac, ip string
		if err := scan(&id, &mac, &ip); err != nil {
			return err
		}
		m := out[id]
		if m == nil {
			m = &inventory.Missing{Asset: id, Address: strings.TrimSpace(mac + " " + ip)}
			out[id], ids = m, append(ids, id)
		}
		m.Unanswered += l.unanswered[ip]
		return nil
	}, l.site, l.segment, l.started)
	if err != nil {
		return nil, err
	}
	list := make([]inventory.Missing, 0, len(ids))
	for _, id := range ids {
		m := out[id]
		if m.Answered, m.Heard, err = l.knownBy(ctx, tx, id); err != nil {
			return nil, err
		}
		list = append(list, *m)
	}
	return list, nil
}

// knownBy says by which means an asset is known: whether it answered, and how long the survey listened that heard it last, if
// that was at this survey's plug-in point.
func (l look) knownBy(ctx context.Context, tx *session, asset string) (answered bool, heard time.Duration, err error) {
	var last int64
	_, err = tx.row(ctx, `SELECT coalesce(max(f.mode = 'asked'), 0), coalesce(max(CASE f.mode WHEN 'heard' THEN m.survey END), 0)
		FROM asset_subjects AS p CROSS JOIN facts AS f ON f.subject = p.subject`+joinMessage+` AND m.last >= p.since AND m.last < p.until
		WHERE p.asset = ? AND f.teller = f.subject`, []any{asset}, &answered, &last)
	if err != nil || last == 0 {
		return answered, 0, err
	}
	var kind, started, ended string
	here, err := tx.row(ctx, `SELECT v.kind, v.started, v.ended FROM surveys AS v JOIN plug_in_points AS p ON p.survey = v.id
		JOIN plug_in_points AS q ON q.survey = ?2 AND CASE WHEN p.gateway_mac <> '' AND q.gateway_mac <> '' THEN p.gateway_mac = q.gateway_mac
			ELSE p.address = q.address END AND p.switch = q.switch AND p.port = q.port
		WHERE v.id = ?1`, []any{last, l.survey}, &kind, &started, &ended)
	if err != nil || !here || !isLive(kind) || ended == "" {
		return answered, 0, err
	}
	var from, to time.Time
	if err := parseTimes(started, &from, ended, &to); err != nil {
		return answered, 0, err
	}
	return answered, max(to.Sub(from), 1), nil
}

// noisy are protocols by which everybody talks to everybody: that two more do so is no change of the plant.
const noisy = `('mdns', 'llmnr', 'nbns', 'browser', 'ssdp', 'dhcp')`

// maxNewPeers is how many new peers outside are told of one asset; a browser has new ones every minute.
const maxNewPeers = 20

// newTalks tells who talks to whom for the first time, in a segment that was listened to before: answered, or often enough to
// have a rhythm.
func newTalks(ctx context.Context, tx *session, survey int64) ([]inventory.Change, error) {
	var before bool
	if _, err := tx.row(ctx, `SELECT EXISTS (SELECT 1 FROM talks AS t JOIN subjects AS s ON s.id = t.server JOIN surveys AS v ON v.id = ?1
		WHERE t.since < ?1 AND s.segment = v.segment)`, []any{survey}, &before); err != nil || !before {
		return nil, err
	}
	var changes []inventory.Change
	// Most were heard before between the same two addresses; only of the others it matters what else their assets did.
	err := each(ctx, tx, `WITH fresh AS MATERIALIZED (
			SELECT t.client FROM talks AS t CROSS JOIN talk_surveys AS c ON c.survey = ?1 AND c.talk = t.id
			WHERE t.since = ?1 AND t.mode = 'heard' AND (c.answered OR c.frequency IN ('cyclic', 'periodic'))),
		near AS MATERIALIZED (
			SELECT client AS subject FROM fresh
			UNION SELECT q.subject FROM fresh JOIN asset_subjects AS p ON p.subject = fresh.client JOIN asset_subjects AS q ON q.asset = p.asset
			UNION SELECT o.id FROM fresh JOIN subjects AS s ON s.id = fresh.client JOIN subjects AS o ON o.segment = s.segment AND o.ip = s.ip WHERE s.ip <> ''),
		told AS (
			SELECT t.client, t.server, t.transport, t.port, t.protocol, c.survey, '' AS last, c.answered, c.frequency
				FROM near CROSS JOIN talks AS t ON t.client = near.subject AND t.mode = 'heard' AND t.id NOT IN `+cutTalks+`
				CROSS JOIN talk_surveys AS c ON c.survey IN (t.since, ?1) AND c.talk = t.id
			UNION ALL SELECT t.client, t.server, t.transport, t.port, t.protocol, c.survey, c.last, c.answered, c.frequency
				FROM near CROSS JOIN talks AS t ON t.client = near.subject AND t.mode = 'heard' AND t.id IN `+cutTalks+`
				CROSS JOIN surveys AS v CROSS JOIN conversations AS c ON c.survey = v.id AND c.talk = t.id),
		talk AS (
			SELECT c.survey, coalesce(pa.asset, '') AS client, CASE WHEN pa.asset IS NULL THEN a.ip ELSE '' END AS client_end,
				coalesce(pb.asset, '') AS server, CASE WHEN pb.asset IS NULL THEN b.ip ELSE '' END AS server_end,
				c.transport, c.port, c.protocol, a.ip AS client_ip, b.ip AS server_ip
			FROM told AS c JOIN subjects AS a ON a.id = c.client JOIN subjects AS b ON b.id = c.server
			LEFT JOIN asset_subjects AS pa ON pa.subject = c.client AND c.last >= pa.since AND c.last < pa.until
			LEFT JOIN asset_subjects AS pb ON pb.subject = c.server AND c.last >= pb.since AND c.last < pb.until
			WHERE c.survey <= ?1 AND c.protocol NOT IN `+noisy+` AND (c.survey < ?1 OR c.answered OR c.frequency IN ('cyclic', 'periodic'))),
		new AS (SELECT client, client_end, server, server_end, transport, port FROM talk WHERE survey = ?1 AND client || server <> ''
			EXCEPT SELECT client, client_end, server, server_end, transport, port FROM talk WHERE survey < ?1)
		SELECT client, client_end, server, server_end, transport, port, max(protocol), max(client_ip), max(server_ip)
		FROM new JOIN talk USING (client, client_end, server, server_end, transport, port)
		GROUP BY 1, 2, 3, 4, 5, 6 ORDER BY 1, 3, 5, 6, 2, 4`, func(scan func(...any) error) error {
		var t talkEnds
		if err := scan(&t.client, &t.clientEnd, &t.server, &t.serverEnd, &t.transport, &t.port, &t.protocol, &t.clientIP, &t.serverIP); err != nil {
			return err
		}
		if c, ok := t.change(); ok {
			changes = append(changes, c)
		}
		return nil
	}, survey)
	return fewPeers(changes), err
}

// talkEnds is a conversation that was not known before. An end without an asset has its IP alone.
type talkEnds struct {
	client, clientEnd, server, serverEnd string
	transport                            string
	port                                 int
	protocol                             string
	clientIP, serverIP                   string
}

// change tells of the server that it has a new client; of the end inside, that it has a new peer outside.
func (t talkEnds) change() (inventory.Change, bool) {
	c := inventory.Change{Kind: inventory.Talked, Attribute: strings.TrimSpace(fmt.Sprintf("%s/%d %s", t.transport, t.port, t.protocol))}
	switch {
	case t.server == "" && isExternal(t.serverEnd):
		c.Kind, c.Asset, c.New = inventory.Reached, t.client, t.serverEnd
	case t.client == "" && isExternal(t.clientEnd):
		c.Kind, c.Asset, c.New = inventory.Reached, t.server, t.clientEnd
	case t.client == "" || t.server == "":
		return c, false // to a group, or to an address that nobody has
	default:
		c.Asset, c.New, c.Via = t.server, cmp.Or(t.clientIP, t.client), t.client
	}
	return c, c.Asset != ""
}

// fewPeers cuts the peers outside of each asset down to what a person reads, and says how many were left out.
func fewPeers(changes []inventory.Change) []inventory.Change {
	count := map[string]int{}
	out := slices.DeleteFunc(changes, func(c inventory.Change) bool {
		if c.Kind != inventory.Reached {
			return false
		}
		count[c.Asset]++
		return count[c.Asset] > maxNewPeers
	})
	for i, c := range out {
		if n := count[c.Asset] - maxNewPeers; c.Kind == inventory.Reached && n > 0 {
			out[i].New = fmt.Sprintf("%s, and %d others", c.New, n)
			count[c.Asset] = 0
		}
	}
	return out
}
