-- +goose Up
-- What was deduced of a part of an asset is one row, in the order in which assets came.

CREATE TABLE deduced (
	id      INTEGER PRIMARY KEY, -- the asset itself before its parts
	asset   INTEGER NOT NULL REFERENCES assets (age) ON DELETE CASCADE,
	subject INTEGER NOT NULL REFERENCES subjects,
	facts   TEXT NOT NULL, -- JSON list of lists: key, value, confidence, rule, keys that it rests on; for each key the best first
	first   TEXT NOT NULL,
	last    TEXT NOT NULL,
	survey  INTEGER NOT NULL
) STRICT;
CREATE INDEX deduced_by_asset ON deduced (asset);
INSERT INTO deduced (asset, subject, facts, first, last, survey) SELECT a.age, d.subject,
	json_group_array(json_array(d.key, d.value, round(d.confidence, 7), d.rule, json(d.made_from)) ORDER BY d.place),
	d.first, d.last, d.survey
	FROM deductions AS d JOIN assets AS a ON a.id = d.asset GROUP BY a.age, d.subject, d.first, d.last, d.survey ORDER BY a.age, min(d.place);
DROP TABLE deductions;

CREATE VIEW deductions AS
	SELECT a.id AS asset, d.subject, f.value ->> 0 AS key, f.value ->> 1 AS value, f.value ->> 2 AS confidence,
		f.value ->> 3 AS rule, f.value -> 4 AS made_from, d.first, d.last, d.survey
	FROM deduced AS d JOIN assets AS a ON a.age = d.asset, json_each(d.facts) AS f;

PRAGMA user_version = 8;
