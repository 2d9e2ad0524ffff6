"""Rules of other programs made ours: Macie's custom data identifiers and gitleaks' rules, as the tables of a rule file.

A pattern is read into a small tree (`regex.py`), taken apart into guards, value and what leads to it (`parts.py`), and
written in the syntax that the gate in `pattern.py` lets pass. What cannot be said in a rule file is refused or told.
"""
