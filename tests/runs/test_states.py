"""Whatever happens to a run, its state is one of the table of ``RunFolder``, and so is every change of it."""

import re
import shutil
import tempfile
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from labelscan.errors import Interrupted, RunFolderError, UsageError
from labelscan.runs.folder import RunFolder
from labelscan.runs.opening import open_run
from labelscan.runs.record import Described, Identity
from labelscan.runs.status import status_of

DATA = Described(fingerprint="0123", kind="images", examples=10, classes=2)
IDENTITY = Identity(settings={}, results_depend_on={"command": "detect"}, data=DATA)
ROW = re.compile(r"^ {4}(\w+(?: \w+)?) {2,}\S.*? {2,}([a-z, ]+)$", re.MULTILINE)
TABLE = {state: following.split(", ") for state, following in ROW.findall(RunFolder.__doc__)[1:]}


class Killed(BaseException):
    """The process ends here: it lets go of the lock, and writes nothing more."""


def test_the_table_is_read():
    assert set(TABLE) == {"none", "not merged", "running", "finished", "interrupted", "failed", "killed"}
    assert {"running"} < {one for following in TABLE.values() for one in following} < set(TABLE)


class Runs(RuleBasedStateMachine):
    """One run folder, and everything that may happen to it."""

    def __init__(self):
        super().__init__()
        self.folder = Path(tempfile.mkdtemp()) / "run"
        self.state = "none"

    def teardown(self):
        shutil.rmtree(self.folder.parent)

    def now(self):
        try:
            return status_of(self.folder).state
        except RunFolderError:
            return "none"

    def train(self, fold):
        path = self.folder / f"fold-0-{fold}"
        path.mkdir(parents=True, exist_ok=True)
        (path / "log.jsonl").write_text("{}")

    @contextmanager
    def opened(self, **options):
        """Open the run, whose state before is that which a start over or its absence makes it."""
        with open_run(self.folder, IDENTITY, begin=with_jobs, **options) as run:
            assert self.now() == "running"
            yield run

    def moved(self, state, *, through="running"):
        assert through in TABLE[self.state] or self.state == through
        assert state in TABLE[through] or state == through
        self.state = state

    @rule()
    def only(self):
        self.train(0)
        if self.state == "none":
            self.moved("not merged", through="not merged")

    @rule()
    def finish(self):
        with self.opened() as run:
            self.train(1)
            run.has_trained = True
        self.moved("finished")

    @rule()
    def merge(self):
        """Judge what others have trained, or show a finished run again."""
        with self.opened():
            pass
        self.moved("finished")

    @rule()
    def start_over(self):
        with self.opened(fresh=True):
            pass
        self.moved("finished")

    @rule()
    def interrupt(self):
        with suppress(Interrupted), self.opened():
            raise Interrupted("interrupted", "a signal came")
        self.moved("interrupted")

    @rule()
    def fail(self):
        with suppress(ValueError), self.opened():
            raise ValueError("oh")
        self.moved("failed")

    @rule()
    def fail_after_training(self):
        with suppress(UsageError), self.opened() as run:
            run.has_trained = True
            raise UsageError("of-a-test", "too late to be refused")
        self.moved("failed")

    @rule()
    def be_refused(self):
        with suppress(UsageError), self.opened():
            raise UsageError("of-a-test", "no cluster answers")

    @rule()
    def kill(self):
        with suppress(Killed), self.opened() as run:
            run.stop = let_go
            raise Killed
        self.moved("killed")

    @rule()
    def resume(self):
        with suppress(RunFolderError), self.opened(resume=True):
            pass
        if self.state not in ("none", "not merged"):
            self.moved("finished")

    @invariant()
    def it_is_in_the_state_that_the_table_says(self):
        assert self.state in TABLE
        assert self.now() == self.state


def with_jobs(_, record):
    return replace(record, jobs=("fold-0-0", "fold-0-1"))


def let_go(_):
    """Write nothing."""


TestRuns = Runs.TestCase
TestRuns.settings = settings(max_examples=20, stateful_step_count=10, deadline=None)
