package sqlite

import (
	"cmp"
	"context"
	"database/sql"
	"iter"
	"slices"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/inventory"
)

// Conversations come sorted by server, client, transport and port: by their addresses, as numbers. What several surveys and
// decoders told of one conversation is one.
func (v view) Conversations(ctx context.Context) iter.Seq2[inventory.Conversation, error] {
	return v.conversations(ctx, "")
}

// ConversationsOf are those in which an asset takes part, by its id, in the same order.
func (v view) ConversationsOf(ctx context.Context, asset string) iter.Seq2[inventory.Conversation, error] {
	return v.conversations(ctx, " WHERE ?2 IN (pa.asset, pb.asset) AND c.talk IN "+talksOf, jsonText([]string{asset}), asset)
}

// ConversationsWith are those with one of these IPs at an end, in the same order.
func (v view) ConversationsWith(ctx context.Context, ips []string) iter.Seq2[inventory.Conversation, error] {
	const ends = "FROM json_each(?1) AS w CROSS JOIN segments AS g CROSS JOIN subjects AS s ON s.segment = g.id AND s.ip = w.value CROSS JOIN talks AS t ON "
	return v.conversations(ctx, " WHERE c.talk IN (SELECT t.id "+ends+"t.client = s.id UNION SELECT t.id "+ends+"t.server = s.id)", jsonText(ips))
}

// Addresses are the IPs that were heard or told of, in no order; one that several segments have comes several times.
func (v view) Addresses(ctx context.Context) iter.Seq2[string, error] {
	return stream(ctx, v, "list addresses", func(tx *sql.Tx, yield func(string) error) error {
		return each(ctx, tx, "SELECT ip FROM subjects WHERE ip <> '' GROUP BY segment, ip", func(scan func(...any) error) error {
			var ip string
			if err := scan(&ip); err != nil {
				return err
			}
			return yield(ip)
		})
	})
}

// cutTalks are the talks with an end whose evidence belongs to one asset after the other: which one it was, only each survey's row can
// say.
const cutTalks = `(SELECT t.id FROM asset_subjects AS p CROSS JOIN talks AS t ON t.client = p.subject WHERE p.since > '' OR p.until < '~'
	UNION SELECT t.id FROM asset_subjects AS p CROSS JOIN talks AS t ON t.server = p.subject WHERE p.since > '' OR p.until < '~')`

// talksOf are the talks in which the assets of a JSON list ever had a part.
const talksOf = `(SELECT t.id FROM json_each(?1) AS w CROSS JOIN asset_subjects AS p ON p.asset = w.value CROSS JOIN talks AS t ON t.client = p.subject
	UNION SELECT t.id FROM json_each(?1) AS w CROSS JOIN asset_subjects AS p ON p.asset = w.value CROSS JOIN talks AS t ON t.server = p.subject)`

// wholeTalks are the conversations over all surveys. As long as no end is cut, each is between two assets; any time is one of them, and so is
// none.
const wholeTalks = `SELECT t.id AS talk, 0 AS survey, t.client, t.server, t.transport, t.port, t.protocol, t.packets, t.bytes, t.operations, t.frequency,
	t.cyclic, t.median_ns, t.first_ns, t.last_ns, '' AS last FROM talks AS t`

// talkParts are the conversations as parts of which each is between two assets: whole, or what one survey told, where an end is cut. To leave
// out the latter where there is none makes a long list a fifth faster.
func talkParts(ctx context.Context, tx *sql.Tx) (string, error) {
	var cut bool
	err := tx.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM asset_subjects WHERE since > '' OR until < '~')").Scan(&cut)
	if err != nil || !cut {
		return "(" + wholeTalks + ")", err
	}
	return "(" + wholeTalks + " WHERE t.id NOT IN " + cutTalks + `
		UNION ALL SELECT t.id, c.survey, t.client, t.server, t.transport, t.port, t.protocol, c.packets, c.bytes, c.operations, c.frequency,
		c.frequency = 'cyclic', c.median_ns, c.first_ns, c.last_ns, (SELECT last FROM conversations AS w WHERE w.survey = c.survey AND w.talk = c.talk)
		FROM ` + cutTalks + " AS cut CROSS JOIN talks AS t ON t.id = cut.id CROSS JOIN surveys AS v CROSS JOIN talk_surveys AS c ON c.survey = v.id AND c.talk = t.id)", nil
}

func (v view) conversations(ctx context.Context, which string, args ...any) iter.Seq2[inventory.Conversation, error] {
	return stream(ctx, v, "list conversations", func(tx *sql.Tx, yield func(inventory.Conversation) error) error {
		parts, err := talkParts(ctx, tx)
		if err != nil {
			return err
		}
		var group talkGroup
		var row talkLine
		into := row.into()
		// The site and segment of both ends are the same: a listener hears one segment.
		err = each(ctx, tx, `WITH places AS MATERIALIZED (SELECT g.id, row_number() OVER (ORDER BY t.name, g.name) AS place
				FROM segments AS g JOIN sites AS t ON t.id = g.site)
			SELECT a.mac, a.ip, coalesce(pa.asset, '') AS client, b.mac, b.ip, coalesce(pb.asset, '') AS server, c.transport, c.port, c.protocol,
			max(a.vlan, b.vlan), c.packets, c.bytes, c.operations, c.frequency, c.median_ns, c.first_ns, c.last_ns, b.segment
			FROM `+parts+` AS c JOIN subjects AS a ON a.id = c.client JOIN subjects AS b ON b.id = c.server JOIN places AS g ON g.id = b.segment
			LEFT JOIN asset_subjects AS pa ON pa.subject = c.client AND c.last >= pa.since AND c.last < pa.until
			LEFT JOIN asset_subjects AS pb ON pb.subject = c.server AND c.last >= pb.since AND c.last < pb.until`+which+`
			ORDER BY g.place, b.place, a.place, c.transport, c.port, server, client, c.last_ns, c.talk, c.survey`,
			func(scan func(...any) error) error {
				if err := scan(into...); err != nil {
					return err
				}
				row.complete()
				if !group.takes(row) {
					if err := group.tell(yield); err != nil {
						return err
					}
					group.rows = group.rows[:0]
				}
				group.rows = append(group.rows, row)
				return nil
			}, args...)
		if err != nil {
			return err
		}
		return group.tell(yield)
	})
}

// Partners are who ever exchanged data in a cycle, and everybody with whom one of the assets named talks, in no order; the same two may come
// several times.
func (v view) Partners(ctx context.Context, of []string) iter.Seq2[inventory.Partners, error] {
	return stream(ctx, v, "list who talks to whom", func(tx *sql.Tx, yield func(inventory.Partners) error) error {
		tell := func(scan func(...any) error) error {
			var p inventory.Partners
			if err := scan(&p.Client, &p.Server, &p.Cyclic); err != nil {
				return err
			}
			return yield(p)
		}
		parts, err := talkParts(ctx, tx)
		if err != nil {
			return err
		}
		query := "SELECT pa.asset, pb.asset, c.cyclic FROM " + parts + ` AS c
			JOIN asset_subjects AS pa ON pa.subject = c.client AND c.last >= pa.since AND c.last < pa.until
			JOIN asset_subjects AS pb ON pb.subject = c.server AND c.last >= pb.since AND c.last < pb.until WHERE `
		if err := each(ctx, tx, query+"c.cyclic", tell); err != nil || len(of) == 0 {
			return err
		}
		return each(ctx, tx, query+"NOT c.cyclic AND c.talk IN "+talksOf+` AND (pa.asset IN (SELECT value FROM json_each(?1))
			OR pb.asset IN (SELECT value FROM json_each(?1)))`, tell, jsonText(of))
	})
}

// Strangers are the ends of conversations that are in no inventory, in no order; the same may come several times. Nearly every address
// belongs to one asset at any time, so only the conversations of the others are looked at.
func (v view) Strangers(ctx context.Context) iter.Seq2[inventory.Stranger, error] {
	return stream(ctx, v, "list who is in no inventory", func(tx *sql.Tx, yield func(inventory.Stranger) error) error {
		parts, err := talkParts(ctx, tx)
		if err != nil {
			return err
		}
		for _, end := range []struct{ own, other string }{{"client", "server"}, {"server", "client"}} {
			if err := each(ctx, tx, "SELECT s.ip, q.asset FROM "+parts+` AS c CROSS JOIN subjects AS s ON s.id = c.`+end.own+`
				CROSS JOIN asset_subjects AS q ON q.subject = c.`+end.other+` AND c.last >= q.since AND c.last < q.until
				WHERE s.ip <> '' AND c.talk IN (SELECT t.id FROM subjects AS n CROSS JOIN talks AS t ON t.`+end.own+` = n.id WHERE n.ip <> ''
						AND NOT EXISTS (SELECT 1 FROM asset_subjects AS p WHERE p.subject = n.id AND p.since = '' AND p.until = '~'))
					AND NOT EXISTS (SELECT 1 FROM asset_subjects AS p WHERE p.subject = s.id AND c.last >= p.since AND c.last < p.until)`,
				func(scan func(...any) error) error {
					var s inventory.Stranger
					if err := scan(&s.IP, &s.With); err != nil {
						return err
					}
					return yield(s)
				}); err != nil {
				return err
			}
		}
		return nil
	})
}

// talkLine is one row of the conversations.
type talkLine struct {
	inventory.Conversation
	clientMAC, serverMAC string
	segment              int64
	operations           discovery.Operations
	numbers              talkNumbers
}

// talkNumbers are scanned as they come, which is faster than as what they are.
type talkNumbers struct{ port, vlan, packets, bytes, operations, median, first, last int64 }

// into is where a row is scanned to; complete does the rest.
func (t *talkLine) into() []any {
	c, n := &t.Conversation, &t.numbers
	return []any{
		&t.clientMAC, &c.ClientIP, &c.Client, &t.serverMAC, &c.ServerIP, &c.Server, &c.Transport, &n.port, &c.Protocol,
		&n.vlan, &n.packets, &n.bytes, &n.operations, &c.Frequency, &n.median, &n.first, &n.last, &t.segment,
	}
}

func (t *talkLine) complete() {
	c, n := &t.Conversation, &t.numbers
	c.Port, c.VLAN, c.Packets, c.Bytes = uint16(n.port), uint16(n.vlan), uint64(n.packets), uint64(n.bytes) //nolint:gosec // as they were stored
	t.operations = discovery.Operations(n.operations)                                                       //nolint:gosec // as they were stored
	c.MedianIntervalMS = time.Duration(n.median).Milliseconds()
	c.FirstSeen, c.LastSeen = timeOf(n.first), timeOf(n.last)
	c.ClientMAC, c.ServerMAC = "", ""
	if c.ClientIP == "" {
		c.ClientMAC = t.clientMAC
	}
	if c.ServerIP == "" {
		c.ServerMAC = t.serverMAC
	}
}

// talkGroup is the rows between two ends, over one transport and port, in the order of time.
type talkGroup struct{ rows []talkLine }

// takes reports whether a row belongs to the group. Without an IP the MACs are the ends.
func (g *talkGroup) takes(t talkLine) bool {
	if len(g.rows) == 0 {
		return true
	}
	end := func(ip, mac string) string { return cmp.Or(ip, mac) }
	x := g.rows[0]
	return x.segment == t.segment && x.Client == t.Client && x.Server == t.Server && x.Transport == t.Transport && x.Port == t.Port &&
		end(x.ClientIP, x.clientMAC) == end(t.ClientIP, t.clientMAC) && end(x.ServerIP, x.serverMAC) == end(t.ServerIP, t.serverMAC)
}

// tell yields the conversations of a group, one for each protocol. What was counted before the protocol was recognised belongs
// to the one protocol that then was.
func (g *talkGroup) tell(yield func(inventory.Conversation) error) error {
	if len(g.rows) == 1 { // as nearly always
		return yield(withWords(g.rows[0].Conversation, g.rows[0].operations))
	}
	var names []string
	for _, row := range g.rows {
		if row.Protocol != "" && !slices.Contains(names, row.Protocol) {
			names = append(names, row.Protocol)
		}
	}
	slices.Sort(names)
	unnamed := len(names) != 1 && slices.ContainsFunc(g.rows, func(row talkLine) bool { return row.Protocol == "" })
	if unnamed {
		names = append([]string{""}, names...)
	}
	for _, name := range names {
		var c inventory.Conversation
		var operations discovery.Operations
		first := true
		for _, row := range g.rows {
			if row.Protocol != name && (row.Protocol != "" || unnamed) {
				continue
			}
			operations |= row.operations
			if first {
				c, first = row.Conversation, false
				c.Protocol = name
				continue
			}
			c.Packets += row.Packets
			c.Bytes += row.Bytes
			c.VLAN = max(c.VLAN, row.VLAN)
			c.Frequency = cmp.Or(row.Frequency, c.Frequency) // the newest
			c.MedianIntervalMS = cmp.Or(row.MedianIntervalMS, c.MedianIntervalMS)
			if row.FirstSeen.Before(c.FirstSeen) {
				c.FirstSeen = row.FirstSeen
			}
			if row.LastSeen.After(c.LastSeen) {
				c.LastSeen = row.LastSeen
			}
		}
		if err := yield(withWords(c, operations)); err != nil {
			return err
		}
	}
	return nil
}

func withWords(c inventory.Conversation, operations discovery.Operations) inventory.Conversation {
	c.Operations = operations.Names()
	c.External = isExternal(c.ClientIP) || isExternal(c.ServerIP)
	return c
}
