"""Estimates that are given with their uncertainty."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Range:
    """An estimate and the ends of the range in which the truth is expected."""

    estimate: float
    low: float
    high: float
