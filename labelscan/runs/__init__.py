"""Runs: the folder of a run, its record and states, who may change it, and what of it is in a bucket."""
