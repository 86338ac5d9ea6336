-- Where the pictures of images were fetched from, and what their servers said of them, so
-- that they are sent again only when they have changed.

-- +goose Up
CREATE TABLE fetched (
    image_id   TEXT NOT NULL PRIMARY KEY REFERENCES images (id) ON DELETE CASCADE,
    url        TEXT NOT NULL, -- its SHA-256, in hexadecimal digits: a URL may hold secrets
    sha256     TEXT NOT NULL, -- of the picture that came; an image that has another one was sent since
    validators TEXT NOT NULL  -- JSON
);

-- +goose Down
DROP TABLE fetched;
