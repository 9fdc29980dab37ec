-- +goose Up
-- A serial number finds its asset, however many there are.

CREATE INDEX assets_by_serial ON assets (serial COLLATE NOCASE) WHERE serial <> '';

PRAGMA user_version = 6;
