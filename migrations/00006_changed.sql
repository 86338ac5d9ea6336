-- Edits that keep the time and the size of a file are seen by the change time of its
-- inode, in nanoseconds; 0 is unknown. Failures also know which version of the
-- decoders gave up: a later one may read the picture.
--
-- Vectors outlive their last image. What else is known of such a content is kept as
-- well, so that a picture that comes back need not even be decoded.

-- +goose Up
ALTER TABLE images ADD COLUMN changed BIGINT NOT NULL DEFAULT 0;
ALTER TABLE failures ADD COLUMN changed BIGINT NOT NULL DEFAULT 0;
ALTER TABLE failures ADD COLUMN decoder BIGINT NOT NULL DEFAULT 0;

CREATE TABLE removed_contents (
    sha256 TEXT   NOT NULL PRIMARY KEY,
    width  BIGINT NOT NULL,
    height BIGINT NOT NULL,
    format TEXT   NOT NULL,
    color  TEXT   NOT NULL
);

-- +goose Down
DROP TABLE removed_contents;
ALTER TABLE failures DROP COLUMN decoder;
ALTER TABLE failures DROP COLUMN changed;
ALTER TABLE images DROP COLUMN changed;
