-- How buckets are set up, and what the checks say of it, with the past: a row a run where it may change from run to run.

CREATE TABLE posture_runs (
    run          INTEGER NOT NULL,
    started      TIMESTAMP NOT NULL,
    ended        TIMESTAMP,                        -- null: it goes on, or was broken off
    patterns     VARCHAR NOT NULL,                 -- JSON list: the buckets that were asked for; []: all
    tool_version VARCHAR NOT NULL
);

CREATE TABLE posture_checks (                      -- the catalogue of the program that wrote last
    check_id  VARCHAR NOT NULL,
    title     VARCHAR NOT NULL,
    severity  SMALLINT NOT NULL,                   -- 1 low to 4 critical
    macie     VARCHAR,                             -- Macie's finding for the same
    fix       VARCHAR NOT NULL,
    reference VARCHAR NOT NULL
);

CREATE TABLE posture_buckets (                     -- a row a bucket: the newest run that met it
    source      VARCHAR NOT NULL,
    bucket      VARCHAR NOT NULL,
    account     VARCHAR NOT NULL,                  -- empty: not known
    region      VARCHAR NOT NULL,                  -- empty: not known
    first_run   INTEGER NOT NULL,
    last_run    INTEGER NOT NULL,
    gone        INTEGER,                           -- the run in which the account had it no more
    public      BOOLEAN,                           -- this and the next: null when not known
    shared      BOOLEAN,
    shared_with VARCHAR,                           -- JSON list
    replicated  BOOLEAN,                           -- to a bucket of somebody else
    encrypted   BOOLEAN,                           -- has a default encryption
    reasons     VARCHAR NOT NULL                   -- JSON list of sentences
);

CREATE TABLE posture_states (                      -- all that was read, where it is other than the run before
    run    INTEGER NOT NULL,
    source VARCHAR NOT NULL,
    state  VARCHAR NOT NULL                        -- JSON
);

CREATE TABLE posture_results (
    run      INTEGER NOT NULL,
    source   VARCHAR NOT NULL,
    check_id VARCHAR NOT NULL,
    severity SMALLINT NOT NULL,                    -- 1 low to 4 critical
    verdict  VARCHAR NOT NULL CHECK (verdict IN ('pass', 'fail', 'unknown', 'not applicable')),
    evidence VARCHAR NOT NULL,                     -- in words
    data     VARCHAR NOT NULL,                     -- the same as JSON
    extent   INTEGER NOT NULL,                     -- how much of it there is: more is worse
    missing  VARCHAR NOT NULL,                     -- JSON list of the IAM actions that lack
    change   VARCHAR CHECK (change IN ('new', 'still', 'worse', 'better', 'fixed')),
    since    TIMESTAMP NOT NULL                    -- the run from which on the verdict has been this
);

CREATE TABLE posture_scores (
    run     INTEGER NOT NULL,
    account VARCHAR NOT NULL,
    source  VARCHAR,                               -- null: the account as a whole
    score   SMALLINT,                              -- 0 to 100, 100 is best; null: nothing could be judged
    failed  INTEGER NOT NULL,                      -- checks
    unknown INTEGER NOT NULL
);
