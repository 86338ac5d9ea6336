-- Trainings and their curves.

-- +goose Up
CREATE TABLE runs (
    id                 TEXT   NOT NULL PRIMARY KEY, -- UUIDv7: sorts by creation
    name               TEXT   NOT NULL,
    collection         TEXT   NOT NULL, -- whose pairs it learns from; empty: from what data says
    data               TEXT   NOT NULL, -- for people
    base_directory     TEXT   NOT NULL, -- of the model that it began with
    base_fingerprint   TEXT   NOT NULL,
    config             TEXT   NOT NULL,
    state              TEXT   NOT NULL,
    step               BIGINT NOT NULL,
    steps              BIGINT NOT NULL, -- 0: not known yet
    error              TEXT   NOT NULL,
    best_metric        TEXT   NOT NULL, -- empty: nothing evaluated yet
    best_step          BIGINT NOT NULL,
    best_value         DOUBLE PRECISION NOT NULL,
    output_directory   TEXT   NOT NULL, -- of the model that it wrote; empty before
    output_fingerprint TEXT   NOT NULL,
    gate               TEXT   NOT NULL, -- verdict of the forgetting gate; empty before
    lease              TEXT   NOT NULL, -- of the process that trains it; empty: none
    heartbeat          BIGINT NOT NULL, -- last sign of life of that process
    created            BIGINT NOT NULL,
    started            BIGINT NOT NULL, -- 0: not yet
    finished           BIGINT NOT NULL
);
CREATE INDEX runs_by_collection ON runs (collection, id);

CREATE TABLE run_points (
    run   TEXT   NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    name  TEXT   NOT NULL,
    step  BIGINT NOT NULL,
    value DOUBLE PRECISION, -- NULL: not finite
    PRIMARY KEY (run, name, step)
);

-- +goose Down
DROP TABLE run_points;
DROP TABLE runs;
