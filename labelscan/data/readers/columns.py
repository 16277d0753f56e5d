"""Which column holds what: set by the user, or found by its usual names.

The wrong column gives a plausible but wrong result, so two candidates are an error, not a guess.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from fnmatch import fnmatchcase

from labelscan.config import DatasetConfig
from labelscan.data.readers.sheet import Sheet
from labelscan.data.readers.unsupported import refuse_columns
from labelscan.errors import DatasetError, Problem, nearest_name

ROLE_SETTINGS = frozenset(["split", "label_column", "true_label_column", "id_column", "group_column", "split_column"])
"""Those that every sheet uses."""
Tiers = tuple[tuple[str, ...], ...]
"""Usual names; one of an earlier tier wins over those of later ones."""

USUAL_NAMES: Mapping[str, Tiers] = {
    "path": (
        ("path",),
        ("file_path", "filepath", "image_path", "img_path"),
        ("file", "filename", "file_name", "fname", "image", "image_file", "image_name", "img", "img_name"),
    ),
    "label": (
        ("label", "given_label", "given_labels", "labels"),
        ("class", "class_name", "target", "targets", "y", "category", "noisy_label"),
        ("sentiment", "topic", "intent"),
    ),
    "true_label": (("true_label", "true_labels"), ("clean_label", "correct_label", "true_class", "gold_label")),
    "id": (("example_id",), ("id", "uid", "uuid")),
    "group": (("group", "group_id", "groups"), ("patient", "patient_id", "subject", "subject_id", "scene", "scene_id")),
    "split": (("split",), ("subset", "partition")),
}
ROW_NUMBERS = ("", "index", "unnamed: 0", "__index_level_0__")
"""What pandas and R call the column of row numbers that they write in front, in lower case."""
NEVER_SEEN: Mapping[str, Tiers] = {**USUAL_NAMES, "label": USUAL_NAMES["label"][:1], "path": (), "group": ()}
"""Usual names of columns that tell a model the label or which row it sees, also where another one has the role."""
MOST_NAMED = 10
"""How many columns a note names."""


@dataclass(frozen=True, slots=True)
class Columns:
    """The names of the columns by what they hold; empty where there is none."""

    path: str
    label: str
    true_label: str = ""
    id: str = ""
    group: str = ""
    split: str = ""

    def used(self) -> list[str]:
        """Return the names of the columns that hold something, each once."""
        return list(dict.fromkeys(filter(None, asdict(self).values())))

    def describe(self) -> str:
        """Return which columns hold what, as a note for the user."""
        found = [f"{role.replace('_', ' ')} from {name!r}" for role, name in asdict(self).items() if name]
        return f"columns: {', '.join(found)}"


def find_columns(
    names: Sequence[str],
    config: DatasetConfig,
    *,
    where: str,
    with_path: bool,
    label_hint: Callable[[Sequence[str]], str] = lambda _: "",
    beside: Sequence[str] = (),
) -> Columns:
    """Return which of the columns ``names`` hold what, or raise DatasetError.

    A file that lists images needs a path column, a table of features has none. Columns that models may see come first
    for it; beside embeddings any will do. ``label_hint`` says which of the columns without a role may be the labels,
    where none is found. Columns ``beside`` have no role, and are only named where one is missing.
    """
    seen = [name for name in names if name == config.path_column or is_seen(name, config)]
    path_names = seen if has_path(seen, config) else names
    found = {
        role: find_column(role, path_names if role == "path" else names, getattr(config, f"{role}_column"), where=where)
        for role in USUAL_NAMES
        if with_path or role != "path"
    }
    if not found["label"]:
        refuse_columns(names, where)
    if with_path and not found["path"]:
        raise missing("path column", names, where=where, hint=_how_to_name("path"))
    if not found["label"]:
        hint = label_hint([name for name in names if name not in found.values()])
        raise missing("label column", [*names, *beside], where=where, hint=hint or _how_to_name("label"))
    return Columns(**{"path": "", **found})


def find_column(
    role: str,
    names: Collection[str],
    asked: str,
    *,
    where: str,
    hint: str = "",
    what: str = "{} column",
    usual_names: Mapping[str, Tiers] = USUAL_NAMES,
) -> str:
    """Return the column that the user ``asked`` for, else the usual one for its role, else an empty string.

    Raise DatasetError if the column ``asked`` for is missing, or if there are two candidates; ``hint`` says what to do
    then if no option names the column. Messages call it ``what``, with its role filled in.
    """
    flag, what = f"--{role.replace('_', '-')}-column", what.format(role.replace("_", " "))
    if asked and asked not in names:
        raise missing(what, names, where=where, hint=f"name one of them by {flag}", asked=asked)
    return asked or pick(names, usual_names[role], what=what, where=where, hint=hint or f"say which by {flag}")


def check_choice(names: Sequence[str], config: DatasetConfig, *, where: str) -> None:
    """Raise DatasetError for a name or pattern of ``config.include`` or ``config.exclude`` that no column has."""
    for setting in ("include", "exclude"):
        for pattern in getattr(config, setting):
            if not any(_matches(name, [pattern]) for name in names):
                raise missing("column", names, where=where, hint=f"--{setting} takes names or patterns", asked=pattern)


def feature_columns(
    names: Sequence[str], columns: Columns, config: DatasetConfig, *, where: str
) -> tuple[list[str], list[str]]:
    """Return the columns that models see, and a note on those that they must not, if any.

    They see columns without a role, among ``config.include`` and not in ``config.exclude``. One that is called like
    labels, ids or splits must have its name in ``config.include``: a second column of labels gives the first away.

    Raises:
        DatasetError: no column is left.
    """
    free = [name for name in names if name not in columns.used() and is_seen(name, config)]
    called = {name for tiers in NEVER_SEEN.values() for tier in tiers for name in _candidates(free, tier)}
    dropped = [name for name in free if name in called.difference(config.include)]
    features = [name for name in free if name not in dropped]
    if not features:
        hint = "a table needs columns besides its label"
        raise DatasetError(
            "no-columns",
            "no feature columns",
            where=where,
            hint=f"{hint}; --include and --exclude leave none" if config.include or config.exclude else hint,
        )
    called_like = "columns dropped that are called like labels, ids or splits"
    return features, [
        f"{called_like}: {', '.join(map(repr, dropped))}; --include with a name keeps it"
    ] if dropped else []


def asked_columns(names: Sequence[str], config: DatasetConfig) -> list[str]:
    """Return those of ``names`` that ``config.include`` asks for."""
    return [name for name in names if _matches(name, config.include)]


def _matches(name: str, patterns: Sequence[str]) -> bool:
    return any(name == pattern or fnmatchcase(name, pattern) for pattern in patterns)


def check_cells(rows: Sheet, columns: Columns) -> None:
    """Raise DatasetError where a path, label, id, group or true label is empty, or a label is a list of labels."""
    odd = [
        (row, name, cell.strip())
        for name in columns.used()
        if name != columns.split
        for row, cell in enumerate(rows.columns[name])
        if not cell.strip() or (name == columns.label and cell[0] + cell[-1] == "[]" and "," in cell)
    ]

    def problem(one: tuple[int, str, str]) -> Problem:
        row, name, cell = one
        if cell:
            hint = "several labels for one example are not supported: write one"
            return Problem("several-labels", f"{name!r} is the list {cell}", rows.where(row), hint)
        needed = name in (columns.path, columns.label)
        hint = f"write a value, or leave out the {'row' if needed else 'column'}"
        if needed and columns.split:
            hint += "; --split names the splits to read"
        return Problem("empty-cell", f"{name!r} is empty", rows.where(row), hint)

    DatasetError.refuse(odd, problem)


def free_columns(names: Sequence[str], config: DatasetConfig) -> list[str]:
    """Return those of the columns ``names`` that have no role, and that models may see as far as the settings say."""
    taken: set[str] = set()
    for role, tiers in USUAL_NAMES.items():
        usual = next(filter(None, (_candidates(names, tier) for tier in tiers)), [])
        taken.update([getattr(config, f"{role}_column")] if getattr(config, f"{role}_column") else usual)
    return [name for name in names if name not in taken and is_seen(name, config)]


def is_seen(name: str, config: DatasetConfig) -> bool:
    """Return whether models may see a column by ``include`` and ``exclude``, whose patterns are those of file names."""
    return (not config.include or _matches(name, config.include)) and not _matches(name, config.exclude)


def has_path(names: Sequence[str], config: DatasetConfig) -> bool:
    """Return whether a file with these columns lists files, and is not a table of features."""
    return bool(config.path_column) or any(_candidates(names, tier) for tier in USUAL_NAMES["path"])


def pick(names: Collection[str], tiers: Tiers, *, what: str, where: str, hint: str) -> str:
    """Return the one of ``names`` that is usual for ``what``, or an empty string; two are a DatasetError."""
    for tier in tiers:
        candidates = _candidates(names, tier)
        if len(candidates) > 1:
            both = " and ".join(map(repr, candidates))
            raise DatasetError("which-column", f"{both} could both be the {what}", where=where, hint=hint)
        if candidates:
            return candidates[0]
    return ""


def not_used(names: Sequence[str], hint: str) -> list[str]:
    """Return the note on columns that are not used, and what to do if they should be; none where there are none."""
    there = [name for name in names if name.strip().lower() not in ROW_NUMBERS]
    more = f" and {len(there) - MOST_NAMED:,} more" if len(there) > MOST_NAMED else ""
    return [f"columns not used: {', '.join(there[:MOST_NAMED])}{more}: {hint}"] if there else []


def usual(role: str) -> str:
    """Return the usual names of a column as words, for a hint."""
    *names, last = [name for tier in USUAL_NAMES[role] for name in tier]
    return f"{', '.join(names)} or {last}"


def missing(what: str, names: Collection[str], *, where: str, hint: str, asked: str = "") -> DatasetError:
    """Return the error for a column or array that is not there, which lists those there are."""
    nearest = nearest_name(asked, names) if asked else ""
    there = ", ".join(repr(name) for name in names) or "nothing"
    return DatasetError(
        "no-column",
        f"no {what}{f' called {asked!r}' if asked else ''}; there are {there}",
        where=where,
        hint=f"did you mean {nearest!r}?" if nearest else hint,
    )


def _how_to_name(role: str) -> str:
    return f"name it by --{role}-column, or call it {usual(role)}"


def _candidates(names: Collection[str], tier: Sequence[str]) -> list[str]:
    return [name for name in names if name.strip().lower().replace(" ", "_").replace("-", "_") in tier]
