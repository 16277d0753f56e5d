import pytest

from labelscan.errors import ConfigError
from labelscan.losses.blurry import Blurry
from labelscan.losses.cross_entropy import CrossEntropy
from labelscan.schedule import build_schedule, check_loss


def losses_of(text, n_epochs, n_classes=10):
    schedule = build_schedule(text, n_epochs=n_epochs, n_classes=n_classes)
    return [type(schedule.at(epoch)) for epoch in range(n_epochs)]


def test_cross_entropy_goes_first_for_the_default_share_of_the_epochs():
    assert losses_of("blurry", 10) == [CrossEntropy] * 4 + [Blurry] * 6


@pytest.mark.parametrize(("delay", "n_plain"), [("2", 2), ("0.25", 3), ("0", 0), ("9", 9), ("0.95", 9)])
def test_a_delay_is_a_number_of_epochs_or_a_share_of_them(delay, n_plain):
    assert losses_of(f"blurry:gamma=0.3,delay={delay}", 10).count(CrossEntropy) == n_plain


def test_a_short_training_keeps_an_epoch_for_the_robust_loss():
    assert losses_of("blurry", 1) == [Blurry]
    assert losses_of("blurry", 2) == [CrossEntropy, Blurry]


@pytest.mark.parametrize(
    "text", ["blurry:delay=10", "ce:delay=11", "blurry:delay=1.5", "blurry:delay=-1", "blurry:delay=x"]
)
def test_a_delay_that_cannot_be_is_refused(text):
    with pytest.raises(ConfigError, match="delay"):
        build_schedule(text, n_epochs=10, n_classes=10)


@pytest.mark.parametrize(
    ("text", "n_classes"),
    [("piecewise-zero:cutoff=0.1,delay=0", 10), ("blurry:gamma=0.5,detach_weight=false,delay=0", 10)],
)
def test_a_loss_that_would_stall_a_fresh_model_is_refused_without_delay(text, n_classes):
    with pytest.raises(ConfigError, match="untrained model of 10 classes") as refused:
        build_schedule(text, n_epochs=10, n_classes=n_classes)
    assert refused.value.exit_code == 2
    build_schedule(text.replace("delay=0", "delay=1"), n_epochs=10, n_classes=n_classes)


@pytest.mark.parametrize("text", ["piecewise-zero:cutoff=0.05,delay=0", "blurry:gamma=0.4,detach_weight=false,delay=0"])
def test_a_loss_that_does_not_stall_may_start_at_once(text):
    build_schedule(text, n_epochs=10, n_classes=10)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("blury", "use blurry"),
        ("blurry:gama=1", "use gamma"),
        ("blurry:gamma=much", "must be a number"),
        ("blurry:gamma=nan", "must be a number"),
        ("ce:1", "takes no options"),
        ("blurry:gamma=0.1,gamma=0.2", "twice"),
        ("blurry:gamma", "must be a number"),
        ("blurry:0.1,gamma=0.2", "twice"),
        ("blurry:gamma=0.1,", "cannot read"),
    ],
)
def test_a_loss_that_cannot_be_read_says_why(text, message):
    with pytest.raises(ConfigError, match=message):
        check_loss(text)
