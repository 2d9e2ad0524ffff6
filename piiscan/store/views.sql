-- The public surface: views may gain columns, never lose or rename one. Made anew at every opening for writing.

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
       'open'                 AS state,
       f.first_seen           AS first_seen,
       greatest(n.started, coalesce(b.last_listed, n.started)) AS last_seen,
       f.run                  AS run
FROM findings f
JOIN objects o ON o.oid = f.oid AND o.run = f.run
JOIN runs n ON n.run = f.run
LEFT JOIN rules r ON r.rule = f.rule
LEFT JOIN buckets b ON b.source = o.source
WHERE f.superseded IS NULL;

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

CREATE OR REPLACE VIEW v_objects AS
SELECT key AS object, source, media_type, size, modified, outcome, reason, risk, run, bytes_examined,
       CASE WHEN run NOT IN (SELECT run FROM runs WHERE contains(settings, '"ner": false'))
            THEN names_examined END AS names_examined,   -- NULL: names were not looked for
       reasons
FROM objects
WHERE superseded IS NULL;

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
