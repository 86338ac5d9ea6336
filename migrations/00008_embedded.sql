-- What is written inside of a picture about it is kept beside what it is merged with, so
-- that a sidecar can change without the picture being opened again, and what of it a
-- collection wants. It is JSON; empty: the picture was not looked into yet.

-- +goose Up
ALTER TABLE images ADD COLUMN embedded TEXT NOT NULL DEFAULT '';
ALTER TABLE removed_contents ADD COLUMN embedded TEXT NOT NULL DEFAULT '';
ALTER TABLE collections ADD COLUMN metadata TEXT NOT NULL DEFAULT 'all'; -- or no-place, or none

-- +goose Down
ALTER TABLE collections DROP COLUMN metadata;
ALTER TABLE removed_contents DROP COLUMN embedded;
ALTER TABLE images DROP COLUMN embedded;
