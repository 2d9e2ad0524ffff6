"""Room 8, where it stays: the DuckDB store."""
