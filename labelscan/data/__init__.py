"""Data: what the user has, read into one form."""
