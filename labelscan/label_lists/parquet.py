"""A corrected copy of a parquet file: same columns, types and metadata."""

from pathlib import Path

from labelscan.atomic import partial_of
from labelscan.errors import DatasetError
from labelscan.label_lists.rows import ID_COLUMN, RowEdits
from labelscan.readers.sheet import arrow, as_text, parquet


def write(path: Path, edits: RowEdits, output: Path) -> None:
    """Write a copy of the parquet file at ``path`` with its rows edited.

    Args:
        path: read before by the reader.
        edits: what becomes of its rows.
        output: the copy.

    Raises:
        DatasetError: a new class cannot be written in the type of the label column.
    """
    pyarrow = arrow()
    table = parquet().read_table(path)
    for name, cells in ((edits.label_column, edits.new_labels), (edits.path_column, edits.new_paths)):
        if not any(cells):
            continue
        place = table.schema.get_field_index(name)
        values = table.column(place).to_pylist()
        spellings = {as_text(value): value for value in reversed(values)}
        changed = [spellings.get(cell, cell) if cell else value for cell, value in zip(cells, values, strict=True)]
        field = table.schema.field(place)
        try:
            column = pyarrow.array(changed, type=field.type)
        except (pyarrow.ArrowInvalid, pyarrow.ArrowTypeError) as error:
            raise DatasetError(
                f"a new label cannot be written: column {name!r} holds {field.type} ({error})", where=path.name
            ) from error
        table = table.set_column(place, field, column)
    if edits.new_ids is not None:
        table = table.append_column(ID_COLUMN, pyarrow.array(edits.new_ids, type=pyarrow.string()))
    table = table.filter(pyarrow.array([not one for one in edits.dropped], type=pyarrow.bool_()))
    with partial_of(output) as partial:
        parquet().write_table(table, partial)
