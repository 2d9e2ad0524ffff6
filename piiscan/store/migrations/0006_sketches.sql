-- What objects could hold, and what the rules that examined them need: a changed rule re-reads what it could match in.

CREATE TABLE sketches (
    oid       BIGINT NOT NULL,
    run       INTEGER NOT NULL,
    words     BLOB,                               -- set of hashes of words; null: too many, any rule may match
    digits    SMALLINT NOT NULL,                  -- longest run of digits, up to 48
    signs     TINYINT NOT NULL,                   -- bits: value alone, at-sign, column of numbers
    contested VARCHAR NOT NULL                    -- JSON list of rules that shared characters with another one
);

CREATE TABLE rulesets (
    catalogue VARCHAR NOT NULL,                   -- as in objects: a digest of all that decides what is found
    settings  VARCHAR NOT NULL,                   -- a digest of all of that but the catalogue's rules
    rules     BLOB NOT NULL                       -- JSON, zlib: of each rule two digests and what its matches need
);

ALTER TABLE objects ADD COLUMN verified BOOLEAN;  -- all was read, and the ETag is its MD5: true of every object with it
