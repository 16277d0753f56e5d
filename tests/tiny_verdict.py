"""A verdict with labels of every nasty kind, small enough to be checked by hand."""

from finished import some_wrong

from labelscan.gating.baseline import NEW_BASELINE
from labelscan.gating.verdict import Check, GateSuspect, GateVerdict

NASTY = ("<script>alert(1)</script>", "a\"b'c,d:e%f|g`h&amp;", "dog\x1b[2J\x00\ufffe", "\u202etac\r\n::error::x ]]>")


def a_suspect(
    number: int = 0, *, given_label: str = "cat", suggested_label: str = "dog", path: str = "", is_new: bool = True
) -> GateSuspect:
    return GateSuspect(
        example_id=f"{number:02}",
        path=path or f"photos/{number:02}.png",
        line=number + 2,
        given_label=given_label,
        suggested_label=suggested_label,
        error_probability=0.75,
        is_new=is_new,
    )


def nasty_suspects() -> tuple[GateSuspect, ...]:
    return tuple(
        a_suspect(number, given_label=label, suggested_label=NASTY[number - 1], path=f"photos/{label}/{number}.png")
        for number, label in enumerate(NASTY)
    )


def a_verdict(
    suspects: tuple[GateSuspect, ...] = (), *, limit: int = 0, baseline: str = "", source: str = ""
) -> GateVerdict:
    """Return a verdict of 100 labels with a limit on the number of suspects, and one that is kept."""
    found = len(suspects)
    return GateVerdict(
        run="runs/my pets",
        data="pets",
        source=source,
        issues="runs/my pets/issues.csv",
        checks=(
            Check(name="max-issues", limit=limit, found=found, passed=found <= limit, sentence=f"{found} suspects"),
            Check(name="max-rate", limit=0.5, found=found / 100, passed=True, sentence="few suspects"),
        ),
        n_scored=100,
        n_flagged=found,
        min_error_probability=0.5,
        suspects=suspects,
        baseline=baseline,
        accepts_into=baseline or NEW_BASELINE,
        gone=(),
        relabelled=(),
        wrong_labels=some_wrong(),
        is_as_written=True,
        decisions="",
        warnings=("a *warning*",),
    )
