"""``labelscan score PROBS``: the detectors alone, on out-of-fold probabilities made elsewhere."""

from typing import Annotated

from typer import Argument

from labelscan.cli import options
from labelscan.cli.command import Given, command
from labelscan.cli.detect import TOP


@command(keys=("detection.detector", "dataset.label_column"))
def score(
    given: Given,
    probs: Annotated[
        list[str],
        Argument(
            metavar="PROBS",
            help="An .npz with pred_probs and given_labels, or a .csv or .parquet with a label column and a column "
            "prob:<class> for each class. Several files are as many opinions about the same examples.",
        ),
    ],
    fresh: options.Fresh = False,
    decisions: options.Decisions = None,
    output: options.RunFolder = None,
    top: options.Top = TOP,
    as_json: options.AsJson = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
) -> None:
    """Judge labels by probabilities that you already have.

    They must be out of fold: each example predicted by a model that has not seen it, as by scikit-learn's
    cross_val_predict. Predictions of a model for its own training examples hide their errors. Those of several models
    of different kinds, one file each, are pooled: together they find more than the best of them.
    """
    settings = given.resolve()
    import labelscan
    from labelscan.cli import progress, run_screen  # rich and pandas load here, not for --help

    with progress.shown(quiet=quiet, verbose=verbose) as listener:
        run = labelscan.score(
            probs,
            detector=settings.detection.detector,
            label_column=str(given.flags.get("dataset.label_column", "")),  # a variable or config names that of DATA
            output=output,
            fresh=fresh,
            decisions=decisions,
            notify=listener,
        )
    run_screen.show(run, top=top, as_json=as_json, quiet=quiet, reported=listener.reported)
