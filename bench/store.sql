-- A large store out of numbers, for bench/store.py: {objects}, {values} and {sources} say how large.

INSERT INTO buckets SELECT 's3://bucket-' || i, 's3', NULL, 'eu-west-1', now()::TIMESTAMP, now()::TIMESTAMP FROM range({sources}) t(i);
INSERT INTO objects SELECT i, 1 + (i % 20 = 0)::INTEGER, 's3://bucket-' || (i * {sources} // {objects}),
    'data/' || (i % 50) || '/' || (i % 1000) || '/object-' || i || '.csv', 'text/csv', 1000 + i % 100000, md5(i::VARCHAR),
    now()::TIMESTAMP, '', 'c', CASE WHEN i % 97 = 0 THEN 'partial' ELSE 'scanned' END,
    CASE WHEN i % 97 = 0 THEN 'MALFORMED_FILE: lines are no JSON' ELSE '' END, 1000 + i % 100000, 100, 0, '[]', NULL, false, 0,
    i % 900 FROM range({objects}) t(i);
INSERT INTO findings SELECT unhex(md5(i || '|' || r)), i, 1 + (i % 20 = 0)::INTEGER, rule, category, severity,
    0.5 + (i % 50) / 100.0, 5, 4, true, false, now()::TIMESTAMP - to_days((i % 400)::INTEGER), NULL
    FROM range({objects}) t(i) JOIN made_rules ON r = (i * 7) % 10 OR r = (i * 7 + 3) % 10 ORDER BY i;
INSERT INTO findings SELECT finding, oid, 1, rule, category, severity, confidence, 3, 3, true, false, first_seen, 2
    FROM findings WHERE run = 2 AND oid % 40 = 0 ORDER BY oid;
INSERT INTO occurrences SELECT finding, oid, run, rule, n, 40 * n, 11, '{{"line": ' || (n + 1) || ', "column": 5}}',
    '***-**-' || (oid % 10000), confidence, unhex(md5((oid * 4 + n % 4) % {values} || rule))
    FROM findings, range(5) t(n) WHERE superseded IS NULL ORDER BY oid;
INSERT INTO value_index SELECT unhex(md5((oid * 4 + n) % {values} || rule)), oid, run, rule, 1,
    ('0x' || left(md5((oid * 4 + n) % {values} || rule), 16))::UBIGINT
    FROM findings, range(4) t(n) WHERE superseded IS NULL ORDER BY oid;
INSERT INTO table_columns SELECT oid, run, '[]', '', 'column_' || (oid % 300), rule, 6, 5 FROM findings
    WHERE superseded IS NULL AND oid % 3 = 0 ORDER BY oid;
INSERT INTO combinations SELECT i, 1 + (i % 20 = 0)::INTEGER, 'identity', 3, true FROM range(0, {objects}, 11) t(i);
INSERT INTO unread SELECT i, 1 + (i % 20 = 0)::INTEGER, 0, 'MALFORMED_FILE: x' FROM range(0, {objects}, 97) t(i);
