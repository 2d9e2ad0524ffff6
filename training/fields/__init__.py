"""Training of the network that says what the values of a column look like (`piiscan/ner/values.py`)."""
