"""Room 5, what is in it: the classifier stack."""
