"""The public names, each with its home: what type checkers read, and what ``labelscan`` imports on first use."""

from .api import benchmark as benchmark
from .api import diff as diff
from .api import gate as gate
from .api import report as report
from .api import settings as settings
from .api import update_baseline as update_baseline
from .benchmarking.run_benchmark import Benchmark as Benchmark
from .comparison.compare import Comparison as Comparison
from .config import Config as Config
from .correction.apply import Applied as Applied
from .correction.apply import apply as apply
from .correction.decisions import Decision as Decision
from .detection.evidence import Evidence as Evidence
from .errors import ConfigError as ConfigError
from .errors import DatasetError as DatasetError
from .errors import DecisionsError as DecisionsError
from .errors import GateError as GateError
from .errors import Interrupted as Interrupted
from .errors import LabelscanError as LabelscanError
from .errors import ProbabilitiesError as ProbabilitiesError
from .errors import RunError as RunError
from .errors import RunFolderError as RunFolderError
from .errors import UsageError as UsageError
from .gating.verdict import GateVerdict as GateVerdict
from .pipeline.detect import detect as detect
from .pipeline.only import Ran as Ran
from .pipeline.only import run_only as run_only
from .pipeline.planning import Plan as Plan
from .pipeline.planning import PlannedRun as PlannedRun
from .pipeline.planning import plan as plan
from .pipeline.score import score as score
from .results.issues import Issues as Issues
from .results.run import Run as Run
from .results.summary import Summary as Summary
from .runs.status import RunStatus as RunStatus
from .runs.status import status_of as status_of

__version__: str
