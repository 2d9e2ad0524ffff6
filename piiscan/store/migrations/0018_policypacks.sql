-- Policy packs that were applied to this database, and what each has set in it: a row a pack, job and weight, kept so by
-- the one writer.

CREATE TABLE policy_packs (
    pack        VARCHAR NOT NULL,
    version     INTEGER NOT NULL,
    description VARCHAR NOT NULL,
    digest      VARCHAR NOT NULL,                 -- of what was signed
    key_id      VARCHAR NOT NULL,                 -- of the key that signed it
    applied     TIMESTAMP NOT NULL,
    expires     DATE NOT NULL                     -- the last day on which it could be applied
);

CREATE TABLE policy_jobs (                        -- as the pack has them; what is in force stands in job_versions
    pack     VARCHAR NOT NULL,
    name     VARCHAR NOT NULL,
    schedule VARCHAR NOT NULL,
    zone     VARCHAR NOT NULL,
    targets  VARCHAR NOT NULL,                    -- JSON, as in job_versions
    settings VARCHAR NOT NULL,
    options  VARCHAR NOT NULL
);

CREATE TABLE policy_weights (
    pack   VARCHAR NOT NULL,
    term   VARCHAR NOT NULL,
    weight DOUBLE NOT NULL,
    before DOUBLE NOT NULL                        -- what it was without a pack
);
