-- What the verdicts on columns rest on: sentences that quote no value.

CREATE TABLE evidence (
    oid    BIGINT NOT NULL,
    run    INTEGER NOT NULL,
    rule   VARCHAR NOT NULL,
    seq    INTEGER NOT NULL,                      -- in the order in which the columns came
    said   VARCHAR NOT NULL
);
