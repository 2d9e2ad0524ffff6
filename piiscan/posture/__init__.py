"""Buckets as they are set up: what of them is open, to whom, and how well it is kept."""
