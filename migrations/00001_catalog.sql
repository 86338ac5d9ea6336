-- One text serves SQLite and Postgres. Bytes are BYTEA: SQLite gives a type
-- name that it does not know NUMERIC affinity, which leaves blobs as they are.
-- Moments are BIGINT: milliseconds since 1970, but `modified`, the time of a
-- file, is in nanoseconds. JSON is TEXT.

-- +goose Up
CREATE TABLE collections (
    name        TEXT   NOT NULL PRIMARY KEY,
    fingerprint TEXT   NOT NULL DEFAULT '', -- of the model that searches use
    created     BIGINT NOT NULL
);

CREATE TABLE images (
    id         TEXT   NOT NULL PRIMARY KEY,
    collection TEXT   NOT NULL REFERENCES collections (name) ON DELETE CASCADE,
    source     TEXT   NOT NULL,
    uri        TEXT   NOT NULL,
    sha256     TEXT   NOT NULL, -- of the file's bytes
    size       BIGINT NOT NULL,
    modified   BIGINT NOT NULL,
    width      BIGINT NOT NULL,
    height     BIGINT NOT NULL,
    format     TEXT   NOT NULL,
    color      TEXT   NOT NULL,
    metadata   TEXT   NOT NULL,
    digest     TEXT   NOT NULL, -- of content, metadata and captions together
    created    BIGINT NOT NULL,
    updated    BIGINT NOT NULL,
    UNIQUE (collection, uri)
);
CREATE INDEX images_by_content ON images (sha256);
CREATE INDEX images_by_source ON images (collection, source, id);
CREATE INDEX images_by_id ON images (collection, id);

CREATE TABLE captions (
    image_id TEXT   NOT NULL REFERENCES images (id) ON DELETE CASCADE,
    position BIGINT NOT NULL,
    language TEXT   NOT NULL,
    text     TEXT   NOT NULL,
    PRIMARY KEY (image_id, position)
);

-- The vectors of contents, not of images: equal files share one.
CREATE TABLE vectors (
    sha256      TEXT   NOT NULL,
    fingerprint TEXT   NOT NULL,
    dimension   BIGINT NOT NULL,
    fp16        BYTEA  NOT NULL, -- little-endian binary16
    PRIMARY KEY (sha256, fingerprint)
);

-- The watermark: which state of an image the index of a model has acknowledged.
CREATE TABLE indexed (
    image_id    TEXT NOT NULL REFERENCES images (id) ON DELETE CASCADE,
    fingerprint TEXT NOT NULL,
    digest      TEXT NOT NULL,
    PRIMARY KEY (image_id, fingerprint)
);

-- Images that are gone from the catalogue and may still stand in an index.
CREATE TABLE tombstones (
    collection  TEXT NOT NULL REFERENCES collections (name) ON DELETE CASCADE,
    fingerprint TEXT NOT NULL,
    image_id    TEXT NOT NULL,
    PRIMARY KEY (collection, fingerprint, image_id)
);

CREATE TABLE failures (
    collection TEXT   NOT NULL REFERENCES collections (name) ON DELETE CASCADE,
    uri        TEXT   NOT NULL,
    source     TEXT   NOT NULL,
    kind       TEXT   NOT NULL, -- picture, sidecar or folder
    reason     TEXT   NOT NULL,
    size       BIGINT NOT NULL,
    modified   BIGINT NOT NULL,
    created    BIGINT NOT NULL,
    PRIMARY KEY (collection, uri)
);

CREATE TABLE tasks (
    id         TEXT   NOT NULL PRIMARY KEY, -- UUIDv7: sorts by creation
    kind       TEXT   NOT NULL,
    collection TEXT   NOT NULL,
    state      TEXT   NOT NULL,
    params     TEXT   NOT NULL,
    progress   TEXT   NOT NULL,
    error      TEXT   NOT NULL,
    created    BIGINT NOT NULL,
    started    BIGINT NOT NULL, -- 0: not yet
    finished   BIGINT NOT NULL
);
CREATE INDEX tasks_by_state ON tasks (state, id);

-- +goose Down
DROP TABLE tasks;
DROP TABLE failures;
DROP TABLE tombstones;
DROP TABLE indexed;
DROP TABLE vectors;
DROP TABLE captions;
DROP TABLE images;
DROP TABLE collections;
