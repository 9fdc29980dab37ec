-- +goose Up
-- Inventories of a hundred thousand assets are read in pages, and what seems unchanged is not folded again.

CREATE INDEX links_by_remote ON links (remote) WHERE remote IS NOT NULL;
CREATE INDEX links_by_name ON links (lower(replace(remote_name, '-', ':')));

-- What an asset does in the conversations over a few protocols.
DROP INDEX conversations_by_server;
CREATE INDEX conversations_by_server ON conversations (server, protocol);

-- What is only seen again is not folded again, where that can change nothing.
ALTER TABLE assets ADD COLUMN calm INTEGER NOT NULL DEFAULT 0; -- 1: one station, nothing in doubt
ALTER TABLE assets ADD COLUMN fresh TEXT NOT NULL DEFAULT '';  -- when the newest of its facts came up

PRAGMA user_version = 4;
