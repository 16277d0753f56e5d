"""report.html: a run on one page that needs no other file, with its suspects to review by keyboard.

Template, style and scripts are in assets/ and go into the page unchanged. Everything that comes from the data is text
there: the template escapes it, the scripts never read it as HTML, and the page's content security policy lets nothing
else run, load or connect.
"""

import base64
import dataclasses
import hashlib
import json
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from labelscan.correction.decisions import COLUMNS, VERDICTS
from labelscan.detection.decisions.decided_labels import constants
from labelscan.detection.decisions.interval import interval_constants
from labelscan.detection.protocol import POSTERIOR
from labelscan.files.atomic import replacing
from labelscan.reporting.page import Measurement, ReportPage
from labelscan.results.columns import AGREEMENT, CLASS, EXAMPLES, FLAGGED, PROBABLY_WRONG, QUALITY, SHARE
from labelscan.results.health import MANY_FLAGGED
from labelscan.results.wrong_labels import MAY_BE_RIGHT, decided_in_words
from labelscan.runs.files import DECISIONS_FILE
from labelscan.wording.words import rounded

ASSETS = Path(__file__).parents[1] / "assets"
TEMPLATE, STYLE = "page.html.jinja", "page.css"
PAGE_SCRIPTS = ("page.js",)
REVIEW_SCRIPTS = (
    *("decisions.js", "saving.js", "cards.js", "gallery.js", "chooser.js"),
    *("posterior.js", "interval.js", "curve.js", "measure.js", "review.js"),
)
"""The scripts of a page with labels to decide, in the order in which they need each other."""
SIZES, USUAL_SIZE = (25, 50, 100), 50
"""How many labels a measurement may decide."""
GATE_LIMIT = 0.02
"""The limit that the page suggests for a gate: a share of suspects."""
MOST_CLASSES_IN_HEAT_MAP = 40
"""With more, the numbers of the noise matrix would be too small to read."""
MOST_CLASSES_IN_HEALTH = 1000
HEAT_STEPS = 8
IN_THE_BANNER = "the models learned nothing"
"""The start of the warning that the banner already gives."""
_ESCAPES = str.maketrans({character: f"\\u{ord(character):04x}" for character in "<>&\u2028\u2029"})


def write_html(page: ReportPage, path: Path) -> None:
    """Write the report of a run as HTML."""
    with replacing(path) as file:
        file.write(render_html(page))


def render_html(page: ReportPage) -> str:
    """Return the page as one HTML document, the same for the same content."""
    names = PAGE_SCRIPTS + (REVIEW_SCRIPTS if page.suspects or page.measurement else ())
    worst_first = sorted(page.summary.class_health, key=lambda one: -one.estimated_wrong_labels)
    style, *scripts = [(ASSETS / name).read_text(encoding="utf-8") for name in (STYLE, *names)]
    n_to_decide = len(page.measurement.to_decide) if page.measurement else 0
    environment = Environment(
        loader=FileSystemLoader(ASSETS),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"count": "{:,.0f}".format, "in_100": _in_100, "per_cent": _per_cent}
    environment.filters["decided"] = decided_in_words
    return environment.get_template(TEMPLATE).render(
        page=page,
        summary=page.summary,
        self_check=page.summary.self_check,
        warnings=[one for one in page.summary.warnings if not one.startswith(IN_THE_BANNER)],
        most_believed=MANY_FLAGGED,
        may_be_right=MAY_BE_RIGHT,
        names=page.class_names,
        health=worst_first[:MOST_CLASSES_IN_HEALTH],
        heat_map=_heat_map(page.summary.noise_matrix),
        class_columns=(CLASS, EXAMPLES, FLAGGED, SHARE, PROBABLY_WRONG, AGREEMENT),
        truth_columns=(FLAGGED, *QUALITY),
        policy=_policy(style, scripts, saves=bool(page.save_to)),
        style=Markup(style),  # noqa: S704  # our own file
        scripts=[Markup(script) for script in scripts],  # noqa: S704  # our own files
        content=Markup(_as_json(_content(page))),  # noqa: S704  # JSON that no text in it can end
        commands=_commands(page),
        sizes=sorted({min(size, n_to_decide) for size in SIZES}),
        usual_size=min(USUAL_SIZE, n_to_decide),
    )


def _policy(style: str, scripts: list[str], *, saves: bool) -> str:
    allowed = {
        "default-src": "'none'",
        "img-src": "data:",
        "style-src": _hash(style),
        "script-src": " ".join(map(_hash, scripts)),
        "connect-src": "'self'" if saves else "'none'",
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    return "; ".join(f"{name} {value}" for name, value in allowed.items())


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _commands(page: ReportPage) -> dict[str, str]:
    """Return what to run when the review is done, by the name of the command."""
    run = shlex.quote(page.run)
    saved = shlex.quote(str(Path(page.run, DECISIONS_FILE))) if page.save_to else DECISIONS_FILE
    # A served page saves where apply looks without being asked.
    apply = f"labelscan apply {run}" if page.save_to else f"labelscan apply {run} --decisions {saved}"
    decisions = f"--decisions {saved}"
    return {"apply": apply, "decisions": decisions, "gate": f"labelscan gate {run} {decisions} --max-rate {GATE_LIMIT}"}


def _content(page: ReportPage) -> dict[str, object]:
    """Return the data of the scripts."""
    shown = {one.example_id for one in page.suspects}
    to_decide = page.measurement.to_decide if page.measurement else ()
    return {
        "fingerprint": page.data_fingerprint,
        "save_to": page.save_to,
        "kind": page.kind,
        "columns": list(COLUMNS),
        "verdicts": VERDICTS,
        "file_name": DECISIONS_FILE,
        "class_names": page.class_names,
        "suspects": [dataclasses.asdict(one) for one in page.suspects],
        "others": [dataclasses.asdict(one) for one in to_decide if one.example_id not in shown],
        "measurement": _measurement(page, page.measurement) if page.measurement else None,
        "typical": {name: [dataclasses.asdict(one) for one in examples] for name, examples in page.typical.items()},
    }


def _measurement(page: ReportPage, measurement: Measurement) -> dict[str, object]:
    wrong = page.summary.wrong_labels
    return {
        "constants": constants() | interval_constants(),
        "to_decide": [one.example_id for one in measurement.to_decide],
        "centres": rounded(measurement.centres),
        "stretches": measurement.stretches,
        "error_odds": rounded(measurement.error_odds),
        "cells": measurement.cells,
        "strata": measurement.strata,
        "number_by_agreement": measurement.number_by_agreement,
        "n_flagged": page.n_flagged,
        "is_ranked_by_log_odds": page.summary.detector.partition(":")[0] == POSTERIOR,
        "n_decided": wrong.n_decided if wrong.source == "decisions" else 0,
        "is_rescored": measurement.is_rescored,
        "before": [before.low_left, before.high_left, before.n_decided] if (before := wrong.before) else None,
    }


def _as_json(content: Mapping[str, object]) -> str:
    """Return JSON that is safe inside a script element, whatever strings it has."""
    return json.dumps(content, separators=(",", ":"), allow_nan=False).translate(_ESCAPES)


def _heat_map(matrix: Sequence[Sequence[float]] | None) -> list[list[tuple[str, str]]]:
    """Return the text of each value of the noise matrix and the CSS class of its colour; nothing if it is too large."""
    if matrix is None or len(matrix) > MOST_CLASSES_IN_HEAT_MAP:
        return []
    most = max((value for i, row in enumerate(matrix) for j, value in enumerate(row) if i != j), default=0.0) or 1.0

    def cell(value: float, *, is_right: bool) -> tuple[str, str]:
        # Correct labels have no heat: they would outshine all others.
        look = "right" if is_right else f"heat-{round(HEAT_STEPS * (value / most) ** 0.5)}"
        return _in_100(value), look

    return [[cell(value, is_right=i == j) for j, value in enumerate(row)] for i, row in enumerate(matrix)]


def _in_100(value: float) -> str:
    if value < 0.0005:
        return "0"
    return f"{100 * value:.1f}" if value < 0.0995 else f"{100 * value:.0f}"


def _per_cent(value: float | None) -> str:
    if value is None:
        return "–"
    number = "< 0.1" if 0 < value < 0.0005 else _in_100(value)
    return f"{number} %".replace(" ", "\N{NO-BREAK SPACE}")
