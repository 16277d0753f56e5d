"""Labels, ids and paths from outside in the log of a CI service, which runs what looks like its commands."""

import io
import json
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelscan.cli.console import CommandFree, is_ci, without_commands

HOSTILE = ("::error title=x::y", "###[error]z", "##vso[task.setvariable variable=PATH]w", "dog\x1b[2J\r::warning::v")
COMMAND = re.compile(r"^\s*::|##\w*\[|[\x1b\r]", re.MULTILINE)


@given(st.lists(st.sampled_from(["::", "##", "[", "vso", "\n", " ", "\t", "x", "\\", "#"])).map("".join))
def test_nothing_that_would_be_run_is_left_and_nothing_is_lost(text):
    shown = without_commands(text)
    assert not COMMAND.search(shown)
    assert shown.replace("\\", "") == text.replace("\\", "")
    if not COMMAND.search(text):
        assert shown == text


def test_a_person_still_reads_the_name_and_a_stream_is_otherwise_what_it_was():
    stream = io.StringIO()
    guarded = CommandFree(stream)
    assert guarded.write("  ::error::x, ##[group]y ##vso[z]\n") == 34
    assert not guarded.isatty()
    assert stream.getvalue() == "  \\::error::x, ##\\[group]y ##\\vso[z]\n"


def test_azure_and_teamcity_are_known_by_variables_of_their_own():
    assert [is_ci(one) for one in ({"CI": ""}, {"TF_BUILD": "True"}, {"TEAMCITY_VERSION": "1"})] == [False, True, True]


@pytest.fixture
def run(command, tmp_path):
    """Make a run with suspects, in whose ids and classes there is a command for each service."""
    labels = np.arange(60) % len(HOSTILE)
    pred_probs = np.full((60, len(HOSTILE)), 0.02) + 0.92 * np.eye(len(HOSTILE))[labels]
    given_labels = labels.copy()
    given_labels[:8] = (labels[:8] + 1) % len(HOSTILE)
    names = np.array(HOSTILE)
    ids = np.array([f"{HOSTILE[row % 4]}{row}" for row in range(60)])
    arrays = {"given_labels": given_labels, "class_names": names, "example_ids": ids}
    np.savez(tmp_path / "::error::probs.npz", pred_probs=pred_probs / pred_probs.sum(axis=1, keepdims=True), **arrays)
    assert command("score", "::error::probs.npz", "-o", "run", "-q").code == 0
    return tmp_path / "run"


SCREENS = (
    ["score", "::error::probs.npz", "-o", "run"],
    ["score", "::error::probs.npz", "-o", "run", "--json"],
    *(["gate", "run", "--max-issues=0", "--format", name] for name in ("text", "markdown", "json", "junit", "sarif")),
    ["gate", "run", "--baseline", "::known.csv"],
    ["gate", "run", "--baseline", "known.csv", "--update-baseline"],
    ["report", "run", "--format", "markdown", "--no-pictures"],
    ["diff", "run", "run"],
    ["diff", "run", "run", "--json"],
    ["apply", "run", "--drop", "-o", "##[group]x.npz"],
    ["detect", "::error::gone.csv", "--debug"],
    ["detect", "demo:digits", "--loss", "::error::x"],
    ["::stop-commands::x"],
)


@pytest.mark.parametrize("arguments", SCREENS, ids=" ".join)
def test_no_screen_has_a_command_of_the_data_in_the_log_of_a_service(command, run, monkeypatch, arguments):
    monkeypatch.setenv("CI", "true")
    ended = command(*arguments)
    assert ended.out or ended.err
    assert not COMMAND.search(ended.out)
    assert not COMMAND.search(ended.err)


def test_json_in_such_a_log_is_read_as_elsewhere(command, run, monkeypatch):
    assert "##[error]z" in command("gate", "run", "--max-issues=0").out, "elsewhere names are shown as they are"
    plain = command("gate", "run", "--max-issues=0", "--json").out
    monkeypatch.setenv("CI", "true")
    assert command("gate", "run", "--max-issues=0", "--json").out == plain
    assert "##vso[" not in plain
    labels = {one["given_label"] for one in json.loads(plain)["suspects"]}
    assert labels <= set(HOSTILE)
    assert any("##vso[" in one for one in labels)


def test_annotations_are_still_commands(command, run, monkeypatch):
    monkeypatch.setenv("CI", "true")
    lines = command("gate", "run", "--max-issues=0", "--format", "github").out.splitlines()
    assert len(lines) > 1
    assert all(line.startswith("::error ") for line in lines)
