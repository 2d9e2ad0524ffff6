"""Foreign JavaScript, unchanged: made by `tools/vendor.py`, held to its hashes by `tools/vendor.toml`."""
