"""Results: the run folder, and the tables and the summary that a run leaves in it."""
