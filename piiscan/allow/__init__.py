"""Allow lists: values that people said are none of their concern, and how often each entry was used.

A list is a TOML file of `[[allow]]` entries, or plain text with one value a line. It is applied between classify and
redact, so that an allowed value is neither counted nor fingerprinted. A list that cannot be read ends the run before
anything is scanned.

Source: Amazon Macie User Guide, "Options and requirements for allow lists": whole values, in any case.
"""

from piiscan.allow.lists import load_allow
from piiscan.allow.sieve import NO_LISTS, AllowLists, Entry, Sieve

__all__ = ["NO_LISTS", "AllowLists", "Entry", "Sieve", "load_allow"]
