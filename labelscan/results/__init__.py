"""Results: what was found, as the tables and the summary that a run leaves."""
