-- Keys of the API. A key's text is kept nowhere: only its hash, and what is derived from
-- it to check the tokens for searches that its holder signs.

-- +goose Up
CREATE TABLE api_keys (
    id          TEXT   NOT NULL PRIMARY KEY,
    name        TEXT   NOT NULL,
    hash        TEXT   NOT NULL, -- SHA-256, in hexadecimal digits
    signing     TEXT   NOT NULL, -- likewise
    scopes      TEXT   NOT NULL, -- a JSON list
    collections TEXT   NOT NULL, -- a JSON list of names; null: all
    rate        DOUBLE PRECISION NOT NULL, -- requests a second; 0: the server's default
    burst       BIGINT NOT NULL,
    creator     TEXT   NOT NULL, -- ID of a key; empty: somebody without one
    created     BIGINT NOT NULL,
    expires     BIGINT NOT NULL, -- 0: never
    revoked     BIGINT NOT NULL, -- 0: not
    used        BIGINT NOT NULL  -- the last time; 0: not yet
);

-- +goose Down
DROP TABLE api_keys;
