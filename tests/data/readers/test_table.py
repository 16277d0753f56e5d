"""Tables of numbers and categories, and the cells that are refused with row and column."""

import numpy as np
import pandas as pd
import pytest

from labelscan.config import DatasetConfig
from labelscan.data.readers import form, read
from labelscan.errors import ConfigError, DatasetError


def write(folder, text, name="table.csv"):
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name


def load(path, **config):
    return read(DatasetConfig(data=str(path), **config))


def refused(path, **config):
    with pytest.raises(DatasetError) as caught:
        load(path, **config)
    return str(caught.value)


CSV = "width,height,label\n1.5,2,a\n2.5,3,b\n3.5,5,a\n"


def test_a_table_has_its_numbers_and_row_numbers_as_ids(tmp_path):
    dataset = load(write(tmp_path, CSV))
    np.testing.assert_array_equal(dataset.inputs.features, [[1.5, 2], [2.5, 3], [3.5, 5]])
    assert dataset.inputs.features.dtype == np.float32
    assert dataset.inputs.names == ("width", "height")
    assert dataset.example_ids.tolist() == ["0", "1", "2"]
    assert dataset.given_labels.tolist() == [0, 1, 0]
    assert dataset.path(0) == ""


def test_csv_and_parquet_are_the_same_data(tmp_path):
    text = "x,colour,flag,label\n1,red,True,01\n2,blue,False,NA\n3,red,True,01\n"
    path = write(tmp_path, text)
    pd.read_csv(path, dtype={"label": str}, keep_default_na=False).to_parquet(tmp_path / "table.parquet")
    one, two = load(path), load(tmp_path / "table.parquet")
    np.testing.assert_array_equal(one.inputs.features, two.inputs.features)
    assert one.inputs.names == two.inputs.names == ("x", "colour=blue", "colour=red", "flag")
    assert one.class_names == two.class_names == ("01", "NA")


def test_text_columns_become_one_column_a_value(tmp_path):
    dataset = load(write(tmp_path, "colour,label\nred,a\nNA,b\nred,a\n"))
    np.testing.assert_array_equal(dataset.inputs.features, [[0, 1], [1, 0], [0, 1]])
    assert "text columns made one column a value: colour" in dataset.notes


def test_columns_with_a_role_are_no_features(tmp_path):
    text = "id,patient,split,x,label,true_label\nb,1,train,0.5,u,u\na,2,val,1.5,v,u\n"
    dataset = load(write(tmp_path, text))
    assert dataset.inputs.names == ("x",)
    assert dataset.example_ids.tolist() == ["a", "b"]
    np.testing.assert_array_equal(dataset.inputs.features, [[1.5], [0.5]])
    assert dataset.groups.tolist() == ["2", "1"]
    assert dataset.true_labels.tolist() == [0, 0]


def test_a_split_keeps_numbers_and_labels_together(tmp_path):
    text = "x,label,split\n1,a,train\n2,b,val\n3,b,train\n,a,val\n"
    dataset = load(write(tmp_path, text), split="train")
    np.testing.assert_array_equal(dataset.inputs.features, [[1], [3]])
    assert dataset.given_labels.tolist() == [0, 1]
    assert "table.csv row 5" in refused(write(tmp_path, text), split="val")


def test_a_comma_too_many_in_the_splits_chooses_no_rows_without_a_split(tmp_path):
    dataset = load(write(tmp_path, "x,label,split\n1,a,train\n2,b,\n3,b,train\n"), split="train,")
    np.testing.assert_array_equal(dataset.inputs.features, [[1], [3]])
    assert dataset.example_ids.tolist() == ["0", "2"]


def test_missing_numbers_are_told_with_row_and_column(tmp_path):
    message = refused(write(tmp_path, "x,y2,label\n1,5,a\n,6,b\n3,NA,a\n4,7,b\n"))
    assert "table.csv row 3: column 'x' has '' among numbers" in message
    assert "table.csv row 4: column 'y2' has 'NA' among numbers" in message
    assert "hint: write a number" in message


def test_infinite_and_missing_numbers_are_refused(tmp_path):
    assert "column 'x' has inf" in refused(write(tmp_path, "x,label\n1,a\ninf,b\n"))
    assert "column 'x' has 1e+300" in refused(write(tmp_path, "x,label\n1,a\n1e300,b\n"))
    pd.DataFrame({"x": [1.0, None], "label": ["a", "b"]}).to_parquet(tmp_path / "t.parquet")
    assert "t.parquet index 1: column 'x' has no number" in refused(tmp_path / "t.parquet")


def test_at_most_twenty_cells_are_told(tmp_path):
    rows = "".join(f"{row if row % 2 else ''},{'ab'[row % 3 % 2]}\n" for row in range(60))
    message = refused(write(tmp_path, "x,label\n" + rows))
    assert message.count("among numbers") == 20
    assert "and 10 more problems" in message


def test_a_misspelt_number_is_told(tmp_path):
    assert "table.csv row 4: column 'x' has '3,5' among numbers" in refused(
        write(tmp_path, 'x,label\n1,a\n2,b\n"3,5",a\n4,b\n')
    )


def test_rows_are_numbered_as_an_editor_numbers_lines(tmp_path):
    text = 'c,x,label\n"two\nlines",1,a\n\nv,,b\nv,3,a\n'
    assert "table.csv row 5: column 'x'" in refused(write(tmp_path, text))


def test_constant_columns_are_dropped_with_a_note(tmp_path):
    dataset = load(write(tmp_path, "x,one,word,label\n1,7,k,a\n2,7,k,b\n"))
    assert dataset.inputs.names == ("x",)
    assert "columns dropped that have one value only: one, word" in dataset.notes
    assert "no feature column" in refused(write(tmp_path, "one,label\n7,a\n7,b\n"))


def test_the_row_numbers_that_pandas_writes_are_dropped_with_a_note(tmp_path):
    pd.DataFrame({"x": [5, 1, 4], "label": list("aba")}).to_csv(tmp_path / "table.csv")
    dataset = load(tmp_path / "table.csv")
    assert dataset.inputs.names == ("x",)
    assert "columns dropped that number the rows: ''" in dataset.notes


def test_free_text_is_refused(tmp_path):
    rows = "".join(f"text {row},{row},{'ab'[row % 2]}\n" for row in range(150))
    message = refused(write(tmp_path, "comment,x,label\n" + rows))
    assert "column 'comment' holds 150 different texts" in message
    assert "--id-column" in message
    assert load(write(tmp_path, "comment,x,label\n" + rows), id_column="comment").inputs.names == ("x",)


def test_dates_are_refused(tmp_path):
    pd.DataFrame({"day": pd.to_datetime(["2020-01-01", "2020-01-02"]), "label": ["a", "b"]}).to_parquet(
        tmp_path / "t.parquet"
    )
    assert "column 'day' holds datetime64" in refused(tmp_path / "t.parquet")


def test_a_label_column_is_needed(tmp_path):
    message = refused(write(tmp_path, "x,z\n1,2\n"))
    assert "no label column; there are 'x', 'z'" in message


def test_measured_numbers_are_no_labels(tmp_path):
    rows = "".join(f"{row},{row * 1.1}\n" for row in range(300))
    assert "different labels" in refused(write(tmp_path, "x,label\n" + rows))


def test_a_path_column_makes_a_manifest_of_it(tmp_path):
    path = write(tmp_path, CSV)
    assert form(DatasetConfig(data=str(path))) == "table"
    assert form(DatasetConfig(data=str(path), path_column="width")) == "manifest"


def test_a_table_of_labels_alone_is_refused(tmp_path):
    assert "no feature columns" in refused(write(tmp_path, "label\na\nb\n"))


def test_a_column_is_refused_where_there_are_none():
    with pytest.raises(ConfigError, match=r"dataset\.id_column"):
        read(DatasetConfig(data="demo:digits", id_column="x"))


def test_the_one_column_of_words_is_proposed_for_the_labels(tmp_path):
    flowers = "id,width,height,species\na,1.5,2,rose\nb,2.5,,tulip\n"
    assert refused(write(tmp_path, flowers)).endswith("hint: perhaps --label-column species")
    two = "width,country,species\n1,fr,rose\n2,nl,tulip\n"
    assert "hint: name it by --label-column" in refused(write(tmp_path, two))


@pytest.mark.parametrize("column", ["", "species"])
def test_probabilities_are_no_features(tmp_path, column):
    path = write(tmp_path, f"{column or 'label'},prob:a,prob:b\na,0.9,0.1\nb,0.2,0.8\n", "my probs.csv")
    message = refused(path, label_column=column)
    assert "my probs.csv: these are probabilities of classes, not features" in message
    option = " --label-column species" if column else ""
    assert f"labelscan score '{path}'{option} judges labels by them, then labelscan gate RUN" in message
