"""Texts or the columns of a table in one Arrow file, written once a run, which all folds map into memory.

What models see of them is made in each fold, by an encoder that has seen its training rows only.
"""

from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from labelscan.arrays import Index, Strings, as_strings
from labelscan.data.inputs import ColumnTable, Texts
from labelscan.files.atomic import replacing_bytes

if TYPE_CHECKING:
    import pandas as pd

SUFFIX = ".arrow"
FILE_NAME = f"rows{SUFFIX}"
"""That of a run: its texts, or the columns of its table as they are."""
_IS_TEXTS = b"labelscan texts"
"""The key in the file's metadata that says what the rows are: a table may have one column of text too."""

Rows: TypeAlias = "Strings | pd.DataFrame"
"""(M,) texts, or M rows of a table."""


def write_rows(inputs: Texts | ColumnTable, path: Path) -> None:
    """Write all rows to the file ``path``."""
    import pyarrow  # only now: folds of images do without

    if isinstance(inputs, Texts):
        # Offsets of 32 bits would end at 2 GB.
        column = pyarrow.array(inputs.texts, pyarrow.large_string())
        table = pyarrow.table({"text": column}).replace_schema_metadata({_IS_TEXTS: b"yes"})
    else:
        table = pyarrow.Table.from_pandas(inputs.frame, preserve_index=False)
    with replacing_bytes(path) as file, pyarrow.ipc.new_file(file, table.schema) as writer:
        writer.write_table(table)


class StoredRows:
    """N texts, or N rows of a table, in the Arrow file at ``path``."""

    def __init__(self, path: Path) -> None:
        import pyarrow

        self._table = pyarrow.ipc.open_file(pyarrow.memory_map(str(path))).read_all()
        self.are_texts = _IS_TEXTS in (self._table.schema.metadata or {})

    def __len__(self) -> int:
        return int(self._table.num_rows)

    def take(self, index: Index) -> Rows:
        """Return the rows ``index``, (M,) int64: (M,) texts or a frame."""
        rows = self._table.take(index)
        if self.are_texts:
            return as_strings(rows.column(0).to_pylist())
        frame: pd.DataFrame = rows.to_pandas()
        return frame
