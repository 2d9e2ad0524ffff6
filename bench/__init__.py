"""Benchmarks: they print ratios against a floor or a peer in one run, and are never tests with a time limit."""
