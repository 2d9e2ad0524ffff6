-- What sampled runs were drawn from, and what they found: the numbers that estimates rest on.

CREATE TABLE strata (
    run           INTEGER NOT NULL,
    source        VARCHAR NOT NULL,
    prefix        VARCHAR NOT NULL,               -- of the target
    stratum       INTEGER NOT NULL,               -- from 0, in a run, source and prefix
    folder        VARCHAR NOT NULL,
    family        VARCHAR NOT NULL,
    size_class    VARCHAR NOT NULL,
    age_class     VARCHAR NOT NULL,
    population    BIGINT NOT NULL,                -- objects that were listed and may be opened
    bytes         BIGINT NOT NULL,
    sampled       BIGINT NOT NULL,                -- drawn, whether read in this run or before
    sampled_bytes BIGINT NOT NULL,
    read          BIGINT NOT NULL,                -- of the drawn, those that were read, in part at least
    weight        DOUBLE NOT NULL                 -- objects that a drawn one stands for; 0: none was drawn
);

CREATE TABLE strata_hits (
    run     INTEGER NOT NULL,
    source  VARCHAR NOT NULL,
    prefix  VARCHAR NOT NULL,
    stratum INTEGER NOT NULL,
    kind    VARCHAR NOT NULL CHECK (kind IN ('risk', 'severity', 'category', 'rule')),
    what    VARCHAR NOT NULL,                     -- 'high' (or critical) for risk, else which
    objects BIGINT NOT NULL                       -- of the read ones, those that hold it
);

-- How much of each source was ever read, at the end of each run that listed it.
CREATE TABLE bucket_coverage (
    run          INTEGER NOT NULL,
    source       VARCHAR NOT NULL,
    prefix       VARCHAR NOT NULL,                -- of the target
    objects      BIGINT NOT NULL,                 -- listed, may be opened
    bytes        BIGINT NOT NULL,
    objects_read BIGINT NOT NULL,                 -- of these, read by this run or an earlier one, in part at least
    bytes_read   BIGINT NOT NULL
);
