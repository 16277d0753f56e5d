"""A corrected copy of a parquet file, with the same columns, types, categories and metadata."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet

from labelscan.correction.label_lists.rows import ID_COLUMN, RowEdits
from labelscan.data.readers.arrow_sheet import arrow_schema, class_names, read_arrow
from labelscan.data.readers.sheet import as_text
from labelscan.errors import DatasetError
from labelscan.files.atomic import partial_of


def write(path: Path, edits: RowEdits, output: Path) -> None:
    """Write a copy of the parquet file at ``path`` with its rows edited.

    Raises:
        DatasetError: a new class does not fit the type of the label column.
    """
    schema = arrow_schema(path)
    table = read_arrow(path, schema.names)
    for name, cells in ((edits.label_column, edits.new_labels), (edits.path_column, edits.new_paths)):
        if any(cells):
            place = table.schema.get_field_index(name)
            column = _edited(table.column(place), cells, f"{path.name} column {name!r}", class_names(schema, name))
            table = table.set_column(place, table.schema.field(place).with_type(column.type), column)
    if edits.new_ids is not None:
        table = table.append_column(ID_COLUMN, pyarrow.array(edits.new_ids, type=pyarrow.string()))
    table = table.filter(pyarrow.array([not one for one in edits.dropped], type=pyarrow.bool_()))
    with partial_of(output) as partial:
        pyarrow.parquet.write_table(table, partial)


def _edited(column: Any, cells: Sequence[str], where: str, classes: Sequence[str] | None) -> Any:  # pyarrow untyped
    """Return a column of the same type, its cells replaced by those of ``cells`` that are not empty.

    The whole numbers of a column stand for ``classes``, where it has some.
    """
    if not pyarrow.types.is_dictionary(column.type):
        values = column.to_pylist()
        numbers = {name: number for number, name in enumerate(classes or ())}
        spellings: dict[str, object] = {str(as_text(value)): value for value in values} | numbers
        spellings |= _new_values(column.type, [cell for cell in cells if cell and cell not in spellings], where)
        changed = [spellings[cell] if cell else value for cell, value in zip(cells, values, strict=True)]
        return pyarrow.array(changed, type=column.type)
    # Categories keep their order and codes, even without an example; new ones come last.
    encoded = column.unify_dictionaries().combine_chunks()
    categories, codes = encoded.dictionary, encoded.indices.to_pylist()
    places = {as_text(value): place for place, value in enumerate(categories.to_pylist())}
    new = _new_values(categories.type, [cell for cell in cells if cell and cell not in places], where)
    places |= {cell: len(categories) + place for place, cell in enumerate(new)}
    codes = [places[cell] if cell else code for cell, code in zip(cells, codes, strict=True)]
    try:
        indices = pyarrow.array(codes, type=encoded.indices.type)
    except pyarrow.ArrowInvalid:  # it has no room for more categories
        indices = pyarrow.array(codes, type=pyarrow.int32())
    categories = pyarrow.concat_arrays([categories, pyarrow.array(list(new.values()), type=categories.type)])
    return pyarrow.DictionaryArray.from_arrays(indices, categories, ordered=column.type.ordered)


def _new_values(kind: Any, cells: Sequence[str], where: str) -> dict[str, object]:
    """Return the values of a type by their text, checked to be written as that text."""
    values = {}
    for cell in dict.fromkeys(cells):
        try:
            values[cell] = pyarrow.scalar(cell, type=pyarrow.string()).cast(kind).as_py()
        except (pyarrow.ArrowInvalid, pyarrow.ArrowNotImplementedError) as error:
            problem = f"{cell!r} cannot be written: the column holds {kind} ({error})"
            raise DatasetError("label-not-storable", problem, where=where) from error
        if as_text(values[cell]) != cell:
            problem = f"{cell!r} would be written as {values[cell]!r}: the column holds {kind}"
            raise DatasetError("label-not-storable", problem, where=where)
    return values
