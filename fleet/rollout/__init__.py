"""A roll: what is to change where, in which order and batches, whether the new does as well, and the report."""
