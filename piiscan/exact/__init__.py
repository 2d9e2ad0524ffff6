"""Exact data match: values of a table of one's own, found anywhere, by a file that tells none of them."""
