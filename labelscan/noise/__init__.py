"""Noise: label errors that are planted where the truth is known, and how many of them can be found."""
