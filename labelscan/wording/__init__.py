"""Wording: numbers, names and tables as people read them, on screens, in Markdown and in files."""
