"""The table of places that tells addresses from chance."""
