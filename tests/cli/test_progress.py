from dataclasses import replace

from labelscan.cli.console import Bars, stderr
from labelscan.cli.progress import LEAST_SECONDS, Progress
from labelscan.events import (
    CellDone,
    CellsPlanned,
    CellStarted,
    Chosen,
    EpochDone,
    FoldDone,
    Noted,
    StepAdvanced,
    StepDone,
    StepStarted,
    TrainingPlanned,
    Waiting,
    Warned,
)


class Listening:
    """A listener with a clock that the test moves."""

    def __init__(self, **options):
        self.lines = []
        self.now = 0.0
        self.progress = Progress(
            lambda line, style: self.lines.append(line), Bars(stderr(), live=False), clock=lambda: self.now, **options
        )

    def tell(self, event, *, after=0.0):
        self.now += after
        self.progress(event)
        new, self.lines = self.lines, []
        return new


def epoch(fold, number, *, of=10, accuracy=0.5):
    return EpochDone(0, fold, number, of, 1.25, accuracy, 2.0)


def test_a_line_comes_every_few_seconds_with_the_time_left():
    listening = Listening()
    assert listening.tell(StepStarted("decode", 1000)) == []
    assert listening.tell(StepAdvanced("decode", 100)) == []
    assert listening.tell(StepAdvanced("decode", 200), after=LEAST_SECONDS) == [
        "decoding images: 200 of 1,000 (20 %), about 40 s left"
    ]
    assert listening.tell(StepAdvanced("decode", 300), after=1) == []
    assert listening.tell(StepDone("decode", 12.0)) == ["decoding images: done in 12 s"]


def test_what_is_done_at_once_is_not_reported():
    listening = Listening()
    assert listening.tell(StepStarted("decode", 10)) == []
    assert listening.tell(StepDone("decode", 0.1)) == []
    assert Listening(verbose=True).tell(StepDone("decode", 0.1)) == ["decoding images: done in 0.1 s"]


def test_a_run_that_is_finished_already_and_one_without_epochs_say_so():
    assert Listening().tell(TrainingPlanned(3, 10, 3)) == ["training: all 3 folds already finished"]
    listening = Listening()
    assert listening.tell(TrainingPlanned(2, 0, 0)) == ["training: 2 folds"]
    assert len(listening.tell(FoldDone(0, 0, 0.9, 3.0))) == 1


def test_a_run_of_hours_writes_fewer_lines():
    listening = Listening()
    listening.tell(StepStarted("decode", 10**6))
    lines = [line for done in range(1, 3600) for line in listening.tell(StepAdvanced("decode", done), after=1)]
    assert 60 < len(lines) < 300


def test_training_counts_the_epochs_of_all_folds():
    listening = Listening()
    assert listening.tell(TrainingPlanned(3, 10, 1)) == ["training: 3 folds of 10 epochs, 1 of them already finished"]
    assert listening.tell(FoldDone(0, 0, 0.9, 3.0, reused=True)) == []
    assert listening.tell(epoch(1, 4)) == []
    assert listening.tell(epoch(1, 9), after=10) == ["training: 19 of 30 epochs (63 %), about 22 s left"]
    assert listening.tell(FoldDone(0, 1, 0.875, 20.0)) == [
        "fold 0-1: 87.5 % of held-out labels agree with the model, 20 s"
    ]
    assert listening.tell(epoch(2, 1), after=10)[0].startswith("training: 21 of 30 epochs (70 %)")
    assert listening.tell(replace(epoch(2, 3), n_epochs=6), after=10)[0].startswith("training: 25 of 30 epochs")
    assert listening.tell(FoldDone(0, 2, 0.9, 9.0, settled_after=6)) == [
        "fold 0-2: 90.0 % of held-out labels agree with the model, settled in 6 epochs, 9.0 s"
    ]


def test_threshold_runs_are_counted_beside_the_folds():
    listening = Listening()
    planned = TrainingPlanned(2, 10, 1, n_threshold_runs=2)
    assert listening.tell(planned) == [
        "training: 2 folds and 2 threshold runs of 10 epochs, 1 of them already finished"
    ]
    listening.tell(FoldDone(0, 0, 0.9, 3.0, reused=True))
    assert listening.tell(epoch(1, 5)) == []
    assert listening.tell(replace(epoch(1, 10), kind="aum"), after=10)[0].startswith("training: 25 of 40 epochs")
    assert listening.tell(FoldDone(0, 1, None, 20.0, kind="aum")) == ["aum 1: trained, 20 s"]
    assert listening.tell(TrainingPlanned(2, 10, 4, 2)) == [
        "training: all 2 folds and 2 threshold runs already finished"
    ]


def test_verbose_reports_every_epoch():
    listening = Listening(verbose=True)
    listening.tell(TrainingPlanned(2, 10, 0))
    assert listening.tell(epoch(1, 4)) == ["fold 0-1, epoch 4 of 10: loss 1.250, train accuracy 50.0 %, 2.0 s"]


def test_warnings_and_notes_are_reported_once_and_remembered():
    listening = Listening()
    assert listening.tell(Warned("no weights")) == ["warning: no weights"]
    assert listening.tell(Warned("no weights")) == []
    assert listening.tell(Noted("columns: path")) == ["columns: path"]
    assert listening.tell(Chosen("model", "mlp", "features")) == ["model: mlp: features"]
    assert listening.tell(Waiting()) == []
    assert listening.progress.reported == {"no weights", "columns: path"}


def test_quiet_says_nothing_and_claims_to_have_reported_nothing():
    listening = Listening(quiet=True)
    assert listening.tell(Warned("no weights")) == []
    assert listening.progress.reported == set()


def test_folds_of_several_models_count_the_same_whatever_their_epochs():
    listening = Listening(verbose=True)
    assert listening.tell(TrainingPlanned(4, 10, 1, n_models=2)) == [
        "training: 4 folds of 2 models, 1 of them already finished"
    ]
    listening.tell(FoldDone(0, 0, 0.9, 3.0, reused=True, opinion="a"))
    line, *_ = listening.tell(replace(epoch(1, 10), opinion="a"))
    assert line.startswith("fold 0-1 of a, epoch 10 of 10")
    assert listening.tell(FoldDone(0, 1, 0.9, 3.0, opinion="a"))[0].startswith("fold 0-1 of a: 90.0 %")
    *_, line = listening.tell(replace(epoch(0, 2, of=4), opinion="b"), after=LEAST_SECONDS)
    assert line.startswith("training: 25 of 40 (62 %)")
    listening.tell(FoldDone(0, 0, 0.9, 3.0, opinion="b"))  # a classifier has no epochs
    *_, line = listening.tell(replace(epoch(1, 2, of=4), opinion="b"), after=LEAST_SECONDS)
    assert line.startswith("training: 35 of 40 (88 %)")


def test_a_benchmark_says_how_long_all_other_cells_take():
    listening = Listening()
    assert listening.tell(CellsPlanned(5, 1)) == ["cells: 5, 1 of them already finished"]
    listening.tell(CellStarted("first"))
    listening.tell(TrainingPlanned(2, 10, 0))
    assert listening.tell(epoch(0, 1)) == []
    (line,) = listening.tell(epoch(0, 6), after=10)
    assert line == "training: 6 of 20 epochs (30 %), about 28 s left; about 2 min 03 s left in all"
    assert listening.tell(done("first", 40.0)) == ["first: F1 0.500 by aum, 40 s; about 2 min 00 s left in all"]
    assert listening.tell(CellDone("second", {}, 20.0, failure="diverged")) == ["second failed: diverged"]
    assert listening.tell(done("third", 30.0)) == ["third: F1 0.500 by aum, 30 s; about 30 s left in all"]
    assert listening.tell(done("fourth", 30.0)) == ["fourth: F1 0.500 by aum, 30 s"]


def done(cell, seconds):
    return CellDone(cell, {"aum": 0.5}, seconds)
