"""What the cells of a column are: numbers, dates, truth values or text; and which of them hold nothing.

A column is what most of its cells are. What else is among them is refused rather than taken for a gap, since a number
that is misspelt is not one that is missing.
"""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api import types
from pandas.tseries.api import guess_datetime_format

from labelscan.data.refused_rows import is_utf_8

Cells: TypeAlias = "pd.Series[Any]"

MISSING = frozenset(["", "-", "na", "n/a", "nan", "null", "none", "?"])
"""How a number or date that is missing is written, in lower case."""
SEVERAL_VALUES = (list, tuple, set, dict, bytes, np.ndarray)
TRUTH_VALUES = (("false", "true"), ("no", "yes"), ("f", "t"), ("n", "y"))
"""Pairs of words in lower case that stand for false and true."""
MOST_UNITS, NUMBERS_A_UNIT = 3, 3
"""Numbers with units have few units and many numbers, where codes such as 3A, 3B and 4C have about as many of each."""
SHARE_WITH_UNITS = 0.9
"""The least share of cells with a unit, or of numbers where none has one: some addresses begin with a number too."""
NUMBER_WITH_UNIT = (
    r"^(?P<before>[$€£¥₹₩₽₺₫₴<>~≈≤≥±]?) ?"
    r"[+-]?(?P<number>\d{1,3}(?:[.,' ]\d{3})+(?:[.,]\d+)?|\d+(?:[.,]\d+)?)"
    r" ?(?P<after>(?:[^\W\d_]|[%‰°µ$€£¥₹₩₽₺₫₴])[^\d,;]{0,15})?$"
)
"""A number with a sign of money or a word beside it, or with commas in it."""
THOUSANDS = r"[+-]?(?:[1-9]\d{0,2}(?:,\d{3})+|\d+)(?:\.\d+)?"
"""A number that may have commas between its thousands."""
BLANKS = " \N{NO-BREAK SPACE}\N{NARROW NO-BREAK SPACE}"
DECIMAL_COMMA = rf"[+-]?(?:[1-9]\d{{0,2}}(?:[.'{BLANKS}]\d{{3}})+|\d+)(?:,\d+)?"
"""A number that may have a decimal comma, and points or blanks between its thousands."""
TWELVE_HOURS = (" %I:%M %p", " %I:%M:%S %p")
"""Times of day that the format of a date is not guessed with."""
NEVER_MEANT = ("%Y-%d", "%Y/%d", "%Y.%d", "%m.")
"""How formats begin that a guess may give and nobody writes."""
MOST_SHOWN = 200
"""Characters of a message that shows a cell of unknown type."""
TRIED = 100
"""How many different texts say whether it is worth looking at all of them."""


@dataclass(frozen=True, slots=True)
class Column:
    """What the cells of one column are, or what is wrong with them."""

    values: "Cells | None" = None
    """(N,) float64 with NaN, bool, datetime64 in UTC without a time zone, or text; None where some are refused."""
    refused: Sequence[tuple[int, str]] = ()
    """Rows, and what is wrong there."""
    hint: str = ""
    note: str = ""
    """What a user should know about how it was read."""


def read_column(name: str, cells: Cells, where: Callable[[int], str]) -> Column:
    """Return what (N,) cells are; ``where`` returns the place of a row, for those that a message lists beside it."""
    if isinstance(cells.dtype, pd.ArrowDtype) or str(cells.dtype) == "string":  # text that is missing as pd.NA
        cells = cells.astype(object)
    if cells.dtype == object and any(isinstance(cell, SEVERAL_VALUES) for cell in cells):
        return _refused(name, cells, "several values in a cell, or bytes")
    if cells.dtype == object and (broken := [row for row, cell in enumerate(cells) if not is_utf_8(str(cell))]):
        refused = [(row, f"column {name!r} has {cells[row]!r}, which is not UTF-8") for row in broken]
        return Column(refused=refused, hint=f"write it again, or {leave_out(name)}")
    cells = _of_one_type(cells) if cells.dtype == object else cells
    kind = cells.dtype
    if isinstance(kind, pd.CategoricalDtype):
        return Column(_text(cells))  # what is said to be categories stays that, even where all are numbers
    if types.is_bool_dtype(kind) and not cells.isna().any():
        return Column(cells.astype(bool))
    if types.is_timedelta64_dtype(kind):
        return Column(cells.dt.total_seconds(), note=f"times in column {name!r} are read as seconds")
    if types.is_bool_dtype(kind) or (types.is_numeric_dtype(kind) and not types.is_complex_dtype(kind)):
        return _numbers(name, np.asarray(cells.to_numpy(dtype=np.float64, na_value=np.nan), dtype=np.float64))
    if types.is_datetime64_any_dtype(kind):
        return Column(cells.dt.tz_convert(None) if isinstance(kind, pd.DatetimeTZDtype) else cells)
    return _Texts(name, cells).column(where) if types.is_string_dtype(kind) else _refused(name, cells, str(kind))


def _refused(name: str, cells: Cells, holds: str) -> Column:
    row = int(cells.notna().to_numpy().argmax())
    what = f"column {name!r} holds {holds}, as in {cells[row]!r}"[:MOST_SHOWN]
    return Column(refused=[(row, what)], hint=f"turn it into a number, a date or text, or {leave_out(name)}")


def with_decimal_commas(cells: Cells) -> Cells:
    """Return cells of text as numbers where some have a decimal comma, and all are numbers by that alone.

    They stay as they are where 1,234 may be thousands as well.
    """
    texts = cells.str.strip() if types.is_string_dtype(cells.dtype) else pd.Series(dtype=str)
    written = texts[~texts.str.lower().isin(MISSING)]
    are_decimal = written.str.contains(",").any() and written.str.fullmatch(DECIMAL_COMMA).all()
    if not are_decimal or written.str.fullmatch(THOUSANDS).all():
        return cells
    bare = written.str.replace(r"[^\d,+-]", "", regex=True).str.replace(",", ".")
    return pd.to_numeric(bare).astype(np.float64).reindex(cells.index)


def leave_out(name: str) -> str:
    """Return how a column is left out, for a hint."""
    return f"leave the column out by --exclude {name!r}"


def _of_one_type(cells: Cells) -> Cells:
    """Return cells of Python objects as a column of one type, which is text where they are of several."""
    kind = types.infer_dtype(cells, skipna=True)
    if kind in ("floating", "mixed-integer-float", "decimal"):
        return pd.to_numeric(cells.map(float, na_action="ignore"))
    if kind in ("date", "datetime", "datetime64"):
        return pd.to_datetime(cells, utc=True)
    return cells.astype("boolean") if kind == "boolean" else _text(cells)


def _text(cells: Cells) -> Cells:
    """Return cells as text, missing where they are or are empty."""
    if cells.dtype == object or isinstance(cells.dtype, pd.CategoricalDtype):
        values = np.array([None if pd.isna(cell) else str(cell) for cell in cells], dtype=object)
        cells = pd.Series(values)  # of the type that pandas has for text, if all are not missing
    return cells.where(cells != "")


def _numbers(name: str, values: NDArray[np.float64]) -> Column:
    with np.errstate(over="ignore"):
        broken = np.flatnonzero(np.isinf(values.astype(np.float32))).tolist()
    refused = [(row, f"column {name!r} has {values[row]:g}") for row in broken]
    hint = f"write a number below 1e38, or nothing where it is missing; or {leave_out(name)}"
    return Column(refused=refused, hint=hint) if refused else Column(pd.Series(values))


class _Texts:
    """Cells of text in one column, each different one of which is looked at once."""

    def __init__(self, name: str, cells: Cells) -> None:
        self.name, self.cells = name, cells
        self.codes, distinct = pd.factorize(cells)  # -1 where there is none
        self.distinct = pd.Series(distinct).str.strip()
        is_gap = self.distinct.str.lower().isin(MISSING).to_numpy(dtype=bool)
        self.n_rows = np.where(is_gap, 0, np.bincount(self.codes[self.codes >= 0], minlength=len(is_gap)))
        """(U,) how many cells hold each text, 0 for a gap."""

    def column(self, where: Callable[[int], str]) -> Column:
        """Return what most of the cells are."""
        words = frozenset(self.distinct[self.n_rows > 0].str.lower())
        if pair := next((pair for pair in TRUTH_VALUES if words and words <= {*pair}), None):
            return self._truth_values(pair[1])
        numbers = pd.to_numeric(self.distinct, errors="coerce")
        if self.n_rows[numbers.notna().to_numpy()].sum() * 2 > self.n_rows.sum():
            return self._among("numbers", "a number", numbers) or _numbers(self.name, self._spread(numbers))
        return self._thousands() or self._dates() or self._refuse_units(where) or Column(_text(self.cells))

    def _truth_values(self, yes: str) -> Column:
        values = np.where(self.n_rows > 0, self.distinct.str.lower() == yes, np.nan)
        spread = self._spread(pd.Series(values))
        return Column(pd.Series(spread if np.isnan(spread).any() else spread == 1))

    def _thousands(self) -> Column | None:
        """Return the column as numbers where some have commas between their thousands, None where others may be meant.

        A comma may also be a decimal one, but not beside a decimal point.
        """
        texts = self.distinct[self.n_rows > 0]
        if not texts.str.contains(r",.*\.").any() or not texts.str.fullmatch(THOUSANDS).all():
            return None
        numbers = pd.to_numeric(self.distinct.str.replace(",", ""), errors="coerce")
        column = _numbers(self.name, self._spread(numbers))
        return replace(column, note=f"numbers in column {self.name!r} are read with commas between their thousands")

    def _dates(self) -> Column | None:
        """Return the column as dates, None where it holds none; a whole column has one format."""
        texts = self.distinct.where(self.n_rows > 0)
        readings = {
            kind: pd.to_datetime(texts, format=kind, errors="coerce", utc=True).dt.tz_convert(None)
            for kind in _date_formats(self.distinct[self.n_rows > 0].head(TRIED))
        }
        counts = {kind: self.n_rows[dates.notna()].sum() for kind, dates in readings.items()}
        best = max(counts, key=counts.__getitem__, default="")
        if counts.get(best, 0) * 2 <= self.n_rows.sum():
            return None
        if refused := self._among("dates", "a date", readings[best]):
            return refused
        other = next((one for one in counts if one != best and counts[one] == counts[best]), "")
        note = f"dates in column {self.name!r} are read as {best}: by {other} they could be read too" if other else ""
        missing = np.append(readings[best].to_numpy(), np.datetime64("NaT"))
        return Column(pd.Series(missing[self.codes]), note=note)

    def _refuse_units(self, where: Callable[[int], str]) -> Column | None:
        """Return what is wrong with numbers written as text with units, None where they are none."""
        tried = self.distinct[self.n_rows > 0].head(TRIED).astype(object)  # Arrow knows no letters but those of ASCII
        if not tried.str.match(NUMBER_WITH_UNIT).mean() * 2 > 1:
            return None
        parts = self.distinct.str.extract(NUMBER_WITH_UNIT).fillna("")
        units = parts["before"] + " " + parts["after"]
        written = (units.str.strip() != "") | parts["number"].str.contains("[,' ]") | parts["number"].str.isdecimal()
        is_one = (written & (parts["number"] != "")).to_numpy(dtype=bool) & (self.n_rows > 0)
        n_units, n_numbers = units[is_one].nunique(), parts["number"][is_one].nunique()
        few = n_units <= MOST_UNITS and n_numbers >= NUMBERS_A_UNIT * n_units
        is_number = is_one
        if not units[is_one].str.strip().any():  # 904.10 beside 2,062.50; with units it may be a version, as 2.15b is
            is_number = is_one | pd.to_numeric(self.distinct, errors="coerce").notna().to_numpy(dtype=bool)
        if not few or self.n_rows[is_number].sum() < SHARE_WITH_UNITS * self.n_rows.sum():
            return None
        rows = np.flatnonzero(np.append(is_one, False)[self.codes])[:3].tolist()
        shown = ", ".join(f"{self.cells[row]!r} ({where(row)})" for row in rows)
        hint = f"write bare numbers, such as 1234.5, with the unit in the name of the column; or {leave_out(self.name)}"
        return Column(refused=[(rows[0], f"column {self.name!r} holds numbers written as text: {shown}")], hint=hint)

    def _among(self, kind: str, one: str, values: Cells) -> Column | None:
        """Return what is wrong where a few cells are not of the kind of the others, None where all are."""
        odd = np.append(values.isna().to_numpy() & (self.n_rows > 0), False)[self.codes]
        rows = np.flatnonzero(odd).tolist()
        refused = [(row, f"column {self.name!r} has {self.cells[row]!r} among {kind}") for row in rows]
        hint = f"write {one}, or leave the cell empty where it is missing; or {leave_out(self.name)}"
        return Column(refused=refused, hint=hint) if refused else None

    def _spread(self, values: Cells) -> NDArray[np.float64]:
        """Return (N,) the values of the (U,) different texts, NaN for gaps."""
        known = np.where(self.n_rows > 0, values.to_numpy(dtype=np.float64), np.nan)
        return np.append(known, np.nan)[self.codes]


def _date_formats(sample: Cells) -> list[str]:
    """Return formats by which some texts may be dates, that with the month first before that with the day first."""
    first = "" if sample.empty else str(sample.iloc[0])
    guesses = ["ISO8601"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # one says that a format has the day first, which is meant
        for day_first in (False, True):
            date = str(guess_datetime_format(first.partition(" ")[0], dayfirst=day_first) or "")
            guesses += [date + time for time in TWELVE_HOURS if date and " " in first]
            guesses.append(str(guess_datetime_format(first, dayfirst=day_first) or ""))
    likely = [one for one in dict.fromkeys(guesses) if one and not one.startswith(NEVER_MEANT)]
    formats = [one for one in likely if pd.to_datetime(sample, format=one, errors="coerce", utc=True).notna().any()]
    return ["ISO8601"] if "ISO8601" in formats else formats
