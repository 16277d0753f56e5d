"""Processes and threads: how they end, who still runs, what they may use, what runs ahead."""
