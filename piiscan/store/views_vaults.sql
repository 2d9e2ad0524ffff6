-- Parameters and secrets, joined with what was found.

CREATE OR REPLACE VIEW v_parameters AS
SELECT e.name AS parameter, e.source, e.kind, e.tier, e.modified, e.expires, e.warns_unchanged, e.key AS kms_key,
       coalesce(c.credentials, 0) AS credentials, coalesce(c.findings, 0) AS findings, c.severity,
       CASE WHEN e.kind <> 'SecureString' AND c.credentials > 0
            THEN 'a ' || e.kind || ' that holds a secret: put it again as a SecureString (aws ssm put-parameter --name ' || e.name
                 || ' --type SecureString --overwrite), and change the secret, which anybody with ssm:GetParameter could read'
       END AS advice,
       e.gone
FROM vault_entries e
LEFT JOIN (
    SELECT source, object, count(*) FILTER (category = 'credentials') AS credentials, count(*) AS findings,
           ['low', 'medium', 'high', 'critical'][max(list_position(['low', 'medium', 'high', 'critical'], severity))] AS severity
    FROM v_findings WHERE counted AND starts_with(source, 'ssm://') GROUP BY source, object
) c ON c.source = e.source AND c.object = e.name
WHERE starts_with(e.source, 'ssm://');

-- Where live secrets lie: a row for each object that holds one.
CREATE OR REPLACE VIEW v_live_secrets AS
SELECT e.name AS secret, e.source AS vault, e.arn, v.source, v.object, v.count, v.finding, v.state, v.counted,
       x.exposure, coalesce(e.rotated, e.modified) AS since,
       date_diff('day', coalesce(e.rotated, e.modified), now() AT TIME ZONE 'UTC') AS age_days, e.rotation
FROM v_findings v
JOIN vault_entries e ON e.rule = v.rule
LEFT JOIN (SELECT source, max(exposure) AS exposure FROM exposures GROUP BY source) x ON x.source = v.source
WHERE e.gone IS NULL AND NOT (v.source = e.source AND v.object = e.name);

CREATE OR REPLACE VIEW v_secrets AS
WITH places AS (
    SELECT vault, secret, count(*) AS objects, count(*) FILTER (exposure >= 1) AS public_objects
    FROM v_live_secrets WHERE counted GROUP BY vault, secret
)
SELECT e.name AS secret, e.source AS vault, e.kind, e.arn, e.rotation, e.rotated, e.modified AS changed, e.used, e.expires,
       e.key AS kms_key, date_diff('day', coalesce(e.rotated, e.modified), now() AT TIME ZONE 'UTC') AS age_days,
       e.rule IS NOT NULL AND e.why_not = '' AS looked_for, e.why_not, coalesce(p.objects, 0) AS objects,
       coalesce(p.public_objects, 0) AS public_objects,
       CASE WHEN p.objects > 0 THEN printf('this live secret, %s %d day%s ago, lies in %d object%s%s',
                 CASE WHEN e.rotated IS NULL THEN 'never rotated, changed' ELSE 'rotated' END,
                 date_diff('day', coalesce(e.rotated, e.modified), now() AT TIME ZONE 'UTC'),
                 CASE WHEN date_diff('day', coalesce(e.rotated, e.modified), now() AT TIME ZONE 'UTC') = 1 THEN '' ELSE 's' END,
                 p.objects, CASE WHEN p.objects = 1 THEN '' ELSE 's' END,
                 CASE p.public_objects WHEN 0 THEN '' ELSE printf(', %d of them public', p.public_objects) END) END AS told,
       list_filter([
           CASE WHEN e.kind = 'Secret' AND NOT e.rotation THEN 'rotation is off' END,
           CASE WHEN e.kind = 'Secret' AND e.rotation AND e.rotated IS NULL THEN 'rotation is on and never happened' END,
           CASE WHEN e.kind = 'Secret' AND e.used IS NULL THEN 'never used, or not since it is recorded' END,
           CASE WHEN e.used < (now() AT TIME ZONE 'UTC') - INTERVAL 90 DAY THEN 'not used for 90 days' END,
           CASE WHEN date_diff('day', coalesce(e.rotated, e.modified), now() AT TIME ZONE 'UTC') > 90
                THEN 'not changed for 90 days' END,
           CASE WHEN p.objects > 0 THEN 'its value lies elsewhere: rotate it' END
       ], lambda x: x IS NOT NULL) AS advice,
       e.gone
FROM vault_entries e LEFT JOIN places p ON p.vault = e.source AND p.secret = e.name
WHERE e.kind IN ('Secret', 'SecureString');
