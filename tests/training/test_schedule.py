import pytest
import torch
from refusals import refuses

from labelscan.errors import ConfigError
from labelscan.training.losses import LOSSES, losses_of
from labelscan.training.losses.given_label import Blurry, CrossEntropy
from labelscan.training.schedule import build_schedule


def types_of(text, n_epochs, n_classes=10):
    schedule = build_schedule(text, n_epochs=n_epochs, n_classes=n_classes)
    return [type(schedule.at(epoch)) for epoch in range(n_epochs)]


def test_cross_entropy_goes_first_for_the_default_share_of_the_epochs():
    assert types_of("blurry", 10) == [CrossEntropy] * 4 + [Blurry] * 6


@pytest.mark.parametrize(("delay", "n_plain"), [("2", 2), ("0.25", 3), ("0", 0), ("9", 9), ("0.95", 9)])
def test_a_delay_is_a_number_of_epochs_or_a_share_of_them(delay, n_plain):
    assert types_of(f"blurry:gamma=0.3,delay={delay}", 10).count(CrossEntropy) == n_plain


def test_a_short_training_keeps_an_epoch_for_the_robust_loss():
    assert types_of("blurry", 1) == [Blurry]
    assert types_of("blurry", 2) == [CrossEntropy, Blurry]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("blurry:delay=10", "wrong-schedule"),
        ("ce:delay=11", "wrong-schedule"),
        ("blurry:delay=1.5", "wrong-schedule"),
        ("blurry:delay=-1", "wrong-schedule"),
        ("blurry:delay=x", "wrong-type"),
    ],
)
def test_a_delay_that_cannot_be_is_refused(text, code):
    with refuses(ConfigError, code, "training.loss"):
        build_schedule(text, n_epochs=10, n_classes=10)


STALL_WITH_100 = ["mae", "rce", "gce:q=1", "nce+mae:a=0", "agce", "aul", "ael", "taylor-ce:t=1"]


@pytest.mark.parametrize(
    ("loss", "n_classes"),
    [
        ("piecewise-zero:cutoff=0.1", 10),
        ("blurry:gamma=0.5,detach_weight=false", 10),
        *((loss, 100) for loss in STALL_WITH_100),
    ],
)
def test_a_loss_that_would_stall_a_fresh_model_is_refused_without_delay(loss, n_classes):
    with_delay = f"{loss}{',' if ':' in loss else ':'}delay="
    with refuses(ConfigError, "wrong-schedule", "training.loss"):
        build_schedule(with_delay + "0", n_epochs=10, n_classes=n_classes)
    build_schedule(with_delay + "1", n_epochs=10, n_classes=n_classes)


@pytest.mark.parametrize("text", ["piecewise-zero:cutoff=0.05,delay=0", "blurry:gamma=0.4,detach_weight=false,delay=0"])
def test_a_loss_that_does_not_stall_may_start_at_once(text):
    build_schedule(text, n_epochs=10, n_classes=10)


@pytest.mark.parametrize("name", sorted(LOSSES))
@pytest.mark.parametrize("n_classes", [2, 10])
def test_every_loss_but_those_that_know_hard_examples_starts_at_once_by_default(name, n_classes):
    schedule = build_schedule(name, n_epochs=10, n_classes=n_classes)
    assert schedule.delay == (4 if name in ("blurry", "piecewise-zero") else 0)


@pytest.mark.parametrize("name", ["gce", "sce", "nce", "nfl", "nce+rce", "nce+mae", "anl-ce", "anl-fl", "elr"])
@pytest.mark.parametrize("n_classes", [100, 1000])
def test_what_pulls_hard_labels_too_starts_at_once_with_many_classes(name, n_classes):
    assert build_schedule(name, n_epochs=10, n_classes=n_classes).delay == 0


def test_a_loss_that_stalls_with_many_classes_waits_by_default_and_says_so():
    schedule = build_schedule("mae", n_epochs=10, n_classes=100)
    assert schedule.delay == 4
    assert schedule.text == "mae:delay=4"
    (note,) = schedule.notes
    assert note.startswith("mae takes over after 4 of 10 epochs")
    assert build_schedule("mae", n_epochs=10, n_classes=10).notes == ()


@pytest.mark.parametrize(
    ("text", "n_classes", "resolved"),
    [
        ("ce", 10, "ce:delay=0"),
        ("blurry", 10, "blurry:gamma=0.3,detach_weight=true,delay=4"),
        ("anl-ce", 2, "anl-ce:a=5,b=5,d=5e-05,delay=0"),
        ("anl-ce", 50, "anl-ce:a=20,b=1,d=5e-06,delay=0"),
        ("anl-ce", 100, "anl-ce:a=10,b=1,d=5e-07,delay=0"),
        ("anl-fl:a=2", 1000, "anl-fl:a=2,b=1,d=5e-07,gamma=0.5,delay=0"),
        ("sce", 10, "sce:a=0.1,b=1,delay=0"),
        ("sce", 40, "sce:a=10,b=1,delay=0"),
        ("sce", 100, "sce:a=6,b=0.1,delay=0"),
        ("nce+rce", 60, "nce+rce:a=50,b=0.1,delay=0"),
        ("nce+rce", 100, "nce+rce:a=10,b=0.1,delay=0"),
        ("nfl+mae:3", 100, "nfl+mae:a=3,b=1,gamma=0.5,delay=0"),
        ("elr", 50, "elr:beta=0.9,strength=7,delay=0"),
        ("elr:strength=1,delay=0.2", 10, "elr:beta=0.7,strength=1,delay=2"),
    ],
)
def test_options_left_out_follow_the_number_of_classes_and_the_result_can_be_asked_for(text, n_classes, resolved):
    schedule = build_schedule(text, n_epochs=10, n_classes=n_classes)
    assert schedule.text == resolved
    assert build_schedule(resolved, n_epochs=10, n_classes=n_classes).text == resolved
    name, _, options = resolved.partition(":")
    for option in options.split(",")[:-1]:
        key, _, value = option.partition("=")
        assert str(value) == (f"{getattr(schedule.loss, key):g}" if value != "true" else "true"), name


def test_between_published_numbers_of_classes_the_choice_is_said():
    def noted(text, n_classes):
        notes = build_schedule(text, n_epochs=10, n_classes=n_classes).notes
        return [note for note in notes if "published" in note]

    expected = "no options of nce+rce are published for about 20 classes: those for 10 are used (a=1,b=1)"
    assert noted("nce+rce", 20) == [expected]
    assert noted("nce+rce:b=2", 30)[0].endswith("those for 50 are used (a=50)")
    for text, n_classes in [("nce+rce", 10), ("nce+rce", 45), ("nce+rce", 2), ("nce+rce", 500), ("ael:delay=1", 20)]:
        assert noted(text, n_classes) == []
    assert noted("nce+rce:2,b=1", 20) == []


def test_two_trainings_by_one_schedule_remember_nothing_of_each_other():
    schedule = build_schedule("elr", n_epochs=2, n_classes=3)
    batch = torch.tensor([[2.0, 0.0, 1.0]]), torch.tensor([0]), torch.tensor([4])
    first = schedule.begin(6, 3, torch.device("cpu"))
    once, twice = (losses_of(first.at(0), *batch).item() for _ in range(2))
    assert once != twice
    second = schedule.begin(6, 3, torch.device("cpu"))
    assert losses_of(second.at(0), *batch).item() == once


def test_what_a_loss_remembers_is_in_its_state():
    schedule = build_schedule("elr", n_epochs=2, n_classes=3)
    loss = schedule.begin(6, 3, torch.device("cpu")).loss
    batch = torch.tensor([[2.0, 0.0, 1.0]]), torch.tensor([0]), torch.tensor([4])
    losses_of(loss, *batch)
    assert loss.state_dict()["targets"].shape == (6, 3)
    assert loss.targets[4].sum().item() == pytest.approx(0.3)
    assert loss.targets[[0, 1, 2, 3, 5]].eq(0).all()
    again = schedule.begin(6, 3, torch.device("cpu")).loss
    again.load_state_dict(loss.state_dict())
    assert losses_of(again, *batch).item() == losses_of(loss, *batch).item()
