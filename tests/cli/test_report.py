import errno
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from contextlib import contextmanager

import numpy as np
import pytest
from refusals import refuses

from labelscan.cli.report_screen import has_desktop
from labelscan.correction.decisions import Decision, write_decisions


@pytest.mark.parametrize("terminal", [True, False])
def test_the_next_step_is_shown_with_or_without_a_terminal(command, run, monkeypatch, terminal):
    monkeypatch.setattr("rich.console.Console.is_terminal", terminal)
    monkeypatch.setenv("TERM", "dumb")
    monkeypatch.setenv("COLUMNS", "40")
    assert command("report", "run").out.splitlines() == [  # not wrapped, to be copied
        "page    run/report.html",
        "next    open it, or labelscan report run --serve",
        'measure "Measure: decide 50 labels" on it tells how many are wrong',
        "then    labelscan apply run --decisions decisions.csv",
    ]


def test_markdown_goes_to_stdout_alone(command, run):
    ended = command("report", "run", "--format", "markdown")
    assert ended.code == 0
    assert ended.out.startswith("## probs: 2 of 40 labels are flagged (5.0 %)\n")
    assert not (run / "report.html").exists()
    ended = command("report", "run", "-q")
    assert (ended.code, ended.out, ended.err) == (0, "run/report.html\n", "")
    assert "[red]cat[/red]" in (run / "report.html").read_text()


def test_several_forms_are_written_at_once(command, run, tmp_path):
    ended = command("report", "run", "--format", "html", "--format", "markdown=deep/a.md")
    assert "page    run/report.html\n" in ended.out
    assert ended.out.endswith("report  deep/a.md\n")
    assert "page    page\n" in command("report", "run", "-o", "page").out
    assert (tmp_path / "page").read_text().startswith("<!doctype html>")
    ended = command("report", "run", "--format", "html=b.html", "--format", "markdown", "-q")
    assert ended.out == (tmp_path / "deep" / "a.md").read_text()
    assert ended.err == "b.html\n"
    assert (tmp_path / "b.html").exists()


def test_tasks_for_label_studio_go_into_the_run_with_their_interface(command, run, probs):
    assert "no labelling interface can name" in command("report", "run", "--format", "label-studio").err
    with np.load(probs) as arrays:
        np.savez(probs, **{**arrays, "class_names": np.array(["cat", "dog"])})
    assert command("score", "probs.npz", "-o", "run", "-q", "--fresh").code == 0
    ended = command("report", "run", "--format", "label-studio", "--format", "markdown=a.md", "-q")
    assert ended.out.split() == ["run/label-studio.json", "a.md"]
    tasks = json.loads((run / "label-studio.json").read_text())
    assert {task["data"]["example_id"] for task in tasks} == {"3", "25"}
    assert (run / "label-studio.interface.xml").read_text().startswith("<View>")
    assert command("report", "run", "--format", "label-studio=b.json").out.splitlines() == [
        "tasks   b.json",
        "paste   b.interface.xml into the labelling settings of a project, then import the tasks",
        "then    export it as JSON; labelscan apply run --decisions EXPORT.json",
    ]
    assert "--format label-studio" in command("report", "run", "--image-root", "/data").err
    assert command("report", "run", "--format", "label-studio=b.xml").code == 2


def test_json_says_what_was_written(command, run):
    ended = command("report", "run", "--json", "--top", "1", "--format", "html", "--format", "markdown=a.md")
    assert json.loads(ended.out) == {
        "run": "run",
        "reports": {"html": "run/report.html", "markdown": "a.md"},
        "n_flagged": 2,
        "n_shown": 1,
        "n_pictures": 0,
        "notes": [],
    }


def test_decisions_of_another_run_are_refused_before_anything_is_served(command, run):
    write_decisions([Decision(example_id="of another run", verdict="keep")], run / "decisions.csv")
    ended = command("report", "run", "--serve", "--no-open")
    assert (ended.code, ended.out) == (2, "")
    assert "no example is called 'of another run'" in ended.err


def test_starting_over_deletes_the_page_and_never_decisions(command, run):
    write_decisions([Decision(example_id="3", verdict="keep")], run / "decisions.csv")
    assert command("score", "probs.npz", "-o", "run", "-q").code == 0
    assert command("report", "run").code == 0
    before = (run / "decisions.csv").read_bytes()
    assert command("score", "probs.npz", "-o", "run", "-q", "--fresh").code == 0
    assert (run / "decisions.csv").read_bytes() == before
    assert not (run / "report.html").exists()


@contextmanager
def served(*options, **environment):
    """Serve the run; yield its address, then stop it, and put how it ended into the list."""
    ended, others = [], {name: value for name, value in os.environ.items() if name != "SSH_CONNECTION"}
    process = subprocess.Popen(
        [sys.executable, "-m", "labelscan", "report", "run", "--serve", *options],
        env={**others, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    watch = threading.Timer(30, process.kill)
    watch.start()
    try:
        yield process.stdout.readline().strip(), ended
        process.send_signal(signal.SIGTERM)
        ended += [*process.communicate(), process.returncode]
    finally:
        watch.cancel()
        process.kill()


def test_a_review_is_served_until_it_is_stopped(command, run):
    with served(SSH_CONNECTION="1.2.3.4") as (url, ended):
        with urllib.request.urlopen(f"{url}decisions") as answer:
            tag = answer.headers["ETag"]
        body = json.dumps([{"example_id": "3", "decision": "keep", "new_label": ""}]).encode()
        request = urllib.request.Request(f"{url}decisions", body, {"If-Match": tag}, method="PUT")
        with urllib.request.urlopen(request) as answer:
            assert answer.status == 204
    out, err, code = ended
    assert (code, out) == (0, "")
    assert (run / "decisions.csv").exists()
    port = url.split(":")[2].split("/")[0]
    assert f"to open it on another machine, run there: ssh -L {port}:127.0.0.1:{port} THIS-MACHINE\n" in err
    assert "decisions are in run/decisions.csv" in err


BROWSER = """
import re, sys, urllib.request
from pathlib import Path
page = Path(urllib.request.url2pathname(sys.argv[1].removeprefix("file://"))).read_text()
with urllib.request.urlopen(re.search("url=([^\\"]*)", page)[1]) as answer:
    Path("seen.txt").write_text(f"{sys.argv[1]} {answer.status}")
"""


@pytest.mark.skipif(sys.platform != "linux", reason="another system asks no variable for its browser")
def test_the_browser_gets_a_file_and_no_secret(command, run, tmp_path):
    (tmp_path / "browser.py").write_text(BROWSER)
    seen, until = tmp_path / "seen.txt", time.monotonic() + 30
    with served(DISPLAY=":0", BROWSER=f"{sys.executable} {tmp_path / 'browser.py'} %s") as (url, ended):
        while time.monotonic() < until and not (seen.exists() and seen.read_text()):
            time.sleep(0.02)
    address, status = seen.read_text().split()
    assert (ended[2], status) == (0, "200")
    assert "nothing was decided" in ended[1]
    assert not (run / "decisions.csv").exists()
    assert address.startswith(run.as_uri())
    assert url.rpartition(":")[2].strip("/") not in address
    assert not list(run.glob("review-*")), "it is gone in the end"


@pytest.mark.parametrize(
    ("environment", "platform", "seen"),
    [
        ({}, "linux", False),
        ({"DISPLAY": ":0"}, "linux", True),
        ({"WAYLAND_DISPLAY": "wayland-0"}, "linux", True),
        ({"DISPLAY": "localhost:10.0", "SSH_CONNECTION": "1.2.3.4"}, "linux", False),
        ({}, "darwin", True),
        ({"SSH_CONNECTION": "1.2.3.4"}, "darwin", False),
    ],
)
def test_a_browser_is_opened_only_where_somebody_sees_it(environment, platform, seen):
    assert has_desktop(environment, platform) is seen


def test_the_library_does_the_same(command, run, tmp_path):
    import labelscan

    assert labelscan.report(run) == run / "report.html"
    assert labelscan.report(run, format="markdown") == run / "report.md"
    assert labelscan.report(str(run), output=tmp_path / "a.html", top=1, pictures=False) == tmp_path / "a.html"
    with refuses(labelscan.ConfigError, "unknown-format"):
        labelscan.report(run, format="pdf")
    shutil.rmtree(run)
    with pytest.raises(labelscan.RunFolderError):
        labelscan.report(run)


def test_where_decisions_cannot_be_saved_it_is_said_and_no_browser_opened(command, run, monkeypatch):
    opened = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    monkeypatch.setattr("labelscan.reporting.review_server.DecisionsFile.can_be_written", False)
    monkeypatch.setattr("labelscan.reporting.review_server.tempfile.mkstemp", refuse_to_write)
    monkeypatch.setattr("labelscan.reporting.review_server.ReviewServer.serve_forever", stop)
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.delenv("SSH_CONNECTION", raising=False)
    ended = command("report", "run", "--serve")
    assert (ended.code, opened) == (0, [])
    assert ended.out.startswith("http://127.0.0.1:")
    assert "cannot write to run" in " ".join(ended.err.split())
    assert "decisions are saved" not in ended.err


def refuse_to_write(**_):
    raise OSError(errno.EROFS, "Read-only file system")


def stop(_):
    raise KeyboardInterrupt


def test_markdown_alone_opens_no_data(command, run):
    assert "shows no pictures" in command("report", "run", "--format", "markdown", "--data", "probs.npz").err
    assert "shows no pictures" not in command("report", "run", "--format", "html", "--data", "probs.npz").err
