-- Jobs of every kind take the place of tasks. What was not finished goes on as
-- a queued job.

-- +goose Up
CREATE TABLE jobs (
    id         TEXT   NOT NULL PRIMARY KEY, -- UUIDv7: sorts by creation
    kind       TEXT   NOT NULL,
    collection TEXT   NOT NULL, -- empty: none
    state      TEXT   NOT NULL,
    wanted     TEXT   NOT NULL, -- canceled or paused, of a running job; empty: neither
    priority   BIGINT NOT NULL,
    exclusive  TEXT   NOT NULL, -- no two running jobs have the same; empty: no matter
    params     TEXT   NOT NULL,
    progress   TEXT   NOT NULL,
    error      TEXT   NOT NULL,
    failures   BIGINT NOT NULL,
    losses     BIGINT NOT NULL,
    lease      TEXT   NOT NULL, -- fencing token of its worker; empty: none
    expires    BIGINT NOT NULL, -- end of the lease
    run_after  BIGINT NOT NULL,
    created    BIGINT NOT NULL,
    started    BIGINT NOT NULL, -- 0: not yet
    finished   BIGINT NOT NULL, -- 0: not yet
    sequence   BIGINT NOT NULL  -- of the last change
);
CREATE INDEX jobs_queued ON jobs (kind, collection, priority DESC, id) WHERE state = 'queued';
CREATE INDEX jobs_running ON jobs (kind, collection) WHERE state = 'running';
CREATE INDEX jobs_by_collection ON jobs (collection, id);
CREATE INDEX jobs_by_sequence ON jobs (sequence);
CREATE INDEX jobs_by_end ON jobs (finished);
CREATE UNIQUE INDEX jobs_exclusive ON jobs (exclusive) WHERE state = 'running' AND exclusive <> '';

-- Who had a turn when: a row for each kind and collection that has jobs.
CREATE TABLE job_turns (
    kind       TEXT   NOT NULL,
    collection TEXT   NOT NULL,
    turn       BIGINT NOT NULL, -- sequence number of the last claim; 0: none yet
    PRIMARY KEY (kind, collection)
);

-- The one row numbers changes. Whoever changes jobs locks it first, so that
-- numbers are committed in order.
CREATE TABLE job_sequence (value BIGINT NOT NULL);

INSERT INTO jobs (id, kind, collection, state, wanted, priority, exclusive, params, progress, error,
    failures, losses, lease, expires, run_after, created, started, finished, sequence)
SELECT id, kind, collection, 'queued', '', 0, 'collection/' || collection, params, progress, '',
    0, 0, '', 0, 0, created, started, 0, ROW_NUMBER() OVER (ORDER BY id)
FROM tasks WHERE state IN ('enqueued', 'processing');
INSERT INTO job_turns (kind, collection, turn) SELECT DISTINCT kind, collection, 0 FROM jobs;
INSERT INTO job_sequence (value) SELECT COUNT(*) FROM jobs;
DROP TABLE tasks;

-- +goose Down
CREATE TABLE tasks (
    id         TEXT   NOT NULL PRIMARY KEY,
    kind       TEXT   NOT NULL,
    collection TEXT   NOT NULL,
    state      TEXT   NOT NULL,
    params     TEXT   NOT NULL,
    progress   TEXT   NOT NULL,
    error      TEXT   NOT NULL,
    created    BIGINT NOT NULL,
    started    BIGINT NOT NULL,
    finished   BIGINT NOT NULL
);
CREATE INDEX tasks_by_state ON tasks (state, id);
INSERT INTO tasks (id, kind, collection, state, params, progress, error, created, started, finished)
SELECT id, kind, collection, 'enqueued', params, progress, '', created, started, 0
FROM jobs WHERE state IN ('queued', 'running', 'paused') AND kind IN ('index', 'check', 'rebuild');
DROP TABLE job_sequence;
DROP TABLE job_turns;
DROP TABLE jobs;
