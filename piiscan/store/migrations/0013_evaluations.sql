-- When alert rules were evaluated, and up to when the times of their schedules are dealt with.

CREATE TABLE alert_evaluations (
    alert     VARCHAR NOT NULL,                   -- one row a rule, kept so by the one writer
    schedule  VARCHAR NOT NULL,                   -- the times that `until` is of, and their zone; empty: it has none
    until     TIMESTAMP,                          -- what its schedule says up to then is dealt with, or is of before it
    evaluated TIMESTAMP,                          -- the last time; null: never
    times     BIGINT NOT NULL,                    -- how often
    error     VARCHAR NOT NULL                    -- of the last time; empty: it went well
);
