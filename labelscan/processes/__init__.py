"""Processes and threads: how they end, what they may use, what is prefetched."""
