-- Alerts on their way: what a rule has told of, and the messages that its sinks have not taken yet.

CREATE TABLE alert_rows (
    alert   VARCHAR NOT NULL,
    sink    VARCHAR NOT NULL,
    row_key VARCHAR NOT NULL,                     -- digest of the rule, the sink and the columns that name the row
    levels  VARCHAR NOT NULL,                     -- JSON: its numbers when it was told last
    content VARCHAR NOT NULL,                     -- digest of all of it when it was told last
    told    TIMESTAMP NOT NULL,
    times   INTEGER NOT NULL
);

INSERT INTO alert_rows SELECT alert, '', row_key, '{}', '', sent, 1 FROM alert_marks;

CREATE TABLE outbox (
    id       VARCHAR NOT NULL,                    -- idempotency key: the same for each try of the same rows
    alert    VARCHAR NOT NULL,
    sink     VARCHAR NOT NULL,
    severity VARCHAR NOT NULL,
    run      INTEGER NOT NULL,
    rows     BIGINT NOT NULL,
    payload  VARCHAR NOT NULL,                    -- JSON, masked
    state    VARCHAR NOT NULL CHECK (state IN ('due', 'sent', 'dead')),
    attempts INTEGER NOT NULL,
    next_try TIMESTAMP NOT NULL,
    error    VARCHAR NOT NULL,                    -- of the last try: a kind, never what a server said
    created  TIMESTAMP NOT NULL,
    sent     TIMESTAMP
);
