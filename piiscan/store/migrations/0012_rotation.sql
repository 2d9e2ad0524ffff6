-- Another key for fingerprints. Objects that were read under an earlier one have its id and a colon before the digest in
-- `objects.catalogue`; they are read again, and what was said of their values goes over to the new fingerprints.

ALTER TABLE suppressions ADD COLUMN key_id VARCHAR;   -- the earlier key that its fingerprint is of; null: the store's

CREATE TABLE former_prints (                      -- fingerprints of suppressions under earlier keys, for what is not read again yet
    number      INTEGER NOT NULL,
    fingerprint BLOB NOT NULL
);

CREATE TABLE key_changes (
    changed TIMESTAMP NOT NULL,
    key_id  VARCHAR NOT NULL,                     -- the key until then
    objects BIGINT NOT NULL                       -- that were to be read again
);
