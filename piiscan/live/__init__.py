"""Live secrets: values that vaults hold now, known here by keyed hashes alone, and found in what is scanned.

The hashes and their key live in the memory of one run and of its workers. They are written nowhere.
"""
