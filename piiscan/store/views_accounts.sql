-- Accounts: what is known of each, over all of its sources.

CREATE OR REPLACE VIEW v_accounts AS
WITH owned AS (
    SELECT source, account FROM source_accounts
    UNION
    SELECT source, account FROM posture_buckets
    WHERE gone IS NULL AND account <> '' AND source NOT IN (SELECT source FROM source_accounts)
),
all_accounts AS (
    SELECT account, name, role, refused, run FROM accounts
    UNION ALL
    SELECT DISTINCT account, '', '', '', NULL FROM owned WHERE account NOT IN (SELECT account FROM accounts)
),
held AS (
    SELECT w.account, count(*) AS objects, count(*) FILTER (o.outcome = 'scanned') AS objects_read,
           count(*) FILTER (o.outcome IN ('failed', 'skipped', 'partial')) AS objects_not_read_whole,
           sum(o.size)::BIGINT AS bytes, max(o.risk) AS risk, count(*) FILTER (o.sensitivity > 0) AS objects_sensitive
    FROM objects o JOIN owned w ON w.source = o.source WHERE o.superseded IS NULL GROUP BY w.account
),
found AS (
    SELECT w.account, count(*) AS findings, count(*) FILTER (v.severity = 'critical') AS critical,
           count(*) FILTER (v.severity = 'high') AS high
    FROM v_findings v JOIN owned w ON w.source = v.source WHERE v.counted GROUP BY w.account
),
open_ AS (
    SELECT w.account, max(e.exposure) AS exposure, count(DISTINCT e.source) FILTER (e.exposure >= 1) AS public
    FROM exposures e JOIN owned w ON w.source = e.source GROUP BY w.account
),
posture AS (SELECT account, arg_max(score, run) AS score FROM posture_scores WHERE source IS NULL GROUP BY account)
SELECT a.account, a.name, a.role, a.refused, (SELECT count(*) FROM owned w WHERE w.account = a.account) AS sources,
       coalesce(h.objects, 0) AS objects, coalesce(h.objects_read, 0) AS objects_read,
       coalesce(h.objects_not_read_whole, 0) AS objects_not_read_whole, coalesce(h.bytes, 0)::BIGINT AS bytes,
       coalesce(h.objects_sensitive, 0) AS objects_sensitive, coalesce(f.findings, 0) AS findings,
       coalesce(f.critical, 0) AS critical, coalesce(f.high, 0) AS high, coalesce(h.risk, 0)::SMALLINT AS risk,
       p.exposure, coalesce(p.public, 0) AS public_sources, s.score AS posture_score, a.run
FROM all_accounts a
LEFT JOIN held h ON h.account = a.account
LEFT JOIN found f ON f.account = a.account
LEFT JOIN open_ p ON p.account = a.account
LEFT JOIN posture s ON s.account = a.account;
