"""Gating: limits and a baseline turn a finished run into a verdict, in the formats that CI services read."""
