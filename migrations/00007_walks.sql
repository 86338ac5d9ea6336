-- What a walk found out about files that are no pictures is kept among the failures, so
-- that they are not opened again, and how a source is walked is kept with its name.

-- +goose Up
CREATE INDEX failures_told ON failures (collection) WHERE kind <> 'other';
ALTER TABLE removed_contents ADD COLUMN warning TEXT NOT NULL DEFAULT '';
CREATE TABLE sources (
    collection TEXT NOT NULL REFERENCES collections (id) ON DELETE CASCADE,
    name       TEXT NOT NULL,
    rules      TEXT NOT NULL, -- JSON
    PRIMARY KEY (collection, name)
);

-- +goose Down
DROP TABLE sources;
ALTER TABLE removed_contents DROP COLUMN warning;
DROP INDEX failures_told;
DELETE FROM failures WHERE kind NOT IN ('picture', 'sidecar', 'folder');
