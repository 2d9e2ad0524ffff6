"""Reading a part: the strata of a source, what is drawn of them, what the drawn say of all, and what reading costs."""
