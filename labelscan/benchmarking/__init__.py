"""Benchmarking: many runs on labels with known errors, compared in one scoreboard."""
