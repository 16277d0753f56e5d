"""Data: what the user has, read into one form, with images decoded into a store."""
