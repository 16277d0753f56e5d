"""A finished run as a page that a person can judge: its numbers with their ranges, and its suspects as they are.

The tables of the run have everything but the examples themselves, which ``show_examples`` finds again.
"""

import dataclasses
import math
from collections.abc import Collection, Mapping, Sequence
from contextlib import nullcontext
from itertools import chain
from pathlib import Path

import numpy as np

from labelscan.errors import UsageError
from labelscan.events import Listener, ignore
from labelscan.reporting.formats import FILE_NAMES, FORMATS
from labelscan.reporting.measurement import make_measurement, read_sample
from labelscan.reporting.page import LEFT_OUT, Record, ReportPage, Suspect, TypicalExample, records
from labelscan.reporting.run_facts import make_run_facts
from labelscan.reporting.shown_examples import MOST_COLUMNS, ShownExamples, kind_of_examples, show_examples
from labelscan.reporting.typical_examples import choose_typical
from labelscan.results.issues import TRUE_LABEL
from labelscan.results.protected_paths import in_run_folder, refuse_only_read
from labelscan.results.run import FinishedRun

TOP = 200
"""How many suspects a report shows by default."""
NUMBERS = ("error_probability", "self_confidence", "suggested_confidence")


def make_report_page(
    run: FinishedRun,
    *,
    top: int = TOP,
    data: str = "",
    pictures: bool = True,
    forms: Collection[str] = ("html",),
    image_root: str = "",
    notify: Listener = ignore,
) -> ReportPage:
    """Return the content of a report in some ``FORMATS``; the other arguments are those of ``labelscan.report``.

    Raises:
        DatasetError: ``data`` is not the data of the run. Data that is missing and not named is only noted.
        UsageError: ``data`` is named, and none is opened.
    """
    scores = run.issues.scores
    flagged = np.flatnonzero(scores["flagged"].to_numpy(dtype=bool))
    shown, sample = records(scores, flagged[:top].tolist()), read_sample(run)
    to_decide = list({one["example_id"]: one for one in (*shown, *sample)}.values())
    kind = kind_of_examples(run, to_decide)
    has_pictures = "html" in forms or ("label-studio" in forms and not image_root)
    is_seen = pictures and (kind == "texts" or has_pictures)
    if data and not is_seen:
        hint = "leave the data out, or ask for a report with pictures"
        raise UsageError(
            "flag-without-effect", "data is named, but the report shows no pictures", where="data", hint=hint
        )
    if data and run.is_of_score:
        hint = "leave it out: images are opened where the path column of the probabilities has them"
        raise UsageError("flag-without-effect", "a report of probabilities opens no data", where="data", hint=hint)
    typical: dict[str, list[Record]] = {}
    if is_seen and kind in ("images", "texts"):
        classes = [one[name] for one in to_decide for name in ("given_label", "suggested_label")]
        typical = {name: records(scores, rows) for name, rows in choose_typical(scores, classes).items()}
    if not is_seen or kind == "probabilities":
        seen = ShownExamples(kind=kind, no_picture=LEFT_OUT if kind in ("images", "texts") else "")
    else:
        conflicts = run.summary.label_conflicts if kind == "texts" else ()
        same = [dataclasses.asdict(group[0]) for group in conflicts]  # the others are like the first
        beside = [*chain.from_iterable(typical.values()), *same]
        seen = show_examples(run, to_decide, beside, data=data, notify=notify)
    by_id = {one["example_id"]: _suspect(one, seen) for one in to_decide}
    suspects = tuple(by_id[one["example_id"]] for one in shown)
    return ReportPage(
        run=str(run.folder),
        data_fingerprint=run.record.data.fingerprint,
        summary=run.summary,
        facts=make_run_facts(run),
        class_names=tuple(one.class_name for one in run.summary.class_health),
        suspects=suspects,
        n_flagged=len(flagged),
        measurement=make_measurement(run, [by_id[one["example_id"]] for one in sample], suspects),
        typical=_typical(typical, seen),
        beginnings=seen.beginnings,
        kind=seen.kind,
        notes=seen.notes,
        directory=run.record.directory,
        image_root=image_root,
    )


def write_report(run: FinishedRun, page: ReportPage, form: str, path: Path | None = None, *, data: str = "") -> Path:
    """Write the page of a run in one of ``FORMATS`` and return the file.

    Args:
        run: the run that the page is about.
        page: its content.
        form: the name of the format.
        path: None means the usual file of the format in the run folder.
        data: the data if it was named, so that it is not overwritten.

    Raises:
        UsageError: the path is a folder, or a file that is only read.
    """
    file_name = FORMATS[form].file_name
    usual, path = path is None, path or run.folder / file_name
    refuse_only_read(path, run, data=data, makes=FILE_NAMES)
    if path.is_dir():
        raise UsageError(
            "is-a-folder", "this is a folder", where=str(path), hint=f"name a file, as in {path / file_name}"
        )
    written = [run.folder / name for name in (file_name, *FORMATS[form].beside)]
    with in_run_folder(run, written) if usual else nullcontext():
        FORMATS[form].write(page, path)
    return path


def _suspect(one: Record, seen: ShownExamples) -> Suspect:
    name = one["example_id"]
    picture, text, row = seen.pictures.get(name), seen.texts.get(name), seen.rows.get(name, ())
    numbers = {key: None if math.isnan(one[key]) else float(one[key]) for key in NUMBERS}
    return Suspect(
        rank=int(one["rank"]),
        example_id=name,
        path=one["path"],
        given_label=one["given_label"],
        suggested_label=one["suggested_label"],
        error_probability=numbers["error_probability"],
        self_confidence=numbers["self_confidence"],
        suggested_confidence=numbers["suggested_confidence"],
        flagged_by=tuple(filter(None, one["flagged_by"].split("|"))),
        true_label=one.get(TRUE_LABEL),
        picture=picture,
        no_picture="" if picture or text else seen.reasons.get(name, seen.no_picture),
        features=seen.features.get(name, ()),
        row=row[:MOST_COLUMNS],
        n_more_columns=max(len(row) - MOST_COLUMNS, 0),
        text=text,
    )


def _typical(typical: Mapping[str, Sequence[Record]], seen: ShownExamples) -> dict[str, tuple[TypicalExample, ...]]:
    """Return the typical examples that can be seen, by class; without any there is nothing to compare with."""
    found: dict[str, tuple[TypicalExample, ...]] = {}
    for name, examples in typical.items():
        for example_id in (one["example_id"] for one in examples):
            picture, text = seen.pictures.get(example_id), seen.beginnings.get(example_id, "")
            if picture or text:
                shown = TypicalExample(example_id=example_id, picture=picture, text=text)
                found[name] = (*found.get(name, ()), shown)
    return found
