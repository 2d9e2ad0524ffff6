"""Training of the model that finds names, apart from the package: `python -m training.ner DATA ...`."""
