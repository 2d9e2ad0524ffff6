-- Policy packs, and what in this database is other than they say.

CREATE OR REPLACE VIEW v_policy_packs AS
SELECT p.pack, p.version, p.description, p.digest, p.key_id, p.applied, p.expires,
       p.expires < (now() AT TIME ZONE 'UTC')::DATE AS expired,
       (SELECT count(*) FROM policy_jobs j WHERE j.pack = p.pack) AS jobs,
       (SELECT count(*) FROM policy_weights w WHERE w.pack = p.pack) AS weights
FROM policy_packs p;

CREATE OR REPLACE VIEW v_policy_drift AS
WITH held AS (
    SELECT p.pack, p.name, j.name IS NULL AS missing, j.paused, v.schedule, v.zone, v.targets, v.settings, v.options,
           p.schedule AS schedule_, p.zone AS zone_, p.targets AS targets_, p.settings AS settings_, p.options AS options_
    FROM policy_jobs p
    LEFT JOIN jobs j ON j.name = p.name
    LEFT JOIN job_versions v ON v.name = j.name AND v.version = j.version
),
compared AS (
    SELECT pack, name, unnest([
        {'field': 'schedule', 'expected': schedule_, 'found': schedule},
        {'field': 'time_zone', 'expected': zone_, 'found': zone},
        {'field': 'targets', 'expected': targets_, 'found': targets},
        {'field': 'settings', 'expected': settings_, 'found': settings},
        {'field': 'options', 'expected': options_, 'found': options},
        {'field': 'paused', 'expected': 'false', 'found': paused::VARCHAR}
    ]) AS told
    FROM held WHERE NOT missing
)
SELECT pack, 'job' AS kind, name AS item, told.field AS field, told.expected AS expected, told.found AS found
FROM compared WHERE told.expected <> told.found
UNION ALL
SELECT pack, 'job', name, 'missing', 'there', 'removed' FROM held WHERE missing
UNION ALL
SELECT w.pack, 'weight', w.term, 'weight', format('{:g}', w.weight), format('{:g}', r.weight)
FROM policy_weights w JOIN risk_weights r ON r.term = w.term WHERE r.weight <> w.weight
UNION ALL
SELECT pack, 'expired', pack, 'expires', expires::VARCHAR, (now() AT TIME ZONE 'UTC')::DATE::VARCHAR
FROM v_policy_packs WHERE expired;
