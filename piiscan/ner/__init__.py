"""Names in running text: a small window network of our own, read with numpy alone.

A text becomes words (`words.py`), a word becomes a vector once (`network.py`), and a few convolutions over neighbouring
words give each word a tag. The weights are one file that is mapped into memory (`weights.py`), trained by
`training/ner`.
"""
