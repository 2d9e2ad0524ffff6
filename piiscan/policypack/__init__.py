"""Policy packs: what is looked for, where and how it is told, as one signed file for many machines and stores.

`pack` is the file, `signing` its signatures, `source` makes one of a folder, `parts` reads what is in it, `check` tries
it, `install` puts it on this machine, `apply` does all of it for stores as well, `drift` says what is other than it.
"""
