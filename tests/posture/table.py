"""Bucket configurations and what the checks must say of each: a plain bucket, and what each does otherwise."""

from __future__ import annotations

from tests.posture import table_access, table_keeping

CASES = (*table_access.CASES, *table_keeping.CASES)
