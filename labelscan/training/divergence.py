"""A training that diverged, and what helps; known without loading torch."""

from labelscan.errors import RunError

IF_DIVERGED = "set a lower training.learning_rate, or device.precision=float32"
"""The hint where training diverged."""


class DivergenceError(RunError):
    """A training whose loss or predictions became NaN or infinite."""

    def __init__(self, problem: str) -> None:
        super().__init__("diverged", problem, where="training", hint=IF_DIVERGED)
        self.problem = problem
