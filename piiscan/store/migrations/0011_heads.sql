-- The first half of each fingerprint as a number: compared and grouped several times faster than bytes.

ALTER TABLE value_index ADD COLUMN head UBIGINT;
UPDATE value_index SET head = ('0x' || left(hex(fingerprint), 16))::UBIGINT WHERE octet_length(fingerprint) >= 8;
