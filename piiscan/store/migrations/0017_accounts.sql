-- Accounts of AWS that runs went over, and which source is whose.

CREATE TABLE accounts (
    account VARCHAR PRIMARY KEY,                  -- twelve digits
    name    VARCHAR NOT NULL,                     -- as the organisation calls it; empty: not known
    role    VARCHAR NOT NULL,                     -- in which it was entered; empty: with the own credentials
    refused VARCHAR NOT NULL,                     -- why nothing of it could be listed in the last run; empty: it could
    run     INTEGER                               -- the last run that went over it; null: only its posture was asked for
);

CREATE TABLE source_accounts (
    source  VARCHAR PRIMARY KEY,
    account VARCHAR NOT NULL,
    role    VARCHAR NOT NULL                      -- in which it was read
);
