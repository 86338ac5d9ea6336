-- A collection can be renamed: what belongs to it, IDs of images and rows of an
-- index refer to its id, which stays. Until now that was the name.

-- +goose Up
ALTER TABLE collections RENAME COLUMN name TO id;
ALTER TABLE collections ADD COLUMN name TEXT NOT NULL DEFAULT '';
UPDATE collections SET name = id;
CREATE UNIQUE INDEX collections_by_name ON collections (name);

-- +goose Down
-- Collections get their ids for names, by which images and indexes know them. Jobs
-- and runs go with them. An id may be no name that could be chosen.
UPDATE jobs SET
    exclusive = CASE WHEN exclusive = 'collection/' || collection
        THEN 'collection/' || (SELECT id FROM collections WHERE name = jobs.collection) ELSE exclusive END,
    collection = (SELECT id FROM collections WHERE name = jobs.collection)
WHERE collection IN (SELECT name FROM collections WHERE name <> id);
DELETE FROM job_turns;
INSERT INTO job_turns (kind, collection, turn) SELECT DISTINCT kind, collection, 0 FROM jobs;
UPDATE runs SET collection = (SELECT id FROM collections WHERE name = runs.collection)
WHERE collection IN (SELECT name FROM collections WHERE name <> id);
DROP INDEX collections_by_name;
ALTER TABLE collections DROP COLUMN name;
ALTER TABLE collections RENAME COLUMN id TO name;
