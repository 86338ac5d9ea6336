-- Folders that collections are kept in step with.

-- +goose Up
CREATE TABLE kept_sources (
    id         TEXT   NOT NULL PRIMARY KEY,
    collection TEXT   NOT NULL REFERENCES collections (id) ON DELETE CASCADE,
    directory  TEXT   NOT NULL, -- absolute path
    settings   TEXT   NOT NULL, -- of its jobs, as JSON
    every      BIGINT NOT NULL, -- milliseconds between scans
    events     BIGINT NOT NULL, -- 1: scanned also when something changes in it
    job        TEXT   NOT NULL, -- its last scan; empty: none yet
    lead       TEXT   NOT NULL, -- what its folders were when that was ordered
    created    BIGINT NOT NULL,
    UNIQUE (collection, directory)
);

-- +goose Down
DROP TABLE kept_sources;
