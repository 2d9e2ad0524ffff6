-- Risk from a table of weights, what of one person stands together, people, and the columns that findings are in.

CREATE TABLE risk_weights (
    term    VARCHAR NOT NULL,                     -- see docs/risk.md; the formula reads each by its name
    weight  DOUBLE NOT NULL,
    meaning VARCHAR NOT NULL
);

INSERT INTO risk_weights VALUES
    ('severity.low',            4,      'points of one certain value of a rule of low severity'),
    ('severity.medium',         15,     'points of one certain value of a rule of medium severity'),
    ('severity.high',           40,     'points of one certain value of a rule of high severity'),
    ('severity.critical',       70,     'points of one certain value of a rule of critical severity'),
    ('combination.identity',    60,     'points of one row, record or page with name, date of birth and national id'),
    ('combination.payment',     40,     'points of one row, record or page with name and card or bank account'),
    ('combination.health',      50,     'points of one row, record or page with name or national id, and health data'),
    ('combination.login',       50,     'points of one row, record or page with e-mail address or user name, and password'),
    ('spread.full_at',          10000,  'distinct values, or rows, from which on a term counts twice'),
    ('cap',                     95,     'the most points of one term'),
    ('exposure',                2,      'how much more often a fully exposed object is reached: the exponent is 1 + this x exposure'),
    ('bucket.sensitive_from',   1,      'sensitivity from which on an object makes its bucket sensitive'),
    ('bucket.full_at',          10000,  'sensitive objects from which on their number counts fully');

CREATE TABLE combinations (
    oid         BIGINT NOT NULL,
    run         INTEGER NOT NULL,
    combination VARCHAR NOT NULL,                 -- identity, payment, health, login
    units       BIGINT NOT NULL,                  -- rows, records or pages that hold all of it
    exact       BOOLEAN NOT NULL                  -- false: worked out from the places that are kept
);

CREATE TABLE table_columns (
    oid           BIGINT NOT NULL,
    run           INTEGER NOT NULL,
    member        VARCHAR NOT NULL,               -- JSON list: the way to the container's member; [] for the object itself
    table_name    VARCHAR NOT NULL,               -- table or sheet, else empty
    column_name   VARCHAR NOT NULL,               -- header, or path of a record's value
    rule          VARCHAR NOT NULL,
    cells         BIGINT NOT NULL,                -- that are not empty
    matched       BIGINT NOT NULL                 -- of these, those that the rule found
);

CREATE TABLE exposures (                          -- filled by checks of who may read a source
    source   VARCHAR NOT NULL,
    exposure DOUBLE NOT NULL CHECK (exposure BETWEEN 0 AND 1),
    reason   VARCHAR NOT NULL,
    checked  TIMESTAMP NOT NULL
);

CREATE TABLE sensitivities (                      -- by hand, instead of what the formula says
    source      VARCHAR NOT NULL,
    sensitivity SMALLINT NOT NULL CHECK (sensitivity BETWEEN -1 AND 100),
    reason      VARCHAR NOT NULL,
    made        TIMESTAMP NOT NULL
);

ALTER TABLE objects ADD COLUMN sensitivity SMALLINT;   -- 0 to 100: what it holds, whoever may read it
ALTER TABLE objects ADD COLUMN people BIGINT;          -- estimate of how many people it tells of
UPDATE objects SET sensitivity = risk;
