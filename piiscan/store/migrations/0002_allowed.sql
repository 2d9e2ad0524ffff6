-- Matches that an allow list kept out of the findings, counted by entry: an entry that is never used shows.

CREATE TABLE allowed (
    oid   BIGINT NOT NULL,
    run   INTEGER NOT NULL,
    entry VARCHAR NOT NULL,                       -- file name and number of the entry, never what it holds
    rule  VARCHAR NOT NULL,
    count BIGINT NOT NULL
);
