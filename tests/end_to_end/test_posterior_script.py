"""The page works out in a browser what Python works out for the same decisions."""

import time

import numpy as np
import pytest
from scipy.special import expit

from labelscan.detection.decisions.decided_labels import DecidedLabels, constants, review_posterior
from labelscan.detection.detectors.noise_posterior import highest_expected_f1
from labelscan.reporting.formats.html import ASSETS

COMPUTE = """([constants, centres, all, part, rest]) => {
    const posterior = new ReviewPosterior(constants, centres, all);
    const [inside, outside] = [posterior.count(part), posterior.count(rest)];
    const ranges = [posterior.nWrong(), posterior.share(inside, sumOf(part.sizes)), posterior.found(inside, outside)];
    return {
        ranges: ranges.map(({ estimate, low, high }) => [estimate, low, high]),
        byBin: posterior.byBin,
        worth: posterior.nWorthALook(),
        toHalve: posterior.decisionsToHalve(),
        undoubted: posterior.nUndoubted(),
        listedAnew: posterior.nListedRescored(),
    };
}"""


@pytest.fixture(scope="module")
def tab(browser):
    tab = browser.new_page()
    tab.add_script_tag(path=ASSETS / "posterior.js")
    return tab


def part_of(posterior, log_odds, rows):
    """Return a part of the labels as the script takes it."""
    bins, decided = posterior.bins, posterior.decided
    return {
        "sizes": np.bincount(bins.of_example[rows], minlength=len(bins.sizes)).tolist(),
        "decided": [
            {"logOdds": float(log_odds[row]), "bin": int(bins.of_example[row]), "isWrong": bool(wrong)}
            for row, wrong in zip(decided.index, decided.is_wrong, strict=True)
            if rows[row]
        ],
    }


USUAL = {"n": 3000, "n_decided": 50, "offset": 0, "slope": 1, "floor": 0, "spread": 2.5, "digits": 6}
CASES = {
    "fifty decisions": {},
    "no decision": {"n_decided": 0},
    "two decisions": {"n_decided": 2},
    "errors that no model sees": {"offset": -2, "floor": 0.1},
    "many errors and decisions": {"offset": 3, "n_decided": 200},
    "a weak model": {"slope": 0.3},
    "extreme log-odds": {"spread": 12},
    "probably none is wrong": {"n": 40, "n_decided": 30, "offset": -12},
    "few labels": {"n": 40, "n_decided": 12},
    "nearly all are decided": {"n": 40, "n_decided": 38, "offset": 2},
    "ties": {"digits": 0},
}


@pytest.mark.parametrize("case", CASES)
def test_the_script_of_the_page_agrees_with_python(tab, case):
    options = USUAL | CASES[case]
    generator = np.random.default_rng(3)
    log_odds = np.round(generator.normal(-3, options["spread"], options["n"]), options["digits"])
    seen = expit(options["offset"] + options["slope"] * log_odds)
    errors = generator.random(options["n"]) < options["floor"] + (1 - options["floor"]) * seen
    chance = expit(log_odds / 4) + 0.02
    index = generator.choice(options["n"], options["n_decided"], replace=False, p=chance / chance.sum())
    posterior = review_posterior(log_odds, DecidedLabels(index=index, is_wrong=errors[index]))
    listed = log_odds > np.quantile(log_odds, 0.8)
    parts = [part_of(posterior, log_odds, rows) for rows in (listed | True, listed, ~listed)]
    started = time.monotonic()
    found = tab.evaluate(COMPUTE, [constants(), posterior.bins.centres.tolist(), *parts])
    assert time.monotonic() - started < 5  # a twentieth of it where nothing else runs
    expected = [posterior.n_wrong(), posterior.precision(listed), posterior.found(listed)]
    for (values, absolute), one in zip(zip(found["ranges"], (0.5, 1e-3, 1e-3), strict=True), expected, strict=True):
        np.testing.assert_allclose(values, [one.estimate, one.low, one.high], rtol=0.01, atol=absolute)
    np.testing.assert_allclose(found["byBin"], posterior.draws.mean(axis=0), atol=1e-3)
    assert found["worth"] == pytest.approx(posterior.n_worth_a_look(), abs=0.02 * options["n"])
    assert found["toHalve"] == posterior.decisions_to_halve()
    assert found["undoubted"] == posterior.n_undoubted()
    flagged = highest_expected_f1(posterior.error_probability)
    flagged[index] = errors[index]
    assert found["listedAnew"] == pytest.approx(flagged.sum(), abs=int(posterior.bins.sizes.max()))
