"""Reporting: a finished run as a page to review it on, and in other formats."""
