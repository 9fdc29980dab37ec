-- +goose Up
-- A conversation is told of by every survey, and is the same one: what it is stands once, with its sums over all surveys, and what each
-- survey told of it in a narrow row. The rows of a survey stand together, so that a survey costs the same however many there were.
-- Times are in nanoseconds since 1970; 64 bits hold those between 1678 and 2262.

CREATE TABLE talks (
	id         INTEGER PRIMARY KEY,
	client     INTEGER NOT NULL REFERENCES subjects,
	server     INTEGER NOT NULL REFERENCES subjects,
	transport  TEXT NOT NULL,
	port       INTEGER NOT NULL,
	protocol   TEXT NOT NULL,
	mode       TEXT NOT NULL,
	since      INTEGER NOT NULL REFERENCES surveys, -- the lowest number of those that told of it
	packets    INTEGER NOT NULL,
	bytes      INTEGER NOT NULL,
	operations INTEGER NOT NULL, -- bits: 1 read, 2 write, 4 control
	frequency  TEXT NOT NULL,    -- the newest that is known
	cyclic     INTEGER NOT NULL, -- 1: it was cyclic in one of them
	median_ns  INTEGER NOT NULL, -- the newest that is known
	first_ns   INTEGER NOT NULL,
	last_ns    INTEGER NOT NULL,
	answered_first_ns INTEGER, -- of those in which the server was heard too; NULL = in none
	answered_last_ns  INTEGER,
	UNIQUE (client, server, transport, port, protocol, mode)
) STRICT;

CREATE TABLE talk_surveys (
	survey     INTEGER NOT NULL REFERENCES surveys,
	talk       INTEGER NOT NULL REFERENCES talks,
	packets    INTEGER NOT NULL,
	bytes      INTEGER NOT NULL,
	operations INTEGER NOT NULL,
	answered   INTEGER NOT NULL,
	frequency  TEXT NOT NULL,
	median_ns  INTEGER NOT NULL,
	first_ns   INTEGER NOT NULL,
	last_ns    INTEGER NOT NULL,
	PRIMARY KEY (survey, talk)
) STRICT, WITHOUT ROWID;

INSERT INTO talks (client, server, transport, port, protocol, mode, since, packets, bytes, operations, frequency, cyclic, median_ns,
		first_ns, last_ns, answered_first_ns, answered_last_ns)
	SELECT client, server, transport, port, protocol, mode, min(survey), sum(packets), sum(bytes), max(operations & 1) | max(operations & 2) | max(operations & 4),
		substr(max(iif(frequency <> '', format('%s%020d%s', last, id, frequency), '')), 51), max(frequency = 'cyclic'),
		CAST(substr(max(iif(median_ns > 0, format('%s%020d%d', last, id, median_ns), '')), 51) AS INTEGER),
		-- As below; text of one length sorts like time.
		min(max(coalesce(unixepoch(substr(min(first), 1, 19)), 0), -9223372036), 9223372035) * 1000000000 + substr(min(first), 21, 9),
		min(max(coalesce(unixepoch(substr(max(last), 1, 19)), 0), -9223372036), 9223372035) * 1000000000 + substr(max(last), 21, 9),
		NULL, NULL
	FROM conversations GROUP BY client, server, transport, port, protocol, mode;

INSERT INTO talk_surveys (survey, talk, packets, bytes, operations, answered, frequency, median_ns, first_ns, last_ns)
	SELECT c.survey, t.id, c.packets, c.bytes, c.operations, c.answered, c.frequency, c.median_ns,
		min(max(coalesce(unixepoch(substr(c.first, 1, 19)), 0), -9223372036), 9223372035) * 1000000000 + substr(c.first, 21, 9),
		min(max(coalesce(unixepoch(substr(c.last, 1, 19)), 0), -9223372036), 9223372035) * 1000000000 + substr(c.last, 21, 9)
	FROM conversations AS c CROSS JOIN talks AS t ON t.client = c.client AND t.server = c.server AND t.transport = c.transport AND t.port = c.port
		AND t.protocol = c.protocol AND t.mode = c.mode
	ORDER BY c.survey, t.id;

UPDATE talks SET answered_first_ns = a.first_ns, answered_last_ns = a.last_ns
	FROM (SELECT talk, min(first_ns) AS first_ns, max(last_ns) AS last_ns FROM talk_surveys WHERE answered GROUP BY talk) AS a WHERE a.talk = talks.id;

DROP TABLE conversations;
CREATE INDEX talks_by_server ON talks (server, protocol);

-- As the table was that it replaces, a row for each conversation and survey.
CREATE VIEW conversations AS
	SELECT c.survey, t.client, t.server, t.transport, t.port, t.protocol, t.mode, c.packets, c.bytes, c.operations, c.answered, c.frequency, c.median_ns,
		strftime('%Y-%m-%dT%H:%M:%S', c.first_ns / 1000000000 - (c.first_ns % 1000000000 < 0), 'unixepoch')
			|| format('.%09dZ', (c.first_ns % 1000000000 + 1000000000) % 1000000000) AS first,
		strftime('%Y-%m-%dT%H:%M:%S', c.last_ns / 1000000000 - (c.last_ns % 1000000000 < 0), 'unixepoch')
			|| format('.%09dZ', (c.last_ns % 1000000000 + 1000000000) % 1000000000) AS last,
		c.talk
	FROM talk_surveys AS c JOIN talks AS t ON t.id = c.talk;

-- The few subjects whose evidence belongs to one asset after the other: to which, only the surveys can tell.
CREATE INDEX asset_subjects_cut ON asset_subjects (subject) WHERE since > '' OR until < '~';

PRAGMA user_version = 9;
