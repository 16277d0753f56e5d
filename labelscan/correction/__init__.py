"""Correction: a reviewer's decisions, and the copy of the labels that they lead to. The data itself is only read."""
