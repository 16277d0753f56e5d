"""labelscan finds wrong labels in a data set.

It trains a model fold by fold with a robust loss, predicts each example by a model that never saw it, and hands
these out-of-fold probabilities to confident learning. What the command line does is a function here;
torch, pandas and cleanlab are imported when the first of them is used.
"""

from importlib import import_module
from typing import TYPE_CHECKING

__version__ = "0.1.0"

if TYPE_CHECKING:
    from labelscan.api import apply, benchmark, detect, diff, gate, plan, report, score, settings, update_baseline
    from labelscan.benchmarking.run_benchmark import Benchmark
    from labelscan.comparison.compare import Comparison
    from labelscan.config import Config
    from labelscan.correction.apply import Applied
    from labelscan.correction.decisions import Decision
    from labelscan.detection.evidence import Evidence
    from labelscan.errors import (
        ConfigError,
        DatasetError,
        DecisionsError,
        GateError,
        Interrupted,
        LabelscanError,
        ProbabilitiesError,
        RunError,
        RunFolderError,
        UsageError,
    )
    from labelscan.gating.verdict import GateVerdict
    from labelscan.pipeline.planning import Plan
    from labelscan.results.finished_run import Run
    from labelscan.results.issues import Issues
    from labelscan.results.summary import Summary

_HOMES = {
    **dict.fromkeys(
        ("apply", "benchmark", "detect", "diff", "gate", "plan", "report", "score", "settings", "update_baseline"),
        "labelscan.api",
    ),
    "Applied": "labelscan.correction.apply",
    "Benchmark": "labelscan.benchmarking.run_benchmark",
    "Comparison": "labelscan.comparison.compare",
    "Config": "labelscan.config",
    "Decision": "labelscan.correction.decisions",
    **dict.fromkeys(
        (
            *("ConfigError", "DatasetError", "DecisionsError", "GateError", "Interrupted", "LabelscanError"),
            *("ProbabilitiesError", "RunError", "RunFolderError", "UsageError"),
        ),
        "labelscan.errors",
    ),
    "Evidence": "labelscan.detection.evidence",
    "GateVerdict": "labelscan.gating.verdict",
    "Issues": "labelscan.results.issues",
    "Plan": "labelscan.pipeline.planning",
    "Run": "labelscan.results.write_results",
    "Summary": "labelscan.results.summary",
}

__all__ = [
    "Applied",
    "Benchmark",
    "Comparison",
    "Config",
    "ConfigError",
    "DatasetError",
    "Decision",
    "DecisionsError",
    "Evidence",
    "GateError",
    "GateVerdict",
    "Interrupted",
    "Issues",
    "LabelscanError",
    "Plan",
    "ProbabilitiesError",
    "Run",
    "RunError",
    "RunFolderError",
    "Summary",
    "UsageError",
    "__version__",
    "apply",
    "benchmark",
    "detect",
    "diff",
    "gate",
    "plan",
    "report",
    "score",
    "settings",
    "update_baseline",
]


def __getattr__(name: str) -> object:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'labelscan' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
