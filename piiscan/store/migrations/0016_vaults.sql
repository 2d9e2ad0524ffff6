-- Parameters and secrets: what their vaults tell of them. A value, or a hash of one, is never here.

CREATE TABLE vault_entries (
    source          VARCHAR NOT NULL,             -- ssm://ACCOUNT/REGION or secretsmanager://ACCOUNT/REGION
    name            VARCHAR NOT NULL,
    kind            VARCHAR NOT NULL CHECK (kind IN ('String', 'StringList', 'SecureString', 'Secret')),
    arn             VARCHAR NOT NULL,
    version         VARCHAR NOT NULL,
    modified        TIMESTAMP,
    rotated         TIMESTAMP,
    used            TIMESTAMP,                    -- day of the last use; null: not known, or never
    rotation        BOOLEAN,                      -- whether it is rotated by itself; null: of a parameter
    expires         TIMESTAMP,                    -- when a policy deletes it
    warns_unchanged VARCHAR NOT NULL,             -- after which time without a change a policy gives notice
    key             VARCHAR NOT NULL,
    tier            VARCHAR NOT NULL,
    rule            VARCHAR,                      -- the rule that reports where its value lies; null: never looked for
    why_not         VARCHAR,                      -- why it was not looked for, when it was to be
    seen            TIMESTAMP NOT NULL,
    gone            TIMESTAMP                     -- since when it is not listed any more
);

CREATE TABLE sources_new (
    source       VARCHAR PRIMARY KEY,             -- s3://bucket, file:///dir, ssm://account/region, secretsmanager://...
    kind         VARCHAR NOT NULL CHECK (kind IN ('s3', 'file', 'ssm', 'secretsmanager')),
    endpoint     VARCHAR,
    region       VARCHAR,
    first_listed TIMESTAMP,
    last_listed  TIMESTAMP                        -- start of the last run that listed it to its end
);
INSERT INTO sources_new SELECT * FROM buckets;
DROP TABLE buckets;
ALTER TABLE sources_new RENAME TO buckets;
