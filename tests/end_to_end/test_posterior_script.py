"""The page works out in a browser what Python works out for the same decisions."""

import time

import numpy as np
import pytest
from scipy.special import expit

from labelscan.arrays import as_strings
from labelscan.detection.decisions.decided_labels import (
    Bins,
    DecidedLabels,
    constants,
    error_probability_by_decisions,
)
from labelscan.detection.decisions.interval import Measurement, interval_constants, n_wrong, share_of_wrong
from labelscan.detection.decisions.measured_sample import draw_sample
from labelscan.detection.detectors.noise_posterior import highest_expected_f1
from labelscan.reporting.formats.html import ASSETS

COMPUTE = """([constants, centres, sizes, cells, decided, number]) => {
    const posterior = new ReviewPosterior(constants, centres, { sizes, decided }, number);
    const interval = new Interval(constants, cells, decided);
    const isListed = (one) => one.isListed;
    const intervals = [interval.nWrong(), interval.nWrong(isListed), interval.share(isListed)];
    return {
        ends: intervals.map(({ low, high }) => [low, high]),
        expected: posterior.expected({ sizes, decided }),
        worth: posterior.nWorthALook(),
        listedRescored: posterior.nListedRescored(),
    };
}"""


@pytest.fixture(scope="module")
def tab(browser):
    tab = browser.new_page()
    for name in ("posterior.js", "interval.js"):
        tab.add_script_tag(path=ASSETS / name)
    return tab


USUAL = {"n": 3000, "n_decided": 50, "n_chosen": 0, "offset": 0, "slope": 1, "floor": 0, "spread": 2.5, "digits": 6}
USUAL |= {"agreed": None}
CASES = {
    "fifty decisions": {},
    "no decision": {"n_decided": 0},
    "two decisions": {"n_decided": 2},
    "errors that no model sees": {"offset": -2, "floor": 0.1},
    "many errors and decisions": {"offset": 3, "n_decided": 200},
    "a weak model": {"slope": 0.3},
    "extreme log-odds": {"spread": 12},
    "probably none is wrong": {"n": 40, "n_decided": 30, "offset": -12},
    "a review besides": {"n_chosen": 100},
    "few labels": {"n": 40, "n_decided": 12},
    "nearly all are decided": {"n": 40, "n_decided": 38, "offset": 2},
    "ties": {"digits": 0},
    "models agree on how many": {"agreed": 700.0},
    "models agree on none": {"agreed": 0.0, "offset": -5},
}


@pytest.mark.parametrize("case", CASES)
def test_the_script_of_the_page_agrees_with_python(tab, case):
    options = USUAL | CASES[case]
    generator = np.random.default_rng(3)
    n = options["n"]
    log_odds = np.round(generator.normal(-3, options["spread"], n), options["digits"])
    seen = expit(options["offset"] + options["slope"] * log_odds)
    errors = generator.random(n) < options["floor"] + (1 - options["floor"]) * seen
    sample = draw_sample(as_strings([str(row) for row in range(n)]), log_odds, seed=0)
    chosen = np.argsort(-log_odds, kind="stable")[: options["n_chosen"]]
    index = np.union1d(sample.index[: options["n_decided"]], chosen)
    decided = DecidedLabels(index=index, is_wrong=errors[index])
    drawn = sample.drawn(decided)
    error_probability = error_probability_by_decisions(log_odds, decided, number_by_agreement=options["agreed"])
    error_probability[index] = errors[index]
    listed = log_odds > np.quantile(log_odds, 0.8)
    measurement = Measurement(error_probability=error_probability, decided=decided, drawn=drawn, listed=listed)
    bins = Bins.of(log_odds)
    facts = [
        {
            "logOdds": float(log_odds[row]),
            "bin": int(bins.of_example[row]),
            "isWrong": bool(errors[row]),
            "isListed": bool(listed[row]),
            "stratum": int(sample.stratum[row]),
            "isDrawn": row in drawn.index,
        }
        for row in index
    ]
    cells = [
        {
            "stratum": stratum,
            "isListed": is_listed,
            "n": int(((sample.stratum == stratum) & (listed == is_listed)).sum()),
        }
        for stratum in range(4)
        for is_listed in (True, False)
    ]
    all_constants = constants() | interval_constants()
    started = time.monotonic()
    given = [all_constants, bins.centres.tolist(), bins.sizes.tolist(), cells, facts, options["agreed"]]
    found = tab.evaluate(COMPUTE, given)
    assert time.monotonic() - started < 5  # a twentieth of it where nothing else runs
    count = measurement.n_wrong()
    expected = [(count.low, count.high), n_wrong(drawn, decided, listed), share_of_wrong(drawn, decided, listed)]
    for values, ends, step in zip(found["ends"], expected, (n / 2000, n / 2000, 2e-3), strict=True):
        np.testing.assert_allclose(values, ends, rtol=1e-9, atol=1.001 * step)
    assert found["expected"] == pytest.approx(error_probability.sum(), rel=1e-6)
    assert found["worth"] == pytest.approx(measurement.n_worth_a_look(), abs=0.02 * n)
    flagged = highest_expected_f1(error_probability)
    flagged[index] = errors[index]
    assert found["listedRescored"] == pytest.approx(flagged.sum(), abs=int(bins.sizes.max()))
