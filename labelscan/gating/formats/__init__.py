"""Formats of a verdict, each in one file."""
