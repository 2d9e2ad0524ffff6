-- What of an object was not read, part by part: its outcome names the first only.

CREATE TABLE unread (
    oid    BIGINT NOT NULL,
    run    INTEGER NOT NULL,
    seq    INTEGER NOT NULL,                      -- in the order in which they came
    reason VARCHAR NOT NULL                       -- a code, the way to the part, a sentence
);
