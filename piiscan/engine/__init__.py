"""How shards run."""
