"""The checks, one file each; a file is found by being here, and its `CHECK` has the file's name as its id."""
