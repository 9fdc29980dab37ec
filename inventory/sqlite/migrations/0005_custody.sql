-- +goose Up
-- What makes the record of a survey hold up later.

ALTER TABLE surveys ADD COLUMN custody TEXT NOT NULL DEFAULT '{}'; -- JSON: inventory.Custody

PRAGMA user_version = 5;
