"""The texts of a page, which share its room."""

import json

import pandas as pd
import pytest
from tiny_texts import text_dataset

from labelscan.reporting import shown_texts


@pytest.mark.parametrize("character", ["a", "\n", "\x01", "\u00e9", "\u4f60", "\U0001f600"])
def test_a_text_takes_no_more_than_its_share_of_the_page_whatever_its_characters(monkeypatch, character):
    monkeypatch.setattr(shown_texts, "TOTAL_BYTES", 4000)
    dataset = text_dataset([f"a{character * 4000}", "b"], ["x", "y"])
    one = {"example_id": "0", "given_label": "x", "suggested_label": "y"}
    scores = pd.DataFrame({**one, "self_confidence": 0.9, "error_probability": 0.1, "flagged": False}, index=[0])
    shown = shown_texts.show_texts(dataset, dataset.inputs, [one], {"0": 0}, scores)["0"]
    n_bytes = len(json.dumps(str(shown))) - len('""')
    assert 500 < n_bytes <= 4000
    assert len(str(shown)) + shown.n_left_out == 4001
