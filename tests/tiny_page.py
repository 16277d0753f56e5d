"""A report of twelve pets with everything in it, made by hand."""

import dataclasses
from base64 import b64encode
from io import BytesIO

import msgspec
import numpy as np
from PIL import Image

from labelscan.detection.decisions.decided_labels import Bins
from labelscan.reporting.page import (
    FeatureNote,
    Measurement,
    Picture,
    ReportPage,
    ShownText,
    Suspect,
    TypicalExample,
)
from labelscan.results.summary import Summary
from labelscan.results.wrong_labels import WrongLabels

CLASSES = ("cat", "dog", "fox")


def a_picture(shade: int = 90, *, side: int = 8) -> Picture:
    content = BytesIO()
    Image.new("L", (side, side), shade).save(content, format="PNG")
    uri = f"data:image/png;base64,{b64encode(content.getvalue()).decode()}"
    return Picture(uri=uri, width=side, height=side, tiny=side <= 64)


def a_suspect(rank: int = 1, **changes: object) -> Suspect:
    given, suggested = CLASSES[rank % 3], CLASSES[(rank + 1) % 3]
    values: dict[str, object] = {
        "rank": rank,
        "example_id": f"{rank:02}.png",
        "path": f"pets/{rank:02}.png",
        "given_label": given,
        "suggested_label": suggested,
        "error_probability": round(0.99 - rank / 100, 2),
        "self_confidence": 0.0625,
        "suggested_confidence": 0.875,
        "flagged_by": ("confident-learning", "noise-posterior")[: 1 + rank % 2],
        "true_label": None,
        "picture": a_picture(20 * rank % 256),
        "no_picture": "",
        "features": (),
    }
    return Suspect(**(values | changes))  # type: ignore[arg-type]


def a_summary(class_names: tuple[str, ...] = CLASSES, **changes: object) -> Summary:
    n_classes = len(class_names)
    share = 0.1 / max(n_classes - 1, 1)
    summary: dict[str, object] = {
        "data": "pets",
        "n_examples": 1200,
        "n_scored": 1190,
        "n_unscored": 4,
        "n_unreadable": 6,
        "n_classes": n_classes,
        "detector": "confident-learning",
        "n_flagged": 8,
        "flagged_by": {"confident-learning": 8, "noise-posterior": 4},
        "flagged_by_all": 4,
        "estimated_wrong_labels": 7.5,
        "estimated_noise_rate": 7.5 / 1190,
        "out_of_fold_agreement": 0.94,
        "chance_agreement": 0.33,
        "learned_nothing": False,
        "warnings": ["2 groups of copies with different labels"],
        "notes": ["the folders train and test are pooled"],
        "against_truth": None,
        "confused_pairs": [
            {"given_label": class_names[i], "suggested_label": class_names[(i + 1) % n_classes], "count": 3 - i % 3}
            for i in range(min(n_classes, 20))
        ],
        "class_health": [
            {
                "class_name": name,
                "n_examples": 400,
                "n_scored": 396,
                "n_flagged": 3,
                "flagged_rate": 3 / 396,
                "estimated_wrong_labels": 2.5,
                "out_of_fold_agreement": 0.94,
            }
            for name in class_names
        ],
        "wrong_labels": dataclasses.asdict(an_estimate()),
        "n_label_conflicts": 1,
        "label_conflicts": [
            [{"example_id": "a.png", "given_label": class_names[0]}, {"example_id": "b.png", "given_label": "fox"}]
        ],
        "noise_matrix": [[0.9 if i == j else share for j in range(n_classes)] for i in range(n_classes)]
        if n_classes <= 200
        else None,
    }
    return msgspec.convert(summary | changes, Summary)


def an_estimate(**changes: object) -> WrongLabels:
    values: dict[str, object] = {
        "estimate": 7.5,
        "low": 4.0,
        "high": 12.0,
        "share": 7.5 / 1190,
        "share_low": 4 / 1190,
        "share_high": 12 / 1190,
        "source": "one opinion",
        "n_decided": 0,
        "precision": None,
        "found": None,
        "worth_a_look": None,
        "decisions_to_halve": None,
    }
    return WrongLabels(**(values | changes))  # type: ignore[arg-type]


def a_measurement(
    suspects: tuple[Suspect, ...], *, n: int = 1190, n_flagged: int = 8, n_to_decide: int = 60
) -> Measurement:
    """Return a measurement of every fifth label of the ranking from the fourth on, in an odd order."""
    log_odds = np.linspace(3, -9, n)
    bins = Bins.of(log_odds)
    ranks = [4 + 5 * (7 * place % n_to_decide) for place in range(n_to_decide)]
    by_rank = {one.rank: one for one in suspects}
    to_decide = tuple(by_rank.get(rank) or a_suspect(rank, flagged_by=(), picture=None) for rank in ranks)
    ends = [*range(1, n_flagged + 1), *range(n_flagged + 50, n, 50), n]
    stretches = []
    for start, end in zip([0, *ends], ends, strict=False):
        numbers, sizes = np.unique(bins.of_example[start:end], return_counts=True)
        stretches.append((end, tuple(zip(numbers.tolist(), sizes.tolist(), strict=True))))
    half = n // 2
    cells = (((1, True, n_flagged),) if n_flagged else ()) + ((1, False, half - n_flagged), (0, False, n - half))
    return Measurement(
        to_decide=to_decide,
        centres=tuple(bins.centres.tolist()),
        stretches=tuple(stretches),
        error_odds={
            one.example_id: (float(log_odds[one.rank - 1]), int(bins.of_example[one.rank - 1]))
            for one in (*suspects, *to_decide)
        },
        cells=cells,
        strata={one.example_id: int(one.rank <= half) for one in (*suspects, *to_decide)},
    )


def a_page(**changes: object) -> ReportPage:
    values: dict[str, object] = {
        "run": "labelscan-runs/my pets",
        "data_fingerprint": "0123456789abcdef",
        "summary": a_summary(),
        "facts": (("model", "small-cnn"), ("loss", "blurry:gamma=0.4,delay=4"), ("seed", "0")),
        "class_names": CLASSES,
        "suspects": tuple(a_suspect(rank) for rank in range(1, 9)),
        "n_flagged": 8,
        "typical": {name: (TypicalExample(example_id=f"typical {name}", picture=a_picture(200)),) for name in CLASSES},
    }
    values |= changes
    if "wrong_labels" in values:
        values["summary"] = dataclasses.replace(values["summary"], wrong_labels=values.pop("wrong_labels"))
    return ReportPage(**values)  # type: ignore[arg-type]


def a_feature_note() -> FeatureNote:
    return FeatureNote(name="petal width", value=2.5, usual=0.2, usual_of_suggested=2.0, deviations=12.5)


def a_text_page(**changes: object) -> ReportPage:
    """Return a page of three texts: short, long enough to be folded, and too long for a page."""
    long = "\n".join(f"line {number} of a text that goes on" for number in range(40))
    texts = (
        ShownText(pieces=(("what a ", ""), ("lovely", "given"), (" but ", ""), ("<dull>", "suggested"), (" film", ""))),
        ShownText(pieces=((f"שלום 🎉\n{long}", ""),)),
        ShownText(pieces=((long, ""),), n_left_out=995_000),
    )
    suspects = tuple(
        a_suspect(rank, example_id=f"{rank}", path="", picture=None, text=text)
        for rank, text in enumerate(texts, start=1)
    )
    typical = {name: (TypicalExample(example_id=f"typical {name}", text=f"a text on a {name}"),) for name in CLASSES}
    return a_page(**({"kind": "texts", "suspects": suspects, "n_flagged": 3, "typical": typical} | changes))
