"""labelscan with the model, epochs, folds and batch size of the usual way: only the engine differs.

    python tests/bench/same_model.py ARCHIVE LABELS TRUE OUTPUT

Prints one line of JSON with F1 and what confident learning flags.
"""

import json
import sys
from pathlib import Path

import numpy as np
from usual_way import BATCH, EPOCHS, FOLDS, TwoConvolutions

import labelscan
from labelscan.data.readers.arrays import dataset_from_arrays


def main(archive: str, labels: str, true: str, output: str) -> None:
    """Run once in a fresh folder."""
    with np.load(archive) as content:
        dataset = dataset_from_arrays(content["images"], content[labels], true_labels=content[true])
    settings = labelscan.settings(
        loss="ce", epochs=EPOCHS, folds=FOLDS, batch_size=BATCH, overrides={"training.augment": "none"}
    )
    run = labelscan.detect(dataset, settings=settings, model=TwoConvolutions, output=Path(output), fresh=True)
    assert run.summary.against_truth is not None
    quality = run.summary.against_truth.quality["confident-learning"]
    print(json.dumps({"f1": quality.f1, "flagged": quality.n_flagged}))


if __name__ == "__main__":
    main(*sys.argv[1:])
