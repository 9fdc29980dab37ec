-- +goose Up
-- What people decided of who is who; why assets were merged and split; what makes surveys and assets of several inventories comparable.

CREATE TABLE decisions (
	id        INTEGER PRIMARY KEY AUTOINCREMENT,
	uid       TEXT NOT NULL UNIQUE, -- the same in every inventory that the decision came to
	kind      TEXT NOT NULL,        -- merged, split, undone
	undoes    TEXT NOT NULL,        -- undone: the uid of the decision that was taken back
	operator  TEXT NOT NULL,
	reason    TEXT NOT NULL,
	time      TEXT NOT NULL,
	addresses TEXT NOT NULL, -- JSON list: inventory.Mark
	others    TEXT NOT NULL  -- JSON list: inventory.Mark
) STRICT;
-- +goose StatementBegin
CREATE TRIGGER decisions_stay BEFORE UPDATE ON decisions BEGIN SELECT RAISE(ABORT, 'decisions are only ever added'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER decisions_are_kept BEFORE DELETE ON decisions BEGIN SELECT RAISE(ABORT, 'decisions are only ever added'); END;
-- +goose StatementEnd

ALTER TABLE merges ADD COLUMN reason TEXT NOT NULL DEFAULT '';
-- Of an asset that was merged into another one: what it was recognised by, since when it was there, and what people had said of it.
ALTER TABLE merges ADD COLUMN marks TEXT NOT NULL DEFAULT '[]'; -- JSON list: inventory.Mark
ALTER TABLE merges ADD COLUMN born TEXT NOT NULL DEFAULT '';
ALTER TABLE merges ADD COLUMN said TEXT NOT NULL DEFAULT '[]'; -- JSON list: attribute and time
CREATE INDEX merges_by_into_asset ON merges (into_asset);

-- The same in every copy of the inventory. Those of before get one that copies made before now agree on.
ALTER TABLE surveys ADD COLUMN uid TEXT NOT NULL DEFAULT '';
UPDATE surveys SET uid = started || ' ' || kind || ' ' || sensor || ' ' || id;
CREATE UNIQUE INDEX surveys_by_uid ON surveys (uid);

-- When the asset came into an inventory: where several are merged, the oldest id goes on.
ALTER TABLE assets ADD COLUMN born TEXT NOT NULL DEFAULT '';
UPDATE assets SET born = coalesce((SELECT min(c.time) FROM changes AS c WHERE c.asset = assets.id AND c.kind = 'appeared'), first_seen);

PRAGMA user_version = 3;
