"""``labelscan score PROBS``: the detectors alone, on out-of-fold probabilities made elsewhere."""

import os
from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from labelscan.cli import completion, option_values, options
from labelscan.cli.detect import TOP
from labelscan.cli.option_values import read_count
from labelscan.config import resolve


def score(
    probs: Annotated[
        str,
        Argument(
            metavar="PROBS",
            help="An .npz with pred_probs and given_labels, or a .csv or .parquet with a label column and one column "
            "prob:<class> a class.",
        ),
    ],
    detector: Annotated[
        str | None,
        Option(
            metavar="DETECTOR",
            help="Whose flags lead, as in confident-learning:filter_by=both." + options.default("detection.detector"),
            autocompletion=completion.detectors,
        ),
    ] = None,
    label_column: Annotated[str, Option(metavar="NAME", help="[default: by its usual names]")] = "",
    output: Annotated[
        Path | None,
        Option("--output", "-o", metavar="FOLDER", help="Run folder. [default: labelscan-runs/<name>-<8 digits>]"),
    ] = None,
    fresh: Annotated[bool, Option("--fresh", help="Delete what an earlier run left in the folder.")] = False,
    top: Annotated[str, Option(metavar="N", help=f"Suspects shown. [default: {TOP}]")] = TOP,
    as_json: Annotated[bool, Option("--json", help="Write the summary as JSON to stdout.")] = False,
    quiet: Annotated[bool, Option("--quiet", "-q", help="Write only errors, and the path of issues.csv.")] = False,
    verbose: Annotated[bool, Option("--verbose", "-v", help="Tell of every step.")] = False,
    debug: options.DebugUnderNoHeading = False,
) -> None:
    """Judge labels by probabilities that you have already.

    They must be out of fold: each example predicted by a model that has not seen it, as by scikit-learn's
    cross_val_predict. Predictions of a model for its own training examples hide its errors.
    """
    option_values.refuse_both("--quiet", quiet, "--verbose", verbose)
    n_shown = read_count(top, where="--top")
    _ = debug  # heeded where errors are caught
    settings = resolve(flags={"detection.detector": detector}, environment=os.environ)
    import labelscan
    from labelscan.cli import progress, run_screen  # rich and pandas load here, not for --help

    with progress.shown(quiet=quiet, verbose=verbose) as listener:
        run = labelscan.score(
            probs,
            detector=settings.detection.detector,
            label_column=label_column,
            output=output,
            fresh=fresh,
            notify=listener,
        )
    run_screen.show(run, top=n_shown, as_json=as_json, quiet=quiet, told=listener.told)
