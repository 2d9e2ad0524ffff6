-- How a bucket is set up, and what lies in it: what is bad by itself is worse together.

CREATE OR REPLACE VIEW combinations_of_both AS
SELECT * FROM (VALUES
    ('public_cards',           'public',      'cards',       'critical', 'Public, and holds card numbers'),
    ('public_credentials',     'public',      'credentials', 'critical', 'Public, and holds credentials'),
    ('public_live_secret',     'public',      'live',        'critical', 'Public, and holds a secret that works now'),
    ('public_health',          'public',      'health',      'critical', 'Public, and holds health data'),
    ('public_special',         'public',      'special',     'critical', 'Public, and holds special categories of personal data'),
    ('public_people',          'public',      'people',      'critical', 'Public, and holds personal data'),
    ('writable_data',          'writable',    'any',         'high',     'Everybody may write where sensitive data lies'),
    ('networks_data',          'networks',    'any',         'high',     'Open to whoever comes from certain networks, and holds sensitive data'),
    ('shared_credentials',     'shared',      'credentials', 'high',     'Shared outside, and holds credentials'),
    ('shared_live_secret',     'shared',      'live',        'critical', 'Shared outside, and holds a secret that works now'),
    ('shared_cards',           'shared',      'cards',       'high',     'Shared outside, and holds card numbers'),
    ('shared_health',          'shared',      'health',      'high',     'Shared outside, and holds health data'),
    ('shared_special',         'shared',      'special',     'high',     'Shared outside, and holds special categories of personal data'),
    ('shared_people',          'shared',      'people',      'medium',   'Shared outside, and holds personal data'),
    ('replicated_credentials', 'replicated',  'credentials', 'high',     'Replicated to another account, and holds credentials'),
    ('replicated_live_secret', 'replicated',  'live',        'critical', 'Replicated to another account, and holds a secret that works now'),
    ('replicated_cards',       'replicated',  'cards',       'high',     'Replicated to another account, and holds card numbers'),
    ('replicated_health',      'replicated',  'health',      'high',     'Replicated to another account, and holds health data'),
    ('replicated_people',      'replicated',  'people',      'medium',   'Replicated to another account, and holds personal data'),
    ('unencrypted_cards',      'unencrypted', 'cards',       'high',     'Unencrypted, and holds card numbers'),
    ('unencrypted_health',     'unencrypted', 'health',      'high',     'Unencrypted, and holds health data'),
    ('unencrypted_people',     'unencrypted', 'people',      'medium',   'Unencrypted, and holds personal data'),
    ('open_key_data',          'open_key',    'any',         'high',     'The key is open to others, and it holds sensitive data'),
    ('plain_http_cards',       'plain_http',  'cards',       'medium',   'Reached without TLS, and holds card numbers'),
    ('plain_http_health',      'plain_http',  'health',      'medium',   'Reached without TLS, and holds health data'),
    ('unlogged_data',          'unlogged',    'any',         'medium',   'Nobody would see who reads it, and it holds sensitive data')
) AS t (combination, side, kind, severity, title);

-- Buckets by how they are set up, with the check that says so.
CREATE OR REPLACE VIEW sides_of_buckets AS
SELECT v.source, v.bucket, v.account, m.side, v.check_id, v.evidence, v.fix, v.since
FROM v_posture v
JOIN (VALUES ('bucket_public', 'public'), ('public_write', 'writable'), ('shared_with_networks', 'networks'),
             ('bucket_shared_externally', 'shared'), ('bucket_replicated_externally', 'replicated'),
             ('encryption_none', 'unencrypted'), ('kms_key_policy_open', 'open_key'), ('tls_not_required', 'plain_http'),
             ('access_logging_off', 'unlogged')) AS m (check_id, side) ON m.check_id = v.check_id
WHERE v.verdict = 'fail';

-- What lies in a bucket, by kind; what is suppressed, accepted or a published sample does not count.
CREATE OR REPLACE VIEW kinds_in_buckets AS
WITH held AS (
    SELECT f.source, f.object, f.distinct_values, f.first_seen, f.severity, unnest(list_filter([
               CASE WHEN list_contains(f.regulations, 'pci') THEN 'cards' END,
               CASE WHEN starts_with(f.rule, 'live.') THEN 'live' WHEN f.category = 'credentials' THEN 'credentials' END,
               CASE WHEN f.category = 'phi' THEN 'health' END,
               CASE WHEN list_contains(f.regulations, 'gdpr-art9') THEN 'special' END,
               CASE WHEN f.category = 'pii' AND f.severity <> 'low' THEN 'people' END,
               CASE WHEN f.severity IN ('high', 'critical') THEN 'any' END
           ], lambda x: x IS NOT NULL)) AS kind
    FROM v_findings f WHERE f.counted AND starts_with(f.source, 's3://')
)
SELECT source, kind, count(DISTINCT object) AS objects, count(*) AS findings, sum(distinct_values)::BIGINT AS distinct_values,
       list_sort(list(DISTINCT object))[:3] AS examples, min(first_seen) AS since
FROM held GROUP BY source, kind;

CREATE OR REPLACE VIEW v_joined AS
SELECT md5(c.combination || chr(10) || s.source) AS joined, c.combination, c.title, c.severity, s.source, s.bucket, s.account,
       s.check_id, s.evidence AS posture,
       printf('%d object%s with %d distinct value%s of %s, such as %s', k.objects, CASE WHEN k.objects = 1 THEN '' ELSE 's' END,
              k.distinct_values, CASE WHEN k.distinct_values = 1 THEN '' ELSE 's' END,
              CASE c.kind WHEN 'cards' THEN 'cards or what belongs to them' WHEN 'credentials' THEN 'credentials'
                   WHEN 'live' THEN 'secrets that work now' WHEN 'health' THEN 'health data'
                   WHEN 'special' THEN 'special categories' WHEN 'people' THEN 'personal data' ELSE 'sensitive data' END,
              array_to_string(k.examples, ', ')) AS data,
       k.objects, k.findings, k.distinct_values, k.examples, greatest(k.since, s.since) AS since, s.fix
FROM sides_of_buckets s
JOIN combinations_of_both c ON c.side = s.side
JOIN kinds_in_buckets k ON k.source = s.source AND k.kind = c.kind;
