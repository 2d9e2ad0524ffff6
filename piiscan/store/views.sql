-- The public surface: views may gain columns, never lose or rename one. Made anew when a database is opened for writing by a program that has others.

-- Inner views: what the public ones and the scoring share.
CREATE OR REPLACE VIEW regulations AS
SELECT * FROM (VALUES
    ('gdpr', 'General Data Protection Regulation (EU)'), ('gdpr-art9', 'GDPR, special categories of article 9'),
    ('hipaa', 'Health Insurance Portability and Accountability Act (US)'),
    ('pci', 'Payment Card Industry Data Security Standard'), ('ccpa', 'California Consumer Privacy Act'),
    ('glba', 'Gramm-Leach-Bliley Act (US)'), ('pipeda', 'Personal Information Protection and Electronic Documents Act (Canada)'),
    ('lgpd', 'Lei Geral de Proteção de Dados (Brazil)'), ('fadp', 'Federal Act on Data Protection (Switzerland)'),
    ('privacy-act', 'Privacy Acts of Australia and New Zealand'), ('pdpa', 'Personal Data Protection Acts of Asia'),
    ('dpdp', 'Digital Personal Data Protection Act (India)'), ('appi', 'Act on the Protection of Personal Information (Japan)'),
    ('pipa', 'Personal Information Protection Act (Korea)'), ('pipl', 'Personal Information Protection Law (China)'),
    ('kvkk', 'Kişisel Verilerin Korunması Kanunu (Türkiye)'), ('popia', 'Protection of Personal Information Act (South Africa)')
) AS t (regulation, title);

CREATE OR REPLACE VIEW rule_regulations AS
SELECT r.rule, list(g.regulation ORDER BY g.regulation) AS regulations
FROM (SELECT rule, unnest(from_json(tags, '["VARCHAR"]')) AS tag FROM rules) r
JOIN regulations g ON g.regulation = r.tag
GROUP BY r.rule;

-- What people said last of a finding, while it holds; what was fixed and is there again is open.
CREATE OR REPLACE VIEW finding_states AS
WITH newest AS (
    SELECT finding, arg_max(state, made) AS state, arg_max(owner, made) AS owner, arg_max(reason, made) AS reason,
           arg_max({'until': expires}, made).until AS expires, max(made) AS made
    FROM triage GROUP BY finding
)
SELECT t.finding, t.owner, t.reason, t.expires, t.made,
       CASE WHEN t.expires <= (now() AT TIME ZONE 'UTC') THEN 'open'
            WHEN t.state = 'fixed' AND n.started > t.made THEN 'open'
            ELSE t.state END AS state
FROM newest t
LEFT JOIN findings f ON f.finding = t.finding AND f.superseded IS NULL
LEFT JOIN runs n ON n.run = f.run;

CREATE OR REPLACE VIEW suppressed_now AS
SELECT x.finding, min(x.number) AS number
FROM suppressed x JOIN suppressions s ON s.number = x.number
WHERE s.removed IS NULL AND (s.expires IS NULL OR s.expires > (now() AT TIME ZONE 'UTC'))
GROUP BY x.finding;

-- What people set aside: no term of the risk.
CREATE OR REPLACE VIEW set_aside AS
SELECT finding FROM suppressed_now
UNION
SELECT finding FROM triage GROUP BY finding
HAVING arg_max(state, made) = 'false_positive'
   AND coalesce(arg_max({'until': expires}, made).until > (now() AT TIME ZONE 'UTC'), true);

-- What of a person findings are, as piiscan/people.py has it; a test holds both equal.
CREATE OR REPLACE VIEW finding_kinds AS
SELECT finding, oid, rule,
       CASE WHEN rule = 'ner.person' THEN 'name'
            WHEN rule = 'generic.date_of_birth' THEN 'birth'
            WHEN rule = 'generic.email' THEN 'email'
            WHEN rule = 'generic.username' THEN 'login'
            WHEN rule IN ('generic.password', 'generic.password_hash', 'generic.pin') THEN 'password'
            WHEN rule IN ('ner.address', 'generic.postal_address', 'generic.street_address') THEN 'address'
            WHEN starts_with(rule, 'iban.') OR rule IN ('generic.credit_card', 'generic.credit_card_no_keyword',
                 'generic.account_number', 'us.bank_account') THEN 'payment'
            WHEN rule IN ('special.health_condition', 'special.genetic_biometric', 'us.ndc', 'us.hcpcs') THEN 'health'
            WHEN category NOT IN ('pii', 'phi') OR regexp_full_match(rule, '(special|ner)\..*|.*postal_code|.*postcode|'
                 '.*postnummer|br\.cep|fo\.ptal|id\.sim|generic\.(iccid|imei|imsi|ipv4|ipv6|lat_long|license_plate.*|'
                 'mac_address.*|meid|vin|medical_device_udi)|de\.bsnr|de\.lanr|nl\.big|no\.health_personnel|'
                 'us\.(dea|hcpcs|ndc|npi|ptin)') THEN NULL
            WHEN regexp_full_match(rule, '\w+\.phone(_\w+)?') THEN 'phone'
            ELSE 'identifier' END AS kind
FROM findings WHERE superseded IS NULL AND NOT test_data;

-- Combinations of the newest state, but for those of which one part is set aside whole.
CREATE OR REPLACE VIEW combinations_now AS
WITH kinds AS (
    SELECT k.oid, k.kind, bool_or(x.finding IS NULL) AS some_left
    FROM finding_kinds k LEFT JOIN set_aside x ON x.finding = k.finding
    WHERE k.oid IN (SELECT f.oid FROM findings f JOIN set_aside x ON x.finding = f.finding WHERE f.superseded IS NULL)
    GROUP BY k.oid, k.kind
),
lost AS (
    SELECT DISTINCT k.oid, p.combination
    FROM kinds k
    JOIN (VALUES ('identity', 1, ['name']), ('identity', 2, ['birth']), ('identity', 3, ['identifier']),
                 ('payment', 1, ['name']), ('payment', 2, ['payment']),
                 ('health', 1, ['name', 'identifier']), ('health', 2, ['health']),
                 ('login', 1, ['email', 'login']), ('login', 2, ['password'])) AS p (combination, part, kinds)
      ON list_contains(p.kinds, k.kind)
    GROUP BY k.oid, p.combination, p.part HAVING NOT bool_or(k.some_left)
)
SELECT c.oid, c.run, c.combination, c.units, c.exact
FROM combinations c
JOIN objects o ON o.oid = c.oid AND o.run = c.run AND o.superseded IS NULL
ANTI JOIN lost l ON l.oid = c.oid AND l.combination = c.combination;

CREATE OR REPLACE VIEW risk_terms AS
WITH limits AS (
    SELECT max(weight) FILTER (term = 'cap') AS cap, log10(greatest(max(weight) FILTER (term = 'spread.full_at'), 10)) AS full_at
    FROM risk_weights
),
parts AS (
    SELECT f.oid, f.rule AS term, coalesce(r.name, f.rule) AS name, ['low', 'medium', 'high', 'critical'][f.severity] AS severity,
           round(f.confidence::DOUBLE, 4) AS confidence, f.distinct_values AS number,
           'severity.' || ['low', 'medium', 'high', 'critical'][f.severity] AS weighed
    FROM findings f LEFT JOIN rules r ON r.rule = f.rule
    ANTI JOIN set_aside x ON x.finding = f.finding
    WHERE f.superseded IS NULL AND NOT f.test_data
    UNION ALL
    SELECT oid, 'combination.' || combination, combination, NULL, 1.0, units, 'combination.' || combination
    FROM combinations_now
),
weighed AS (
    SELECT p.*, w.weight, 1 + least(log10(greatest(p.number, 1)) / l.full_at, 1.0) AS spread, l.cap
    FROM parts p JOIN risk_weights w ON w.term = p.weighed CROSS JOIN limits l
)
SELECT oid, term, name, severity, confidence, number, weight, spread,
       least(weight * confidence * spread, cap) AS points,
       CASE WHEN severity IS NOT NULL
            THEN printf('%.0f points: %d distinct value%s of %s (%s, confidence %.2f)', least(weight * confidence * spread, cap),
                        number, CASE WHEN number = 1 THEN '' ELSE 's' END, name, severity, confidence)
            ELSE printf('%.0f points: %d row%s, record%s or page%s with %s', least(weight * confidence * spread, cap), number,
                        CASE WHEN number = 1 THEN '' ELSE 's' END, CASE WHEN number = 1 THEN '' ELSE 's' END,
                        CASE WHEN number = 1 THEN '' ELSE 's' END,
                        CASE name WHEN 'identity' THEN 'name, date of birth and national id' WHEN 'payment' THEN
                        'name and card or account' WHEN 'health' THEN 'a person and health data' ELSE 'log-in and password' END)
       END AS sentence
FROM weighed;

CREATE OR REPLACE VIEW v_findings AS
SELECT lower(hex(f.finding))  AS finding,         -- 32 hexadecimal digits, the same in each run
       o.key                  AS object,
       o.source               AS source,
       o.media_type           AS media_type,
       f.rule                 AS rule,
       coalesce(r.name, f.rule) AS name,
       r.macie                AS macie,
       f.category             AS category,
       ['low', 'medium', 'high', 'critical'][f.severity] AS severity,
       f.confidence           AS confidence,
       f.count                AS count,
       f.distinct_values      AS distinct_values,
       f.distinct_exact       AS distinct_exact,
       f.test_data            AS test_data,
       coalesce(t.state, 'open') AS state,
       f.first_seen           AS first_seen,
       greatest(n.started, coalesce(b.last_listed, n.started)) AS last_seen,
       f.run                  AS run,
       g.regulations          AS regulations,
       x.number               AS suppressed_by,
       NOT f.test_data AND x.number IS NULL AND coalesce(t.state, 'open') NOT IN ('false_positive', 'accepted') AS counted
FROM findings f
JOIN objects o ON o.oid = f.oid AND o.run = f.run
JOIN runs n ON n.run = f.run
LEFT JOIN rules r ON r.rule = f.rule
LEFT JOIN buckets b ON b.source = o.source
LEFT JOIN rule_regulations g ON g.rule = f.rule
LEFT JOIN finding_states t ON t.finding = f.finding
LEFT JOIN suppressed_now x ON x.finding = f.finding
WHERE f.superseded IS NULL;

CREATE OR REPLACE VIEW v_suppressed AS
SELECT s.number, v.finding, v.object, v.source, v.rule, v.severity, v.count, s.owner, s.reason, s.expires
FROM v_findings v JOIN suppressions s ON s.number = v.suppressed_by;

CREATE OR REPLACE VIEW v_suppressions AS
SELECT s.number, s.rule, s.source, s.object, s.column_name, lower(hex(s.fingerprint)) AS fingerprint, s.predicate,
       s.baseline, s.owner, s.reason, s.made, s.expires, s.removed,
       s.removed IS NULL AND (s.expires IS NULL OR s.expires > (now() AT TIME ZONE 'UTC')) AS in_force,
       coalesce(c.findings, 0) AS findings,
       s.removed IS NULL AND (s.key_id IS NOT NULL OR u.number IS NOT NULL) AS unverified
FROM suppressions s
LEFT JOIN (SELECT number, count(*) AS findings FROM suppressed_now GROUP BY number) c ON c.number = s.number
LEFT JOIN (
    SELECT DISTINCT b.number FROM baseline_values b JOIN objects o ON o.oid = b.oid
    WHERE o.superseded IS NULL AND contains(o.catalogue, ':')
) u ON u.number = s.number;

CREATE OR REPLACE VIEW v_audit AS
SELECT made, owner, action, lower(hex(finding)) AS finding, number, detail FROM audit;

CREATE OR REPLACE VIEW v_occurrences AS
SELECT lower(hex(c.finding)) AS finding,
       o.key                 AS object,
       o.source              AS source,
       c.rule                AS rule,
       c.seq                 AS seq,
       c.char_start          AS char_start,       -- characters of the decoded text; null where the format has none
       c.char_length         AS char_length,
       c.place               AS place,            -- JSON
       c.masked              AS masked,
       c.confidence          AS confidence,
       lower(hex(c.fingerprint)) AS fingerprint
FROM occurrences c
JOIN objects o ON o.oid = c.oid AND o.run = c.run
WHERE o.superseded IS NULL;

CREATE OR REPLACE VIEW v_values AS
SELECT lower(hex(v.fingerprint)) AS fingerprint, v.rule, o.key AS object, o.source, v.count, v.head AS short
FROM value_index v
JOIN objects o ON o.oid = v.oid AND o.run = v.run
WHERE o.superseded IS NULL;

CREATE OR REPLACE VIEW v_objects AS
SELECT key AS object, source, media_type, size, modified, outcome, reason, risk, run, bytes_examined,
       CASE WHEN run NOT IN (SELECT run FROM runs WHERE contains(settings, '"ner": false'))
            THEN names_examined END AS names_examined,   -- NULL: names were not looked for
       reasons, coalesce(sensitivity, risk) AS sensitivity, (SELECT max(e.exposure) FROM exposures e
       WHERE e.source = objects.source) AS exposure, people,
       CASE WHEN contains(catalogue, ':') THEN split_part(catalogue, ':', 1) END AS former_key   -- see rotation.py
FROM objects
WHERE superseded IS NULL;

CREATE OR REPLACE VIEW v_risk_terms AS
SELECT o.key AS object, o.source, t.term, t.name, t.severity, t.confidence, t.number, t.weight, t.spread, t.points
FROM risk_terms t JOIN objects o ON o.oid = t.oid AND o.superseded IS NULL;

CREATE OR REPLACE VIEW v_columns AS
SELECT o.key AS object, o.source, c.member, c.table_name, c.column_name, c.rule, coalesce(r.name, c.rule) AS name,
       c.cells, c.matched, c.matched / greatest(c.cells, 1) AS valid_share,
       least(c.matched, ceil(f.distinct_values * c.matched / greatest(f.count, 1)))::BIGINT AS distinct_values,
       f.distinct_exact AND f.count = c.matched AS distinct_exact, o.run
FROM table_columns c
JOIN objects o ON o.oid = c.oid AND o.run = c.run AND o.superseded IS NULL
JOIN findings f ON f.oid = c.oid AND f.run = c.run AND f.rule = c.rule AND f.superseded IS NULL
LEFT JOIN rules r ON r.rule = c.rule;

CREATE OR REPLACE VIEW v_people AS
SELECT o.key AS object, o.source, o.people, c.units AS identified, c.exact AS identified_exact, o.run
FROM objects o
LEFT JOIN combinations_now c ON c.oid = o.oid AND c.run = o.run AND c.combination = 'identity'
WHERE o.superseded IS NULL AND o.people > 0;

CREATE OR REPLACE VIEW v_regulations AS
SELECT g.regulation, g.title, o.source, count(DISTINCT f.oid) AS objects, count(*) AS findings, sum(f.count)::BIGINT AS matches
FROM findings f
JOIN objects o ON o.oid = f.oid AND o.run = f.run
JOIN (SELECT rule, unnest(regulations) AS regulation FROM rule_regulations) r ON r.rule = f.rule
JOIN regulations g ON g.regulation = r.regulation
WHERE f.superseded IS NULL AND NOT f.test_data
GROUP BY g.regulation, g.title, o.source;

CREATE OR REPLACE VIEW v_buckets AS
WITH weights AS (
    SELECT max(weight) FILTER (term = 'bucket.sensitive_from') AS sensitive_from,
           log10(1 + greatest(max(weight) FILTER (term = 'bucket.full_at'), 1)) AS full_at
    FROM risk_weights
),
sums AS (
    SELECT o.source, count(*) AS objects, sum(o.size)::BIGINT AS bytes,
           count(*) FILTER (o.outcome IN ('scanned', 'partial')) AS objects_read,
           count(*) FILTER (o.outcome = 'failed') AS objects_failed,
           count(*) FILTER (coalesce(o.sensitivity, o.risk) >= w.sensitive_from) AS objects_sensitive,
           max(coalesce(o.sensitivity, o.risk)) AS most, max(o.risk) AS risk, max(o.people) AS people_in_one_object
    FROM objects o CROSS JOIN weights w
    WHERE o.superseded IS NULL
    GROUP BY o.source
),
listed AS (
    SELECT source, kind, region, first_listed, last_listed FROM buckets
    UNION ALL SELECT source, NULL, NULL, NULL, NULL FROM sums WHERE source NOT IN (SELECT source FROM buckets)
),
hand AS (SELECT source, arg_max(sensitivity, made) AS sensitivity FROM sensitivities GROUP BY source)
SELECT b.source, b.kind, b.region,
       CASE
           WHEN h.sensitivity IS NOT NULL THEN h.sensitivity
           WHEN s.objects IS NULL THEN 1
           WHEN s.objects_read = 0 AND s.objects_failed > 0 THEN -1
           WHEN s.objects_read = 0 THEN 50
           WHEN s.objects_sensitive = 0 THEN 49 - floor(48 * s.objects_read / s.objects)
           ELSE 51 + floor(48 * (0.7 * s.most / 100 + 0.3 * least(log10(1 + s.objects_sensitive) / w.full_at, 1.0)))
       END::SMALLINT AS sensitivity,
       h.sensitivity IS NOT NULL AS by_hand,
       (SELECT max(e.exposure) FROM exposures e WHERE e.source = b.source) AS exposure,
       coalesce(s.risk, 0)::SMALLINT AS risk,
       coalesce(s.objects, 0) AS objects, coalesce(s.objects_read, 0) AS objects_read,
       coalesce(s.objects_sensitive, 0) AS objects_sensitive, coalesce(s.objects_failed, 0) AS objects_failed,
       coalesce(s.bytes, 0)::BIGINT AS bytes, s.people_in_one_object, b.first_listed, b.last_listed
FROM listed b
LEFT JOIN sums s USING (source)
LEFT JOIN hand h USING (source)
CROSS JOIN weights w;

CREATE OR REPLACE VIEW v_runs AS
SELECT n.run, n.started, n.ended, n.status, n.targets,
       coalesce(o.objects, 0) AS objects,         -- examined in this run
       coalesce(o.bytes, 0)   AS bytes,
       coalesce(f.findings, 0) AS findings,
       n.listed, n.unchanged, n.catalogue, n.tool_version,
       NOT contains(n.settings, '"ner": false') AS names   -- looked for names
FROM runs n
LEFT JOIN (SELECT run, count(*) AS objects, sum(bytes_examined)::BIGINT AS bytes FROM objects GROUP BY run) o USING (run)
LEFT JOIN (SELECT run, count(*) AS findings FROM findings GROUP BY run) f USING (run);

CREATE OR REPLACE VIEW v_deltas AS
SELECT coalesce(n.run, g.superseded) AS run,      -- what this run found other than the one before it
       CASE WHEN g.finding IS NULL THEN 'new' WHEN n.finding IS NULL THEN 'gone' ELSE 'changed' END AS change,
       lower(hex(coalesce(n.finding, g.finding))) AS finding, o.key AS object, o.source,
       coalesce(n.rule, g.rule) AS rule,
       ['low', 'medium', 'high', 'critical'][coalesce(n.severity, g.severity)] AS severity,
       g.count AS count_before, n.count AS count_after, g.distinct_values AS distinct_before,
       n.distinct_values AS distinct_after
FROM findings n
FULL JOIN (SELECT * FROM findings WHERE superseded IS NOT NULL) g ON g.finding = n.finding AND g.superseded = n.run
JOIN objects o ON o.oid = coalesce(n.oid, g.oid) AND o.run = coalesce(n.run, g.run)
WHERE g.finding IS NULL OR n.finding IS NULL OR g.count <> n.count OR g.distinct_values <> n.distinct_values
   OR g.severity <> n.severity;

CREATE OR REPLACE VIEW v_allowed AS
SELECT o.key AS object, o.source AS source, a.rule AS rule, a.entry AS entry, a.count AS count, a.run AS run
FROM allowed a
JOIN objects o ON o.oid = a.oid AND o.run = a.run
WHERE o.superseded IS NULL;

CREATE OR REPLACE VIEW v_coverage AS
SELECT source, outcome, reason, count(*) AS objects, sum(size)::BIGINT AS bytes,
       sum(bytes_examined)::BIGINT AS bytes_examined
FROM (SELECT source, outcome, split_part(reason, ':', 1) AS reason, size, bytes_examined FROM objects
      WHERE superseded IS NULL)
GROUP BY ALL;

CREATE OR REPLACE VIEW v_unread AS
SELECT o.key AS object, o.source AS source, u.seq AS part, split_part(u.reason, ':', 1) AS code, u.reason AS reason,
       u.run AS run
FROM unread u
JOIN objects o ON o.oid = u.oid AND o.run = u.run
WHERE o.superseded IS NULL;

CREATE OR REPLACE VIEW v_strata AS
SELECT run, source, prefix, stratum, folder, family, size_class, age_class, population, bytes, sampled, sampled_bytes,
       read, weight
FROM strata;

CREATE OR REPLACE VIEW v_bucket_coverage AS
SELECT c.source, c.prefix, c.run, n.started, c.objects, c.objects_read, c.bytes, c.bytes_read,
       coalesce(c.objects_read / nullif(c.objects, 0), 1.0) AS objects_share,
       coalesce(c.bytes_read / nullif(c.bytes, 0), 1.0) AS bytes_share
FROM bucket_coverage c
JOIN runs n ON n.run = c.run;

CREATE OR REPLACE VIEW v_jobs AS
SELECT j.name AS job, v.schedule, v.zone AS time_zone, v.targets, v.settings, v.options, j.version, j.paused, j.next_fire,
       j.created, v.made AS changed
FROM jobs j
JOIN job_versions v ON v.name = j.name AND v.version = j.version;

CREATE OR REPLACE VIEW v_job_runs AS
SELECT fire, name AS job, version, cause, scheduled, made_up, began, ended, attempts, outcome, reason, exit_code, run
FROM job_runs;

CREATE OR REPLACE VIEW v_alerts AS
SELECT id, alert, sink, severity, run, rows, state, attempts, error, created, next_try, sent FROM outbox;
