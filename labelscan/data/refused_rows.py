"""What no data has, wherever it was read from: text without bytes, an id twice, labels that are no classes.

Also how a file that cannot be read is refused.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from labelscan.errors import DatasetError, Problem
from labelscan.files.reading import why

MANY_CLASSES = 100
"""Up to this many classes a label may be as rare as it likes; with more, classes must have 2 examples on average."""
MOST_SHOWN = 300
"""How many characters of a text a message shows."""

MANY_MEASURED = 20
"""Up to this many different numbers with fractions may be classes; of more, each must have 10 examples on average."""
MASKS = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".npy")
SEPARATORS = ";|,"
"""What stands between several labels in one text."""


@contextmanager
def reading(where: str, hint: str, errors: tuple[type[Exception], ...] = (OSError,)) -> Iterator[None]:
    """Raise DatasetError for a file that cannot be read, which one of ``errors`` shows."""
    try:
        yield
    except errors as error:
        raise DatasetError("unreadable", f"cannot be read ({why(error)})", where=where, hint=hint) from error


def check_number_of_classes(class_names: Sequence[str], n_examples: int, name: str) -> None:
    """Raise DatasetError where labels are of one class, or of so many that they are no classes."""
    if len(class_names) < 2:
        problem = f"every label is {class_names[0]!r}: with 1 class there is nothing to confuse"
        raise DatasetError("one-class", problem, where=name, hint="give at least 2 classes")
    are_measured = _are_measured(class_names)
    most = max(MANY_MEASURED, n_examples // 10) if are_measured else max(MANY_CLASSES, n_examples // 2)
    if len(class_names) > most:
        shown = f"such as {class_names[0]!r} and {class_names[1]!r}"
        problem = f"{len(class_names):,} different labels for {n_examples:,} examples, {shown}"
        hint = "labels must be classes, not measured numbers or ids; set --label-column if it is another"
        if are_measured:
            hint += ", or make classes of the numbers, as pandas.cut does"
        raise DatasetError("too-many-classes", problem, where=name, hint=hint)


def refuse_other_tasks(class_names: Sequence[str], name: str) -> None:
    """Raise DatasetError where labels are files of masks, or several labels in one text."""
    if all(class_name.lower().endswith(MASKS) for class_name in class_names):
        problem = f"the labels are files such as {class_names[0]!r}, not classes"
        hint = "labelscan judges one label an example: cut out what a mask marks as an image of its own, with its class"
        raise DatasetError("too-many-classes", problem, where=name, hint=hint)
    for separator in SEPARATORS:
        joined = [one for one in class_names if separator in one.strip(separator)]
        places = {(part.strip(), place) for one in joined for place, part in enumerate(one.split(separator))}
        parts = {part for part, _ in places}
        # In a name of two halves, such as plants|oak, each half has its place, and none is a class.
        mixed = len(joined) >= len(parts) and len(places) > len(parts)
        if len(joined) > 1 and (mixed or parts <= {one.strip() for one in class_names}):
            problem = f"labels such as {joined[0]!r} are several, and labelscan judges one label an example"
            hint = "judge each class in a run of its own, as yes or no; "
            hint += f"if each combination is a class, write it without {separator!r}"
            raise DatasetError("too-many-classes", problem, where=name, hint=hint)


def _are_measured(labels: Sequence[str]) -> bool:
    """Return whether labels are numbers, some of them with fractions."""
    try:
        return max(float(label) % 1 for label in labels) > 0  # NaN is not
    except ValueError:
        return False


def is_utf_8(text: str) -> bool:
    """Return whether UTF-8 can encode a text: lone surrogates, as in ``\\udce9``, have no bytes there.

    Python puts them into file names that are in another encoding, and JSON can spell them.
    """
    try:
        return text.isascii() or bool(text.encode("utf-8"))
    except UnicodeEncodeError:
        return False


def refuse_broken_text(columns: Mapping[str, Iterable[str] | None], where: Callable[[int], str]) -> None:
    """Raise DatasetError for cells that UTF-8 cannot encode; ``columns`` has them by what they are."""
    broken = [
        (row, what, cell)
        for what, cells in columns.items()
        for row, cell in enumerate(cells if cells is not None else ())
        if not is_utf_8(cell)
    ]
    hint = "write it again; rename a file, or mount its disk with another encoding"

    def problem(one: tuple[int, str, str]) -> Problem:
        row, what, cell = one
        shown = repr(cell) if len(cell) <= MOST_SHOWN else f"{cell[:MOST_SHOWN]!r}..."
        return Problem("not-utf8", f"the {what} {shown} is not UTF-8", where(row), hint)

    DatasetError.refuse(broken, problem)


def repeated_ids(example_ids: Sequence[str], where: Callable[[int], str]) -> list[Problem]:
    """Return a problem for each row that has the id of an earlier one."""
    if len(set(example_ids)) == len(example_ids):
        return []
    first: dict[str, int] = {}
    hint = "keep one row for each example, with one label; or name another column of ids by --id-column"
    return [
        Problem("id-twice", f"example {one!r} is listed twice, first at {where(first[one])}", where(row), hint)
        for row, one in enumerate(example_ids)
        if first.setdefault(one, row) != row
    ]
