"""Scans that begin when something changed: events of buckets out of a queue, and trees that are looked at again."""
