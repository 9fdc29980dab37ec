-- +goose Up
-- What is seen again costs a row for each message, not for each fact that it tells, and an asset that is only seen again is not
-- written anew.

CREATE TABLE messages (
	subject INTEGER NOT NULL REFERENCES subjects,
	number  INTEGER NOT NULL, -- within the subject
	digest  BLOB NOT NULL,    -- of its facts; empty where it is not known
	facts   INTEGER NOT NULL, -- how many
	last    TEXT NOT NULL,
	count   INTEGER NOT NULL,
	survey  INTEGER NOT NULL REFERENCES surveys, -- the last one that saw it
	sensor  TEXT NOT NULL,                       -- the last one that saw it
	PRIMARY KEY (subject, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE facts_told (
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
	made_from  TEXT NOT NULL,    -- JSON list of keys
	digest     BLOB NOT NULL,    -- of all above but subject and confidence
	first      TEXT NOT NULL,
	message    INTEGER NOT NULL, -- the number of the message that told it last
	earlier    INTEGER NOT NULL, -- how often others told it before
	UNIQUE (subject, digest)
) STRICT;
INSERT INTO facts_told SELECT id, subject, teller, protocol, mode, key, value, raw, confidence, rule, made_from, digest, first,
	dense_rank() OVER (PARTITION BY subject ORDER BY teller, protocol, mode, last, count, survey, sensor), 0 FROM facts ORDER BY id;
INSERT INTO messages SELECT t.subject, t.message, x'', count(*), max(f.last), max(f.count), max(f.survey), max(f.sensor)
	FROM facts_told AS t JOIN facts AS f ON f.id = t.id GROUP BY t.subject, t.message;
DROP TABLE facts;
ALTER TABLE facts_told RENAME TO facts;
CREATE INDEX facts_by_key ON facts (subject, key);

CREATE VIEW evidence AS
	SELECT f.subject, f.teller, f.protocol, f.mode, f.key, f.value, f.raw, f.confidence, f.rule, f.made_from, f.first, m.last,
		f.earlier + m.count AS count, m.survey, m.sensor
	FROM facts AS f JOIN messages AS m ON m.subject = f.subject AND m.number = f.message;

-- What is only seen again is not folded again, where that can change nothing.
CREATE TABLE asset_states (
	asset     INTEGER PRIMARY KEY REFERENCES assets (age) ON DELETE CASCADE,
	last_seen TEXT NOT NULL,
	calm      INTEGER NOT NULL, -- 1: one station, nothing in doubt
	fresh     TEXT NOT NULL     -- when the newest of its facts came up
) STRICT;
INSERT INTO asset_states SELECT age, last_seen, calm, fresh FROM assets;
ALTER TABLE assets DROP COLUMN last_seen;
ALTER TABLE assets DROP COLUMN calm;
ALTER TABLE assets DROP COLUMN fresh;

PRAGMA user_version = 7;
