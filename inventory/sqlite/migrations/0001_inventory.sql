-- +goose Up
-- The inventory. What was observed (subjects, facts, links, conversations) is the truth and only grows; what stands under
-- "the cache" is folded from it and can be made again. Times are RFC 3339 in UTC with nine decimals, so that text sorts like time.

CREATE TABLE sites (
	id   INTEGER PRIMARY KEY,
	name TEXT NOT NULL UNIQUE
) STRICT;

CREATE TABLE segments (
	id   INTEGER PRIMARY KEY,
	site INTEGER NOT NULL REFERENCES sites,
	name TEXT NOT NULL,
	UNIQUE (site, name)
) STRICT;

CREATE TABLE surveys (
	id         INTEGER PRIMARY KEY AUTOINCREMENT,
	kind       TEXT NOT NULL,
	segment    INTEGER NOT NULL REFERENCES segments,
	operator   TEXT NOT NULL,
	permission TEXT NOT NULL,
	sensor     TEXT NOT NULL,
	scope      TEXT NOT NULL, -- JSON list
	own        TEXT NOT NULL, -- JSON list: the sensor's own MACs and IPs
	started    TEXT NOT NULL,
	ended      TEXT NOT NULL, -- '' while it runs
	outcome    TEXT NOT NULL,
	reasons    TEXT NOT NULL, -- JSON list
	counts     TEXT NOT NULL, -- JSON object
	version    TEXT NOT NULL  -- of walkdown
) STRICT;

CREATE TABLE plug_in_points (
	survey      INTEGER PRIMARY KEY REFERENCES surveys,
	switch      TEXT NOT NULL,
	switch_name TEXT NOT NULL,
	port        TEXT NOT NULL,
	gateway_mac TEXT NOT NULL,
	address     TEXT NOT NULL
) STRICT;

CREATE TABLE troubles (
	survey   INTEGER NOT NULL REFERENCES surveys,
	protocol TEXT NOT NULL,
	reason   TEXT NOT NULL,
	count    INTEGER NOT NULL,
	example  TEXT NOT NULL,
	PRIMARY KEY (survey, protocol, reason)
) STRICT, WITHOUT ROWID;

CREATE TABLE subjects (
	id      INTEGER PRIMARY KEY,
	segment INTEGER NOT NULL REFERENCES segments,
	mac     TEXT NOT NULL, -- '' = not known
	ip      TEXT NOT NULL, -- '' = not known
	vlan    INTEGER NOT NULL,
	path    TEXT NOT NULL,
	place   BLOB NOT NULL, -- the IP, else the MAC, sorting as a number
	bound   INTEGER NOT NULL DEFAULT 0, -- 1: somebody said that the MAC and the IP belong together
	UNIQUE (segment, ip, mac, vlan, path)
) STRICT;
CREATE INDEX subjects_by_mac ON subjects (mac) WHERE mac <> '';

CREATE TABLE facts (
	id         INTEGER PRIMARY KEY,
	subject    INTEGER NOT NULL REFERENCES subjects,
	teller     INTEGER NOT NULL REFERENCES subjects, -- the subject itself, where nobody else said it
	protocol   TEXT NOT NULL,
	mode       TEXT NOT NULL, -- heard, asked, deduced, person
	key        TEXT NOT NULL,
	value      TEXT NOT NULL,
	raw        BLOB NOT NULL,
	confidence REAL NOT NULL,
	rule       TEXT NOT NULL,
	made_from  TEXT NOT NULL, -- JSON list of keys
	digest     BLOB NOT NULL, -- of all above but subject and confidence
	first      TEXT NOT NULL,
	last       TEXT NOT NULL,
	count      INTEGER NOT NULL,
	survey     INTEGER NOT NULL REFERENCES surveys, -- the last one that saw it
	sensor     TEXT NOT NULL,                       -- the last one that saw it
	UNIQUE (subject, digest)
) STRICT;
CREATE INDEX facts_by_key ON facts (subject, key);

CREATE TABLE links (
	id          INTEGER PRIMARY KEY,
	subject     INTEGER NOT NULL REFERENCES subjects,
	local_port  TEXT NOT NULL,
	remote      INTEGER REFERENCES subjects,
	remote_name TEXT NOT NULL,
	remote_port TEXT NOT NULL,
	via         TEXT NOT NULL,
	digest      BLOB NOT NULL,
	first       TEXT NOT NULL,
	last        TEXT NOT NULL,
	count       INTEGER NOT NULL,
	survey      INTEGER NOT NULL REFERENCES surveys,
	UNIQUE (subject, digest)
) STRICT;

CREATE TABLE conversations (
	id        INTEGER PRIMARY KEY,
	survey    INTEGER NOT NULL REFERENCES surveys,
	client    INTEGER NOT NULL REFERENCES subjects,
	server    INTEGER NOT NULL REFERENCES subjects,
	transport TEXT NOT NULL,
	port      INTEGER NOT NULL,
	protocol  TEXT NOT NULL,
	mode      TEXT NOT NULL,
	packets   INTEGER NOT NULL,
	bytes     INTEGER NOT NULL,
	operations INTEGER NOT NULL, -- bits: 1 read, 2 write, 4 control
	answered  INTEGER NOT NULL,
	frequency TEXT NOT NULL,
	median_ns INTEGER NOT NULL,
	first     TEXT NOT NULL,
	last      TEXT NOT NULL,
	UNIQUE (client, server, transport, port, protocol, survey)
) STRICT;
CREATE INDEX conversations_by_server ON conversations (server);

CREATE TABLE ledger (
	id       INTEGER PRIMARY KEY,
	survey   INTEGER NOT NULL REFERENCES surveys,
	time     TEXT NOT NULL,
	segment  INTEGER NOT NULL REFERENCES segments,
	mac      TEXT NOT NULL,
	ip       TEXT NOT NULL,
	path     TEXT NOT NULL,
	port     INTEGER NOT NULL,
	protocol TEXT NOT NULL,
	request  TEXT NOT NULL,
	setup    INTEGER NOT NULL,
	bytes    BLOB NOT NULL,
	outcome  TEXT NOT NULL,
	rtt_ns   INTEGER NOT NULL,
	note     TEXT NOT NULL
) STRICT;
CREATE INDEX ledger_by_survey ON ledger (survey);

CREATE TABLE changes (
	id        INTEGER PRIMARY KEY,
	survey    INTEGER NOT NULL REFERENCES surveys,
	time      TEXT NOT NULL,
	asset     TEXT NOT NULL,
	kind      TEXT NOT NULL,
	attribute TEXT NOT NULL,
	old       TEXT NOT NULL,
	new       TEXT NOT NULL,
	via       TEXT NOT NULL
) STRICT;
CREATE INDEX changes_by_asset ON changes (asset);
CREATE INDEX changes_by_survey ON changes (survey);

-- +goose StatementBegin
CREATE TRIGGER changes_stay BEFORE UPDATE ON changes BEGIN SELECT RAISE(ABORT, 'changes are only ever added'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER changes_are_kept BEFORE DELETE ON changes BEGIN SELECT RAISE(ABORT, 'changes are only ever added'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER ledger_stays BEFORE UPDATE ON ledger BEGIN SELECT RAISE(ABORT, 'the ledger is only ever added to'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER ledger_is_kept BEFORE DELETE ON ledger BEGIN SELECT RAISE(ABORT, 'the ledger is only ever added to'); END;
-- +goose StatementEnd

-- What an id of before stands for now, and which assets were cut in two.
CREATE TABLE merges (
	id        INTEGER PRIMARY KEY,
	kind      TEXT NOT NULL, -- merged, split
	asset     TEXT NOT NULL, -- merged: the id that is no more; split: the one that was cut
	into_asset TEXT NOT NULL, -- merged: the id that goes on; split: the new one
	survey    INTEGER NOT NULL REFERENCES surveys,
	time      TEXT NOT NULL
) STRICT;
CREATE INDEX merges_by_asset ON merges (asset);

CREATE TABLE annotations (
	asset     TEXT NOT NULL,
	attribute TEXT NOT NULL,
	value     TEXT NOT NULL,
	author    TEXT NOT NULL,
	time      TEXT NOT NULL,
	PRIMARY KEY (asset, attribute, time)
) STRICT, WITHOUT ROWID;

-- The cache. The ids and their ages (the numbers of the rows) are all that could not be made again.

CREATE TABLE assets (
	age        INTEGER PRIMARY KEY AUTOINCREMENT,
	id         TEXT NOT NULL UNIQUE,
	site       TEXT NOT NULL,
	segment    TEXT NOT NULL,
	place      BLOB NOT NULL, -- the first address, sorting as a number
	name       TEXT NOT NULL,
	serial     TEXT NOT NULL,
	body       TEXT NOT NULL, -- JSON: inventory.Asset without id, times, neighbours and annotations
	first_seen TEXT NOT NULL,
	last_seen  TEXT NOT NULL
) STRICT;
CREATE INDEX assets_in_order ON assets (site, segment, place, id);

CREATE TABLE asset_subjects (
	subject INTEGER NOT NULL REFERENCES subjects,
	asset   TEXT NOT NULL REFERENCES assets (id) ON DELETE CASCADE,
	since   TEXT NOT NULL, -- evidence that was last seen in [since, until) belongs to the asset
	until   TEXT NOT NULL,
	PRIMARY KEY (subject, since)
) STRICT, WITHOUT ROWID;
CREATE INDEX asset_subjects_by_asset ON asset_subjects (asset);

CREATE TABLE asset_marks (
	asset   TEXT NOT NULL REFERENCES assets (id) ON DELETE CASCADE,
	place   INTEGER NOT NULL, -- in the order of trust
	kind    TEXT NOT NULL,
	site    TEXT NOT NULL,
	segment TEXT NOT NULL,
	value   TEXT NOT NULL,
	PRIMARY KEY (asset, place)
) STRICT, WITHOUT ROWID;
CREATE INDEX asset_marks_by_value ON asset_marks (value, kind);

CREATE TABLE asset_names (
	asset TEXT NOT NULL REFERENCES assets (id) ON DELETE CASCADE,
	name  TEXT NOT NULL COLLATE NOCASE,
	PRIMARY KEY (asset, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX asset_names_by_name ON asset_names (name);

CREATE TABLE addresses (
	asset   TEXT NOT NULL REFERENCES assets (id) ON DELETE CASCADE,
	site    TEXT NOT NULL,
	segment TEXT NOT NULL,
	mac     TEXT NOT NULL,
	ip      TEXT NOT NULL,
	vlan    INTEGER NOT NULL,
	PRIMARY KEY (asset, segment, ip, mac, vlan)
) STRICT, WITHOUT ROWID;
CREATE INDEX addresses_by_ip ON addresses (ip) WHERE ip <> '';
CREATE INDEX addresses_by_mac ON addresses (mac) WHERE mac <> '';

-- Every deduced fact, for each key the best first.
CREATE TABLE deductions (
	asset      TEXT NOT NULL REFERENCES assets (id) ON DELETE CASCADE,
	place      INTEGER NOT NULL,
	subject    INTEGER NOT NULL REFERENCES subjects,
	key        TEXT NOT NULL,
	value      TEXT NOT NULL,
	confidence REAL NOT NULL,
	rule       TEXT NOT NULL,
	made_from  TEXT NOT NULL, -- JSON list of keys
	first      TEXT NOT NULL,
	last       TEXT NOT NULL,
	survey     INTEGER NOT NULL,
	PRIMARY KEY (asset, place)
) STRICT, WITHOUT ROWID;

-- How an asset stood when a survey first touched it: what the survey's changes are told against.
CREATE TABLE baselines (
	survey INTEGER NOT NULL REFERENCES surveys,
	asset  TEXT NOT NULL,
	body   TEXT NOT NULL, -- '' = the survey found it
	PRIMARY KEY (survey, asset)
) STRICT, WITHOUT ROWID;

-- Subjects whose assets must be folded again. It is empty but while a survey runs, or after one was cut off.
CREATE TABLE unsettled (subject INTEGER PRIMARY KEY REFERENCES subjects) STRICT;

CREATE VIEW components AS
	SELECT a.id AS asset, c.value ->> 'path' AS path, c.value ->> 'name' AS name, c.value ->> 'vendor' AS vendor,
		c.value ->> 'model' AS model, c.value ->> 'order_number' AS order_number, c.value ->> 'serial' AS serial,
		c.value ->> 'hardware' AS hardware, c.value ->> 'firmware' AS firmware, c.value ->> 'type' AS type
	FROM assets AS a, json_each(a.body, '$.components') AS c;

CREATE VIEW services AS
	SELECT a.id AS asset, s.value ->> 'transport' AS transport, s.value ->> 'port' AS port, s.value ->> 'protocol' AS protocol
	FROM assets AS a, json_each(a.body, '$.services') AS s;

PRAGMA user_version = 1;
