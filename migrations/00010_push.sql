-- Pictures that clients send. A job that pushes many is cut into chunks, which any number
-- of workers share by leases of the same form as those of jobs.

-- +goose Up
CREATE TABLE job_chunks (
    job     TEXT   NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    number  BIGINT NOT NULL,
    lane    BIGINT NOT NULL, -- chunks of a lane are worked on one after the other
    items   BIGINT NOT NULL,
    first   BIGINT NOT NULL, -- number of its first item
    last    BIGINT NOT NULL, -- of its last; those between may be of other chunks
    content TEXT   NOT NULL, -- name of the blob that holds its lines
    state   TEXT   NOT NULL, -- queued, running or succeeded
    lease   TEXT   NOT NULL, -- fencing token of its worker; empty: none
    expires BIGINT NOT NULL, -- end of the lease
    losses  BIGINT NOT NULL, -- workers that fell silent over it
    created BIGINT NOT NULL DEFAULT 0, -- outcomes of its items, once it is done
    updated BIGINT NOT NULL DEFAULT 0,
    unchanged BIGINT NOT NULL DEFAULT 0,
    deleted BIGINT NOT NULL DEFAULT 0,
    failed  BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (job, number)
);
CREATE INDEX job_chunks_open ON job_chunks (job, lane, number) WHERE state <> 'succeeded';

-- What became of each item of such a job.
CREATE TABLE job_items (
    job       TEXT   NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    number    BIGINT NOT NULL, -- of its line, from 1
    item      TEXT   NOT NULL, -- the client's own identity; empty: unknown
    operation TEXT   NOT NULL, -- upsert, patch or delete; empty: unknown
    outcome   TEXT   NOT NULL,
    problem   TEXT   NOT NULL, -- name of the problem; empty: none
    detail    TEXT   NOT NULL, -- for people
    PRIMARY KEY (job, number)
);
CREATE INDEX job_items_failed ON job_items (job, number) WHERE outcome = 'failed';

-- Pages of images in order of their times.
CREATE INDEX images_by_creation ON images (collection, created, id);
CREATE INDEX images_by_change ON images (collection, updated, id);

-- +goose Down
DROP INDEX images_by_change;
DROP INDEX images_by_creation;
DROP TABLE job_items;
DROP TABLE job_chunks;
