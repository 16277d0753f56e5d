"""labelscan finds wrong labels in a data set.

It trains a model fold by fold with a robust loss, predicts each example by a model that never saw it, and has detectors
judge the labels by these out-of-fold probabilities. What commands do are functions here, imported with torch, pandas
and cleanlab on first use.
"""

import ast
import functools
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

__version__ = "0.1.0"

if TYPE_CHECKING:  # read by type checkers and editors, to which ``as`` is an export, and by ``_homes`` below
    from labelscan.api import benchmark as benchmark
    from labelscan.api import diff as diff
    from labelscan.api import gate as gate
    from labelscan.api import report as report
    from labelscan.api import settings as settings
    from labelscan.api import update_baseline as update_baseline
    from labelscan.benchmarking.run_benchmark import Benchmark as Benchmark
    from labelscan.comparison.compare import Comparison as Comparison
    from labelscan.config import Config as Config
    from labelscan.correction.apply import Applied as Applied
    from labelscan.correction.apply import apply as apply
    from labelscan.correction.decisions import Decision as Decision
    from labelscan.detection.evidence import Evidence as Evidence
    from labelscan.errors import ConfigError as ConfigError
    from labelscan.errors import DatasetError as DatasetError
    from labelscan.errors import DecisionsError as DecisionsError
    from labelscan.errors import GateError as GateError
    from labelscan.errors import Interrupted as Interrupted
    from labelscan.errors import LabelscanError as LabelscanError
    from labelscan.errors import ProbabilitiesError as ProbabilitiesError
    from labelscan.errors import RunError as RunError
    from labelscan.errors import RunFolderError as RunFolderError
    from labelscan.errors import UsageError as UsageError
    from labelscan.gating.verdict import GateVerdict as GateVerdict
    from labelscan.pipeline.detect import detect as detect
    from labelscan.pipeline.only import Ran as Ran
    from labelscan.pipeline.only import run_only as run_only
    from labelscan.pipeline.planning import Plan as Plan
    from labelscan.pipeline.planning import PlannedRun as PlannedRun
    from labelscan.pipeline.planning import plan as plan
    from labelscan.pipeline.score import score as score
    from labelscan.results.issues import Issues as Issues
    from labelscan.results.run import Run as Run
    from labelscan.results.summary import Summary as Summary
    from labelscan.runs.status import RunStatus as RunStatus
    from labelscan.runs.status import status_of as status_of


@functools.cache
def _homes() -> dict[str, str]:
    """Return the module of each public name: importing them all would load torch for ``labelscan --help``."""
    source = ast.parse(Path(__file__).read_text(encoding="utf-8"))
    (public,) = (one for one in source.body if isinstance(one, ast.If))
    imports = (one for one in public.body if isinstance(one, ast.ImportFrom))
    return {alias.name: str(one.module) for one in imports for alias in one.names}


def __getattr__(name: str) -> object:
    if name == "__all__":
        return __dir__()
    if name not in _homes():
        raise AttributeError(f"module 'labelscan' has no attribute {name!r}")
    return getattr(import_module(_homes()[name]), name)


def __dir__() -> list[str]:
    return sorted(["__version__", *_homes()])
