"""Training: one model, learned from the rows that it is given."""
