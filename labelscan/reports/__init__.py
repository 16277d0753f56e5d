"""Formats that have yet to move to their stages."""
