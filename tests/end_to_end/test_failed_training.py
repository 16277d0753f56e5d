"""Trainings that fail are reported: in the summary, in the log and on the way."""

import json
from itertools import count

import torch
from refusals import refuses
from tiny_detect import Recorder
from torch import nn

import labelscan
from labelscan.events import Warned
from labelscan.training.models.small_cnn import SmallCNN


class Broken(nn.Module):
    """A network that gives every image the same logits, or from the second epoch on NaN."""

    def __init__(self, value):
        super().__init__()
        self.logits = nn.Parameter(torch.zeros(3))
        self.value, self.n_steps = value, 0

    def forward(self, images):
        self.n_steps += self.training
        factor = self.value if self.n_steps > 4 else 1.0
        return self.logits.expand(len(images), 3) * factor


def second_is(make):
    """Return a factory of good networks, except that ``make`` makes that of the second fold."""
    number = count(-1)  # one is made before training, to see whether the factory works
    return lambda: make() if next(number) == 1 else SmallCNN(8).make((8, 8, 1), 3)


def warnings_of(detect, folder, make):
    received = Recorder()
    run = detect(folder, model=second_is(make), notify=received)
    log = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    logged = [line["message"] for line in log if line["event"] == "Warned"]
    warned = [event.message for event in received.of(Warned)]
    return run.summary.warnings, logged, warned


def test_a_fold_that_learned_nothing_is_named(detect, tmp_path):
    warnings, logged, warned = warnings_of(detect, tmp_path / "run", lambda: Broken(1.0))
    assert logged == warned
    (warning,) = (each for each in warnings if "learned nothing" in each)
    assert warning.startswith(
        "1 of 3 trainings learned nothing, so their examples are judged badly (repeat 0, fold 1):"
    )


def test_a_fold_that_diverges_is_trained_again_and_the_run_says_so(detect, tmp_path):
    warnings, logged, warned = warnings_of(detect, tmp_path / "run", lambda: Broken(torch.nan))
    again = "repeat 0, fold 1: the loss became nan in epoch 3; trained again at half the learning rate"
    assert again in warnings
    assert again in logged
    assert warned.count(again) == 1


def test_a_fold_that_diverges_twice_ends_the_run_with_its_name(detect, tmp_path):
    with refuses(labelscan.RunError, "diverged"):
        detect(tmp_path / "run", model=lambda: Broken(torch.nan))
    assert json.loads((tmp_path / "run" / "run.json").read_text())["state"] == "failed"
