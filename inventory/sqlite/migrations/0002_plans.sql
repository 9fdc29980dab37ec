-- +goose Up
-- What a survey was to send, as it was agreed to, and how the devices that were asked served their own clients meanwhile.

CREATE TABLE plans (
	survey INTEGER NOT NULL REFERENCES surveys,
	round  INTEGER NOT NULL, -- 1: as it was agreed to; 2: with the hosts that were found then
	time   TEXT NOT NULL,
	plan   TEXT NOT NULL, -- JSON, as `walkdown plan --json` prints it
	PRIMARY KEY (survey, round)
) STRICT, WITHOUT ROWID;

-- +goose StatementBegin
CREATE TRIGGER plans_stay BEFORE UPDATE ON plans BEGIN SELECT RAISE(ABORT, 'plans are only ever added'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER plans_are_kept BEFORE DELETE ON plans BEGIN SELECT RAISE(ABORT, 'plans are only ever added'); END;
-- +goose StatementEnd

CREATE TABLE rhythms (
	survey INTEGER NOT NULL REFERENCES surveys,
	place  INTEGER NOT NULL,
	body   TEXT NOT NULL, -- JSON: inventory.Rhythm
	PRIMARY KEY (survey, place)
) STRICT, WITHOUT ROWID;

-- What was answered lately is not asked again.
CREATE INDEX ledger_by_target ON ledger (ip, time) WHERE ip <> '';

PRAGMA user_version = 2;
