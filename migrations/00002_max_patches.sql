-- Models of native aspect ratio (NaFlex) cut pictures into at most so many
-- patches as each collection chooses; 0 leaves it to the model.

-- +goose Up
ALTER TABLE collections ADD COLUMN max_patches BIGINT NOT NULL DEFAULT 0; -- chosen, for indexing
ALTER TABLE collections ADD COLUMN searched_max_patches BIGINT NOT NULL DEFAULT 0; -- of the vectors that searches use

-- +goose Down
ALTER TABLE collections DROP COLUMN searched_max_patches;
ALTER TABLE collections DROP COLUMN max_patches;
