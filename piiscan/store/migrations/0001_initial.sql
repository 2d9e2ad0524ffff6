-- The first schema. Big tables carry no keys or indexes: DuckDB refuses ALTER on indexed tables, and rows sorted by
-- object make zone maps do the work. What must be unique is kept so by the ingester's anti-joins.

CREATE TABLE runs (
    run          INTEGER PRIMARY KEY,
    started      TIMESTAMP NOT NULL,              -- UTC, as all times here
    ended        TIMESTAMP,
    status       VARCHAR NOT NULL CHECK (status IN ('running', 'done', 'cancelled', 'failed')),
    targets      VARCHAR NOT NULL,                -- JSON list
    identity     VARCHAR NOT NULL,                -- digest of targets and settings: the same command resumes this run
    settings     VARCHAR NOT NULL,                -- JSON, without secrets
    catalogue    VARCHAR NOT NULL,                -- digest of the rules
    tool_version VARCHAR NOT NULL,
    listed       BIGINT,
    unchanged    BIGINT
);

-- Which shard files were taken in: the one table with a key, since a name must count once.
CREATE TABLE shards (run INTEGER NOT NULL, number INTEGER NOT NULL, loaded TIMESTAMP NOT NULL, PRIMARY KEY (run, number));

CREATE TABLE buckets (
    source       VARCHAR PRIMARY KEY,             -- s3://bucket or file:///dir
    kind         VARCHAR NOT NULL CHECK (kind IN ('s3', 'file')),
    endpoint     VARCHAR,
    region       VARCHAR,
    first_listed TIMESTAMP,
    last_listed  TIMESTAMP                        -- start of the last run that listed it to its end
);

CREATE TABLE rules (
    rule     VARCHAR PRIMARY KEY,
    name     VARCHAR NOT NULL,
    macie    VARCHAR,
    category VARCHAR NOT NULL,
    tags     VARCHAR NOT NULL                     -- JSON list
);

CREATE TABLE objects (
    oid            BIGINT NOT NULL,               -- BLAKE2b-64 of source and key
    run            INTEGER NOT NULL,              -- the run that examined it
    source         VARCHAR NOT NULL,
    key            VARCHAR NOT NULL,
    media_type     VARCHAR,
    size           BIGINT NOT NULL,
    etag           VARCHAR NOT NULL,
    modified       TIMESTAMP,
    version        VARCHAR NOT NULL,
    catalogue      VARCHAR NOT NULL,
    outcome        VARCHAR NOT NULL CHECK (outcome IN ('scanned', 'partial', 'skipped', 'failed')),
    reason         VARCHAR NOT NULL,
    bytes_examined BIGINT NOT NULL,
    names_examined BIGINT NOT NULL,               -- characters that the name recogniser read
    risk           SMALLINT NOT NULL CHECK (risk BETWEEN 0 AND 100),
    reasons        VARCHAR NOT NULL,              -- JSON list, largest term first
    superseded     INTEGER                        -- the run that replaced this row, or found the object gone
);

CREATE TABLE findings (
    finding         BLOB NOT NULL,                -- BLAKE2b-128 of source, key and rule
    oid             BIGINT NOT NULL,
    run             INTEGER NOT NULL,
    rule            VARCHAR NOT NULL,
    category        VARCHAR NOT NULL,
    severity        TINYINT NOT NULL CHECK (severity BETWEEN 1 AND 4),
    confidence      FLOAT NOT NULL,
    count           BIGINT NOT NULL,
    distinct_values BIGINT NOT NULL,
    distinct_exact  BOOLEAN NOT NULL,
    test_data       BOOLEAN NOT NULL,
    first_seen      TIMESTAMP NOT NULL,
    superseded      INTEGER
);

CREATE TABLE occurrences (
    finding     BLOB NOT NULL,
    oid         BIGINT NOT NULL,
    run         INTEGER NOT NULL,
    rule        VARCHAR NOT NULL,
    seq         INTEGER NOT NULL,                 -- order in the object, from 0
    char_start  BIGINT,
    char_length INTEGER,
    place       VARCHAR NOT NULL,                 -- JSON
    masked      VARCHAR NOT NULL,
    confidence  FLOAT NOT NULL,
    fingerprint BLOB NOT NULL
);

CREATE TABLE value_index (
    fingerprint BLOB NOT NULL,                    -- keyed BLAKE2b-128 of the normalised value
    oid         BIGINT NOT NULL,
    run         INTEGER NOT NULL,
    rule        VARCHAR NOT NULL,
    count       BIGINT NOT NULL
);

CREATE TABLE alert_marks (
    alert VARCHAR NOT NULL,
    row_key VARCHAR NOT NULL,                     -- digest of the alerting row: each row alerts once
    sent  TIMESTAMP NOT NULL,
    PRIMARY KEY (alert, row_key)
);
