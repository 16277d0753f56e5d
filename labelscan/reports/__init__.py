"""Reports: the result of a run in the form that somebody wants to read it in.

Each file here writes one form; none of them computes anything that the others could not know.
"""
