-- Whether a collection keeps the files of pictures that clients send, and which of these
-- files are not kept, so that nobody takes them for lost.

-- +goose Up
ALTER TABLE collections ADD COLUMN originals TEXT NOT NULL DEFAULT 'kept'; -- or discarded
ALTER TABLE collections ADD COLUMN originals_chosen BIGINT NOT NULL DEFAULT 0; -- when; 0: never

CREATE TABLE discarded_contents (
    sha256 TEXT NOT NULL PRIMARY KEY
);

-- +goose Down
DROP TABLE discarded_contents;
ALTER TABLE collections DROP COLUMN originals_chosen;
ALTER TABLE collections DROP COLUMN originals;
