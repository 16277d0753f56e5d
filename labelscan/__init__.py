"""labelscan finds wrong labels in a data set.

It trains a model fold by fold with a robust loss, predicts each example by a model that never saw it, and has detectors
judge the labels by these out-of-fold probabilities. Every command of the command line is a function here, imported with
torch, pandas and cleanlab on first use.
"""

from importlib import import_module
from typing import TYPE_CHECKING

__version__ = "0.1.0"

if TYPE_CHECKING:
    from labelscan.api import benchmark, diff, gate, report, settings, update_baseline
    from labelscan.benchmarking.run_benchmark import Benchmark
    from labelscan.comparison.compare import Comparison
    from labelscan.config import Config
    from labelscan.correction.apply import Applied, apply
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
    from labelscan.pipeline.detect import detect
    from labelscan.pipeline.planning import Plan, plan
    from labelscan.results.finished_run import Run
    from labelscan.results.issues import Issues
    from labelscan.results.scoring import score
    from labelscan.results.summary import Summary

_HOMES = {
    "labelscan.api": ("benchmark", "diff", "gate", "report", "settings", "update_baseline"),
    "labelscan.benchmarking.run_benchmark": ("Benchmark",),
    "labelscan.comparison.compare": ("Comparison",),
    "labelscan.config": ("Config",),
    "labelscan.correction.apply": ("Applied", "apply"),
    "labelscan.correction.decisions": ("Decision",),
    "labelscan.detection.evidence": ("Evidence",),
    "labelscan.errors": (
        *("ConfigError", "DatasetError", "DecisionsError", "GateError", "Interrupted", "LabelscanError"),
        *("ProbabilitiesError", "RunError", "RunFolderError", "UsageError"),
    ),
    "labelscan.gating.verdict": ("GateVerdict",),
    "labelscan.pipeline.detect": ("detect",),
    "labelscan.pipeline.planning": ("Plan", "plan"),
    "labelscan.results.finished_run": ("Run",),
    "labelscan.results.issues": ("Issues",),
    "labelscan.results.scoring": ("score",),
    "labelscan.results.summary": ("Summary",),
}
"""Public names by their modules; importing them here would load torch for ``labelscan --help``."""

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
    for module, names in _HOMES.items():
        if name in names:
            return getattr(import_module(module), name)
    raise AttributeError(f"module 'labelscan' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
