-- What people said of findings: states, suppressions, the baseline, and who did what.

CREATE TABLE triage (                             -- the newest row of a finding counts
    finding BLOB NOT NULL,
    state   VARCHAR NOT NULL CHECK (state IN ('open', 'confirmed', 'false_positive', 'accepted', 'fixed')),
    owner   VARCHAR NOT NULL,
    reason  VARCHAR NOT NULL,
    expires TIMESTAMP,                            -- UTC; from then on it is open again
    made    TIMESTAMP NOT NULL
);

CREATE TABLE suppressions (
    number      INTEGER NOT NULL,                 -- from 1
    rule        VARCHAR,                          -- glob; null: any rule
    source      VARCHAR,                          -- null: any
    object      VARCHAR,                          -- glob over keys
    column_name VARCHAR,
    fingerprint BLOB,                             -- of one value
    predicate   VARCHAR,                          -- SQL over v_findings
    baseline    BOOLEAN NOT NULL,                 -- all values of its time, see baseline_values
    owner       VARCHAR NOT NULL,
    reason      VARCHAR NOT NULL,
    expires     TIMESTAMP,
    made        TIMESTAMP NOT NULL,
    removed     TIMESTAMP
);

CREATE TABLE baseline_values (
    number      INTEGER NOT NULL,
    oid         BIGINT NOT NULL,
    rule        VARCHAR NOT NULL,
    fingerprint BLOB NOT NULL
);

CREATE TABLE suppressed (                         -- which findings the suppressions mean, as of the last run or change
    number  INTEGER NOT NULL,
    finding BLOB NOT NULL
);

CREATE TABLE audit (
    made    TIMESTAMP NOT NULL,
    owner   VARCHAR NOT NULL,
    action  VARCHAR NOT NULL,
    finding BLOB,
    number  INTEGER,
    detail  VARCHAR NOT NULL                      -- JSON, without values
);
