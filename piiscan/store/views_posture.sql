-- Buckets' posture: the newest verdicts, the scores of all runs, what changed, who may reach what.

CREATE OR REPLACE VIEW v_posture AS
SELECT r.source, b.bucket, b.account, b.region, r.check_id, c.title,
       ['low', 'medium', 'high', 'critical'][r.severity] AS severity, c.macie, r.verdict, r.evidence,
       from_json(r.missing, '["VARCHAR"]') AS missing, r.change, r.since, c.fix, c.reference, r.run, r.data
FROM posture_results r
JOIN posture_buckets b ON b.source = r.source AND b.last_run = r.run AND b.gone IS NULL
JOIN posture_checks c ON c.check_id = r.check_id;

CREATE OR REPLACE VIEW v_posture_changes AS
SELECT r.source, b.bucket, b.account, r.check_id, c.title, ['low', 'medium', 'high', 'critical'][r.severity] AS severity,
       r.change, r.evidence, r.run, n.started
FROM posture_results r
JOIN posture_buckets b ON b.source = r.source
JOIN posture_checks c ON c.check_id = r.check_id
JOIN posture_runs n ON n.run = r.run
WHERE r.change IN ('new', 'worse', 'better', 'fixed');

CREATE OR REPLACE VIEW v_posture_scores AS
SELECT s.account, b.bucket, s.source, s.run, n.started, s.score, s.failed, s.unknown
FROM posture_scores s
JOIN posture_runs n ON n.run = s.run
LEFT JOIN posture_buckets b ON b.source = s.source;

CREATE OR REPLACE VIEW v_exposure AS
SELECT b.source, b.bucket, b.account, b.region, b.public, b.shared, from_json(b.shared_with, '["VARCHAR"]') AS shared_with,
       b.replicated, b.encrypted, (SELECT max(e.exposure) FROM exposures e WHERE e.source = b.source) AS exposure,
       from_json(b.reasons, '["VARCHAR"]') AS reasons, n.started AS checked
FROM posture_buckets b
JOIN posture_runs n ON n.run = b.last_run
WHERE b.gone IS NULL;
