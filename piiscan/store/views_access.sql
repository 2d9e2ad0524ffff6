-- Who reads what, out of the logs of S3: see docs/access.md. `s3://bucket` is the source, as of objects.

-- Inner views: sums in whatever state the rows are, own and other accounts, what is sensitive.
CREATE OR REPLACE VIEW access_sums AS
SELECT oid, actor, action, min(first_seen) AS first_seen, max(last_seen) AS last_seen, sum(requests)::BIGINT AS requests,
       sum(bytes)::BIGINT AS bytes
FROM access_requests GROUP BY oid, actor, action;

CREATE OR REPLACE VIEW access_people AS
SELECT p.pid, p.principal, p.kind, p.account, p.kind = 'anonymous' AS anonymous,
       p.account <> '' AND p.kind <> 'service' AND p.account NOT IN (SELECT account FROM access_accounts)
       -- Access logs name owners by canonical id only: of accounts by number nothing is said before one of ours is known.
       AND (length(p.account) <> 12 OR EXISTS (FROM access_accounts WHERE length(account) = 12)) AS outside
FROM access_principals p;

CREATE OR REPLACE VIEW access_sensitive AS
SELECT o.oid, o.source, o.key, o.size, o.risk, o.people, coalesce(o.sensitivity, o.risk) AS sensitivity
FROM objects o
WHERE o.superseded IS NULL AND coalesce(o.sensitivity, o.risk) >= (SELECT max(weight) FROM risk_weights WHERE term = 'bucket.sensitive_from');

CREATE OR REPLACE VIEW access_known AS
SELECT bucket, min(day) AS since, max(day) AS until FROM access_days GROUP BY bucket;

-- Content of sensitive objects that went to somebody, by object and principal.
CREATE OR REPLACE VIEW access_reads AS
SELECT r.oid, a.pid, min(r.first_seen) AS first_seen, max(r.last_seen) AS last_seen, sum(r.requests)::BIGINT AS requests,
       sum(r.bytes)::BIGINT AS bytes
FROM access_requests r
SEMI JOIN access_sensitive s ON s.oid = r.oid
JOIN access_actors a ON a.actor = r.actor
JOIN access_actions n ON n.action = r.action
WHERE n.verb IN ('read', 'copy') AND n.outcome = 'ok'
GROUP BY r.oid, a.pid;

CREATE OR REPLACE VIEW v_access AS
SELECT substr(b.source, 6) AS bucket, o.key AS object, p.principal, a.ip, a.country, n.name AS action,
       r.first_seen, r.last_seen, r.requests, r.bytes, b.source, p.kind, p.account, n.verb, n.outcome, n.error,
       n.outcome <> 'ok' AS failed, p.anonymous, p.outside
FROM access_sums r
JOIN access_objects o ON o.oid = r.oid
JOIN access_buckets b ON b.bucket = o.bucket
JOIN access_actors a ON a.actor = r.actor
JOIN access_people p ON p.pid = a.pid
JOIN access_actions n ON n.action = r.action;

CREATE OR REPLACE VIEW v_access_days AS
SELECT d.day, b.source, p.principal, p.kind, p.account, sum(d.requests)::BIGINT AS requests, sum(d.reads)::BIGINT AS reads,
       sum(d.bytes)::BIGINT AS bytes, max(d.objects) AS objects, sum(d.denied)::BIGINT AS denied,
       sum(d.deletes)::BIGINT AS deletes, sum(d.copies)::BIGINT AS copies
FROM access_days d
JOIN access_buckets b ON b.bucket = d.bucket
JOIN access_people p ON p.pid = d.pid
GROUP BY d.day, b.source, p.principal, p.kind, p.account;

CREATE OR REPLACE VIEW v_access_logs AS
SELECT path, kind, size, records, left_out, broken, note, loaded FROM access_files;

CREATE OR REPLACE VIEW v_access_buckets AS
SELECT b.source, nullif(b.owner, '') AS owner, k.since AS logs_since, k.until AS logs_until, x.requests, x.reads, x.readers,
       x.denied, x.anonymous_reads
FROM access_buckets b
JOIN access_known k ON k.bucket = b.bucket
JOIN (SELECT d.bucket, sum(d.requests)::BIGINT AS requests, sum(d.reads)::BIGINT AS reads,
             count(DISTINCT d.pid) FILTER (d.reads > 0) AS readers, sum(d.denied)::BIGINT AS denied,
             coalesce(sum(d.reads) FILTER (p.kind = 'anonymous'), 0)::BIGINT AS anonymous_reads
      FROM access_days d JOIN access_principals p ON p.pid = d.pid GROUP BY d.bucket) x ON x.bucket = b.bucket;

CREATE OR REPLACE VIEW v_sensitive_access AS
SELECT s.source, s.key AS object, s.sensitivity, s.risk, p.principal, p.kind, p.account, p.anonymous, p.outside,
       r.first_seen, r.last_seen, r.requests, r.bytes
FROM access_reads r
JOIN access_sensitive s ON s.oid = r.oid
JOIN access_people p ON p.pid = r.pid;

-- Who read a sensitive object for the first time when the logs of its bucket had been known for two weeks.
CREATE OR REPLACE VIEW v_first_readers AS
SELECT s.source, s.key AS object, s.sensitivity, p.principal, p.kind, p.account, p.outside, r.first_seen, r.requests,
       r.earlier AS earlier_readers, k.since AS logs_since
FROM (SELECT *, row_number() OVER (PARTITION BY oid ORDER BY first_seen, pid) - 1 AS earlier FROM access_reads) r
JOIN access_sensitive s ON s.oid = r.oid
JOIN access_objects o ON o.oid = r.oid
JOIN access_known k ON k.bucket = o.bucket
JOIN access_people p ON p.pid = r.pid
WHERE r.first_seen >= k.since + INTERVAL 14 DAY;

CREATE OR REPLACE VIEW v_outside_readers AS
SELECT b.source, p.account, p.principal, p.kind, min(r.first_seen) AS first_seen, max(r.last_seen) AS last_seen,
       count(DISTINCT r.oid) AS objects, count(DISTINCT s.oid) AS sensitive_objects, sum(r.requests)::BIGINT AS requests,
       sum(r.bytes)::BIGINT AS bytes
FROM access_requests r
JOIN access_actors a ON a.actor = r.actor
JOIN access_people p ON p.pid = a.pid AND p.outside
JOIN access_actions n ON n.action = r.action AND n.verb IN ('read', 'copy') AND n.outcome = 'ok'
JOIN access_objects o ON o.oid = r.oid
JOIN access_buckets b ON b.bucket = o.bucket
LEFT JOIN access_sensitive s ON s.oid = r.oid
GROUP BY b.source, p.account, p.principal, p.kind;

-- Sensitive objects of buckets whose logs are known, and for how many days of the logs nobody read each.
CREATE OR REPLACE VIEW v_stale_sensitive AS
SELECT s.source, s.key AS object, s.sensitivity, s.risk, s.size, r.last_read, date_diff('day', coalesce(r.last_read::DATE, k.since), k.until) AS days,
       r.last_read IS NULL AS never_read, k.since AS logs_since, k.until AS logs_until
FROM access_sensitive s
JOIN access_buckets b ON b.source = s.source
JOIN access_known k ON k.bucket = b.bucket
LEFT JOIN (SELECT oid, max(last_seen) AS last_read FROM access_reads GROUP BY oid) r ON r.oid = s.oid;

CREATE OR REPLACE VIEW v_access_anomalies AS
SELECT x.anomaly, x.kind, from_json(x.also, '["VARCHAR"]') AS also, b.source, substr(b.source, 6) AS bucket, p.principal,
       p.kind AS principal_kind, p.account, o.key AS object, x.began, x.ended, x.score, x.explanation
FROM access_anomalies x
JOIN access_buckets b ON b.bucket = x.bucket
JOIN access_people p ON p.pid = x.pid
LEFT JOIN access_objects o ON o.oid = x.oid;
