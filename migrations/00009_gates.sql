-- What led to the folders of a source when it was last walked to its end: the folder
-- itself, links that were followed, and mount points, so that another folder in their place
-- is noticed. It is JSON; empty: that was not kept yet.

-- +goose Up
ALTER TABLE sources ADD COLUMN gates TEXT NOT NULL DEFAULT '';

-- +goose Down
ALTER TABLE sources DROP COLUMN gates;
