"""A whole configuration of Amazon Macie, read and said in our terms: identifiers, allow lists, findings filters, jobs.

Nothing is written here and no service is asked: what is found goes to whoever calls, as plain values, and what cannot
be said is refused with its reason.
"""
