-- Scheduled scans: what is to be scanned when, each set of settings that was in force, and what came of each fire.

CREATE TABLE jobs (
    name      VARCHAR NOT NULL,                   -- one row a name, kept so by the one writer
    version   INTEGER NOT NULL,                   -- the settings in force
    paused    BOOLEAN NOT NULL,
    next_fire TIMESTAMP,                          -- the earliest fire that was not dealt with; null: only by hand
    created   TIMESTAMP NOT NULL
);

-- Never changed and never deleted: a run refers to the version that it began with, also when its job is gone.
CREATE TABLE job_versions (
    name     VARCHAR NOT NULL,
    version  INTEGER NOT NULL,                    -- from 1; goes on when a name is used again
    made     TIMESTAMP NOT NULL,
    schedule VARCHAR NOT NULL,                    -- as it was given; empty: only by hand
    zone     VARCHAR NOT NULL,                    -- IANA name
    targets  VARCHAR NOT NULL,                    -- JSON list
    settings VARCHAR NOT NULL,                    -- JSON: keys of the configuration, as they were given
    options  VARCHAR NOT NULL                     -- JSON: full, fail_on, alert, config
);

CREATE TABLE job_runs (
    fire      INTEGER NOT NULL,                   -- from 1
    name      VARCHAR NOT NULL,
    version   INTEGER NOT NULL,
    cause     VARCHAR NOT NULL CHECK (cause IN ('schedule', 'missed', 'hand')),
    scheduled TIMESTAMP,                          -- the fire that it is for; null by hand
    made_up   INTEGER NOT NULL,                   -- earlier fires that it stands for, too
    began     TIMESTAMP,                          -- null when it was skipped
    ended     TIMESTAMP,
    attempts  INTEGER NOT NULL,                   -- more than 1: it was broken off and went on
    outcome   VARCHAR NOT NULL CHECK (outcome IN ('running', 'interrupted', 'done', 'failed', 'died', 'skipped')),
    reason    VARCHAR NOT NULL,                   -- why it was skipped, failed or died
    exit_code INTEGER,
    run       INTEGER                             -- of the scan
);
