-- Who reads what: sums of the requests that logs of S3 tell of. Numbers stand for names, which are long and few.

CREATE TABLE access_files (                       -- which files of logs were taken, each in one transaction with its requests
    path    VARCHAR NOT NULL,                     -- source and key
    size    BIGINT NOT NULL,
    etag    VARCHAR NOT NULL,
    kind    VARCHAR NOT NULL CHECK (kind IN ('trail', 'lines', 'digest', 'other')),
    records BIGINT NOT NULL,
    left_out BIGINT NOT NULL,                     -- records of other events: management, Insights, other services
    broken  BIGINT NOT NULL,
    note    VARCHAR NOT NULL,                     -- why it was not read whole, a code and a sentence; empty: it was
    loaded  TIMESTAMP NOT NULL
);

CREATE TABLE access_buckets (
    bucket INTEGER NOT NULL,
    source VARCHAR NOT NULL,                      -- s3://bucket
    owner  VARCHAR NOT NULL DEFAULT ''            -- account number, or canonical id; empty: not told
);

CREATE TABLE access_accounts (account VARCHAR NOT NULL);   -- our own

CREATE TABLE access_objects (
    oid    BIGINT NOT NULL,                       -- as in objects
    bucket INTEGER NOT NULL,
    key    VARCHAR NOT NULL                       -- empty: the bucket, or objects that no record names
);

CREATE TABLE access_principals (
    pid       INTEGER NOT NULL,
    principal VARCHAR NOT NULL,
    kind      VARCHAR NOT NULL,
    account   VARCHAR NOT NULL
);

CREATE TABLE access_actors (                      -- a principal at an address
    actor   INTEGER NOT NULL,
    pid     INTEGER NOT NULL,
    ip      VARCHAR NOT NULL,
    network VARCHAR NOT NULL,                     -- the /16 of version 4, the /32 of version 6; empty: no address
    country VARCHAR                               -- by the ranges that the user gave; null: not known
);

CREATE TABLE access_actions (
    action  INTEGER NOT NULL,
    name    VARCHAR NOT NULL,
    verb    VARCHAR NOT NULL CHECK (verb IN ('read', 'copy', 'look', 'list', 'write', 'delete', 'other')),
    outcome VARCHAR NOT NULL CHECK (outcome IN ('ok', 'denied', 'missing', 'failed')),
    error   VARCHAR NOT NULL
);

CREATE TABLE access_requests (                    -- sums; several rows of one object, actor and action are added up
    oid        BIGINT NOT NULL,
    actor      INTEGER NOT NULL,
    action     INTEGER NOT NULL,
    first_seen TIMESTAMP NOT NULL,
    last_seen  TIMESTAMP NOT NULL,
    requests   BIGINT NOT NULL,
    bytes      BIGINT NOT NULL
);

CREATE TABLE access_days (                        -- sums by day, principal and bucket; several rows are added up
    day       DATE NOT NULL,                      -- UTC
    pid       INTEGER NOT NULL,
    bucket    INTEGER NOT NULL,
    requests  BIGINT NOT NULL,
    reads     BIGINT NOT NULL,                    -- successful, of content
    bytes     BIGINT NOT NULL,                    -- of these
    denied    BIGINT NOT NULL,
    deletes   BIGINT NOT NULL,                    -- successful
    copies    BIGINT NOT NULL,                    -- successful, as the object that was copied
    objects   BIGINT NOT NULL,                    -- estimate: distinct ones that were read or copied
    registers BLOB NOT NULL                       -- what the estimate is made of (HyperLogLog of 256 registers)
);

CREATE TABLE access_seen (                        -- names of requests, so that each counts once whatever tells of it
    day DATE NOT NULL,
    ids BLOB NOT NULL                             -- six bytes each, sorted
);

CREATE TABLE access_anomalies (                   -- made anew at the end of each ingest, from the sums
    anomaly     VARCHAR NOT NULL,                 -- digest of kind, principal, bucket and day
    kind        VARCHAR NOT NULL,
    also        VARCHAR NOT NULL,                 -- JSON list: other kinds that the same principal, bucket and days are of
    bucket      INTEGER NOT NULL,
    pid         INTEGER NOT NULL,
    oid         BIGINT,                           -- one object that it is about
    began       DATE NOT NULL,
    ended       DATE NOT NULL,                    -- the last day of it
    score       DOUBLE NOT NULL,
    explanation VARCHAR NOT NULL
);
