"""Made-up measurements of a benchmark: two noises, two losses, two detectors, as seen in its tables and plot."""

from labelscan.benchmarking.scoreboard import Scoreboard, in_order

NOISES, LOSSES, DETECTORS = ("symmetric:0.1", "pair:0.2"), ("ce", "blurry:gamma=0.4"), ("first|detector", "second")
F1 = {"ce": (0.5, 0.625, 0.75), "blurry:gamma=0.4": (0.625, 0.625, 0.875)}


def a_measurement(*, loss="ce", seed=0, f1=0.5, noise=NOISES[0], detector=DETECTORS[0], ranking=0.75, ceiling=None):
    return {
        "noise": noise,
        "detector": detector,
        "loss": loss,
        "seed": seed,
        "n_errors": 10,
        "n_flagged": 12,
        "f1": f1,
        "precision": 0.5,
        "recall": 0.75,
        "balanced_accuracy": 0.875,
        "auroc": ranking,
        "average_precision": ranking,
        "precision_at_k": ranking,
        "out_of_fold_accuracy": 0.9375,
        "fold_seconds": 12.5,
        "f1_ceiling": ceiling,
    }


def a_scoreboard(**changes) -> Scoreboard:
    """Return a table in which the last seed of the second noise is missing."""
    measurements = [
        a_measurement(noise=noise, detector=detector, loss=loss, seed=seed, f1=f1)
        for noise, n_seeds in zip(NOISES, (3, 2), strict=True)
        for detector in DETECTORS
        for loss in LOSSES
        for seed, f1 in enumerate(F1[loss][:n_seeds])
    ]
    fields = {
        "data": "shapes",
        "n_examples": 100,
        "noises": NOISES,
        "losses": LOSSES,
        "detectors": DETECTORS,
        "seeds": (0, 1, 2),
        "measurements": measurements,
        "failures": {"pair:0.2, ce, seed 2": "training <diverged>"},
        "missing": ("pair:0.2, blurry:gamma=0.4, seed 2",),
        "notes": ("a note",),
        "planter": "",
        **changes,
    }
    order = {"noise": fields["noises"], "detector": fields["detectors"], "loss": fields["losses"]}
    fields["measurements"] = in_order(fields["measurements"], **order, seed=fields["seeds"])
    return Scoreboard(**fields)
