"""Comparison: what two finished runs flag, side by side."""
