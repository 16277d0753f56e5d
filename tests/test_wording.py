"""Numbers as a person says them."""

import pytest

from labelscan.wording import duration, percent


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.04, "0.0 s"), (9.94, "9.9 s"), (12, "12 s"), (59.6, "1 min 00 s"), (200, "3 min 20 s"), (7500, "2 h 05 min")],
)
def test_durations_read_as_people_say_them(seconds, text):
    assert duration(seconds) == text


def test_shares_read_as_per_cent():
    assert (percent(0.0961), percent(1.0, 0)) == ("9.6 %", "100 %")
