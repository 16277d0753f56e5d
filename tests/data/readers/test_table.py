"""Tables of numbers and categories, and the cells that are refused with row and column."""

import numpy as np
import pandas as pd
import pytest
from refusals import refuses

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


def test_csv_jsonl_and_parquet_are_the_same_data(tmp_path):
    text = "x,colour,flag,n,label\n1,red,True,,01\n2,blue,False,5,NA\n3,red,True,7,01\n"
    path = write(tmp_path, text)
    cells = pd.read_csv(path, dtype={"label": str, "n": "Int64"}, keep_default_na=False, na_values={"n": [""]})
    cells.to_parquet(tmp_path / "table.parquet")
    cells.to_json(tmp_path / "table.jsonl", orient="records", lines=True)
    one, *others = load(path), load(tmp_path / "table.parquet"), load(tmp_path / "table.jsonl")
    for other in others:
        pd.testing.assert_frame_equal(one.inputs.frame, other.inputs.frame)
        assert one.class_names == other.class_names == ("01", "NA")
        assert one.fingerprint() == other.fingerprint()


def test_categories_stay_text_and_only_an_empty_one_is_missing(tmp_path):
    dataset = load(write(tmp_path, "colour,label\nred,a\nNA,b\n,a\n"))
    assert dataset.inputs.frame["colour"].tolist()[:2] == ["red", "NA"]
    assert dataset.inputs.frame["colour"].isna().tolist() == [False, False, True]
    assert "missing values: 'colour' 1" in dataset.notes


def test_columns_with_a_role_are_no_features(tmp_path):
    text = "id,patient,split,x,label,true_label\nb,1,train,0.5,u,u\na,2,val,1.5,v,u\n"
    dataset = load(write(tmp_path, text))
    assert dataset.inputs.names == ("x",)
    assert dataset.example_ids.tolist() == ["a", "b"]
    np.testing.assert_array_equal(dataset.inputs.features, [[1.5], [0.5]])
    assert dataset.groups.tolist() == ["2", "1"]
    assert dataset.true_labels.tolist() == [0, 0]


def test_a_split_keeps_numbers_and_labels_together(tmp_path):
    text = "x,label,split\n1,a,train\n2,b,val\n3,b,train\nz,a,val\n4,b,val\n5,b,val\n"
    dataset = load(write(tmp_path, text), split="train")
    np.testing.assert_array_equal(dataset.inputs.features, [[1], [3]])
    assert dataset.given_labels.tolist() == [0, 1]
    assert "table.csv row 5" in refused(write(tmp_path, text), split="val")


def test_a_comma_too_many_in_the_splits_chooses_no_rows_without_a_split(tmp_path):
    dataset = load(write(tmp_path, "x,label,split\n1,a,train\n2,b,\n3,b,train\n"), split="train,")
    np.testing.assert_array_equal(dataset.inputs.features, [[1], [3]])
    assert dataset.example_ids.tolist() == ["0", "2"]


def test_missing_numbers_are_gaps_and_counted_by_column(tmp_path):
    dataset = load(write(tmp_path, "x,y2,label\n1,5,a\n,6,b\n3,NA,a\n4,?,b\n5,0,b\n"))
    np.testing.assert_array_equal(dataset.inputs.frame["x"], [1, np.nan, 3, 4, 5])
    np.testing.assert_array_equal(dataset.inputs.frame["y2"], [5, 6, np.nan, np.nan, 0])
    assert "missing values: 'y2' 2, 'x' 1" in dataset.notes


def test_the_ten_columns_with_most_gaps_are_named(tmp_path):
    frame = pd.DataFrame(np.arange(12 * 30.0).reshape(30, 12) * ([1, -1] * 6), columns=[f"c{n:02}" for n in range(12)])
    for column in range(12):
        frame.iloc[: column + 1, column] = np.nan
    frame.assign(label=["a", "b"] * 15).to_csv(tmp_path / "table.csv", index=False)
    note = next(note for note in load(tmp_path / "table.csv").notes if note.startswith("missing values"))
    assert note.startswith("missing values: 'c11' 12, 'c10' 11, ")
    assert note.endswith("'c02' 3; 78 in 12 columns")


def test_infinite_numbers_are_refused(tmp_path):
    message = refused(write(tmp_path, "x,label\n1,a\ninf,b\n"))
    assert "table.csv row 3: column 'x' has inf" in message
    assert "--exclude 'x'" in message
    assert "column 'x' has 1e+300" in refused(write(tmp_path, "x,label\n1,a\n1e300,b\n"))
    assert "column 'x' has inf" in refused(write(tmp_path, "x,label\n1,a\ninf,b\n,a\n"))


def test_at_most_twenty_cells_are_reported(tmp_path):
    rows = "".join(f"{'one' if row % 3 == 0 else row},{'ab'[row % 2]}\n" for row in range(90))
    message = refused(write(tmp_path, "x,label\n" + rows))
    assert message.count("among numbers") == 20
    assert "and 10 more problems" in message


def test_a_misspelt_number_is_reported(tmp_path):
    assert "table.csv row 4: column 'x' has '3,5' among numbers" in refused(
        write(tmp_path, 'x,label\n1,a\n2,b\n"3,5",a\n4,b\n')
    )


def test_after_line_breaks_in_cells_a_line_is_named(tmp_path):
    text = 'c,x,label\n"two\nlines",1,a\n\nv,w,b\nv,3,a\n'
    assert "table.csv line 5: column 'x'" in refused(write(tmp_path, text))


def test_constant_columns_are_dropped_with_a_note(tmp_path):
    dataset = load(write(tmp_path, "x,one,word,label\n1,7,k,a\n2,7,k,b\n"))
    assert dataset.inputs.names == ("x",)
    assert "columns dropped that have one value only: one, word" in dataset.notes
    assert "no feature column" in refused(write(tmp_path, "one,label\n7,a\n7,b\n"))


def test_the_row_numbers_that_pandas_writes_are_dropped_with_a_note(tmp_path):
    pd.DataFrame({"x": [5, 1, 4], "label": list("aba")}).to_csv(tmp_path / "table.csv")
    dataset = load(tmp_path / "table.csv")
    assert dataset.inputs.names == ("x",)
    assert "columns dropped that number the rows: ''; --include '*' keeps them" in dataset.notes


def test_free_text_is_kept_beside_numbers(tmp_path):
    rows = "".join(f"text {row},{row % 7},{'ab'[row % 2]}\n" for row in range(150))
    dataset = load(write(tmp_path, "comment,x,label\n" + rows))
    assert dataset.inputs.frame["comment"][3] == "text 3"
    assert "features: 1 column of numbers ('x'), 1 column of text ('comment')" in dataset.notes


DATES = [
    (["2020-01-31", "2021-12-01T10:30"], "2020-01-31T00:00", ""),
    (["2020-01-31T01:00:00+02:00", "2020-02-01T00:00:00Z"], "2020-01-30T23:00", ""),
    (["02/01/2020", "31/01/2020"], "2020-01-02T00:00", ""),
    (["02/01/2020", "01/31/2020"], "2020-02-01T00:00", ""),
    (["1.2.2020", "2.3.2020"], "2020-02-01T00:00", ""),
    (["Jan 5, 2020", "Feb 1, 2021"], "2020-01-05T00:00", ""),
    (["1/13/2020 3:45 PM", "2/1/2020 11:00 AM"], "2020-01-13T15:45", ""),
    (["02/01/2020", "03/01/2020"], "2020-02-01T00:00", "dates in column 'day' are read as %m/%d/%Y: by %d/%m/%Y they"),
]


@pytest.mark.parametrize(("cells", "first", "note"), DATES)
def test_dates_are_read_in_the_one_format_of_their_column(tmp_path, cells, first, note):
    rows = "".join(f'{row},"{cell}",{"ab"[row % 2]}\n' for row, cell in enumerate([*cells, "", "NA"]))
    dataset = load(write(tmp_path, "x,day,label\n" + rows))
    days = dataset.inputs.frame["day"]
    assert days[0] == pd.Timestamp(first)
    assert days.isna().tolist() == [False, False, True, True]
    assert any(one.startswith("dates in") for one in dataset.notes) == bool(note)
    assert note in " ".join(dataset.notes)


def test_a_word_among_dates_is_reported(tmp_path):
    text = "day,label\n2020-01-01,a\n2020-01-02,b\nsoon,a\n"
    assert "table.csv row 4: column 'day' has 'soon' among dates" in refused(write(tmp_path, text))


def test_dates_of_parquet_are_dates_without_a_zone(tmp_path):
    days = pd.to_datetime(["2020-01-01", None, "2020-01-03"])
    frame = pd.DataFrame({"day": days.date, "at": days.tz_localize("Europe/Paris"), "label": ["a", "b", "a"]})
    frame.to_parquet(tmp_path / "t.parquet")
    dataset = load(tmp_path / "t.parquet")
    assert dataset.inputs.frame["day"][2] == pd.Timestamp("2020-01-03")
    assert dataset.inputs.frame["at"][0] == pd.Timestamp("2019-12-31T23:00")
    assert "features: 2 columns of dates ('day', 'at')" in dataset.notes


@pytest.mark.parametrize("pair", [("yes", "no"), ("True", "false"), ("T", "F"), ("Y", "n")])
def test_words_for_true_and_false_are_truth_values(tmp_path, pair):
    yes, no = pair
    plain = load(write(tmp_path, f"flag,label\n{yes},a\n{no},b\n{yes},b\n"))
    np.testing.assert_array_equal(plain.inputs.features[:, 0], [1, 0, 1])
    with_gaps = load(write(tmp_path, f"flag,label\n{yes},a\n{no},b\n,b\n"))
    np.testing.assert_array_equal(with_gaps.inputs.frame["flag"], [1, 0, np.nan])


def test_truth_values_and_nullable_numbers_of_parquet_may_have_gaps(tmp_path):
    frame = pd.DataFrame({"flag": [True, None, False], "n": pd.array([1, 2, None], "Int64"), "label": ["a", "b", "a"]})
    frame.to_parquet(tmp_path / "t.parquet")
    table = load(tmp_path / "t.parquet").inputs.frame
    np.testing.assert_array_equal(table["flag"], [1, np.nan, 0])
    np.testing.assert_array_equal(table["n"], [1, 2, np.nan])


@pytest.mark.parametrize(
    "cells",
    [
        ["12 kg", "7 kg", "9.5 kg", "1 kg"],
        ["1,062", "1,004", "1,330", "9,104"],
        ["$5", "$1,200", "$7.50", "$8"],
        ["5,3", "6,1", "7,25", "8"],
        ["1.234,5", "12,0", "1.000,25", "3,5"],
        ["12%", "7 %", "30%", "5%"],
        ["12 лет", "7 лет", "30 лет", "5 лет"],
        ["10 km", "6 mi", "7 km", "8 mi", "9 km", "11 mi", "12 km"],
    ],
)
def test_numbers_with_units_are_refused_with_three_cells_and_what_to_do(tmp_path, cells):
    frame = pd.DataFrame({"x": range(len(cells)), "weight": cells, "label": (["a", "b"] * 4)[: len(cells)]})
    frame.to_csv(tmp_path / "table.csv", index=False)
    message = refused(tmp_path / "table.csv")
    assert f"column 'weight' holds numbers written as text: {cells[0]!r} (table.csv row 2)" in message
    assert f"{cells[2]!r} (table.csv row 4)" in message
    assert "--exclude 'weight'" in message
    assert load(tmp_path / "table.csv", exclude=("weight",)).inputs.names == ("x",)


def test_commas_between_thousands_are_read_beside_decimal_points(tmp_path):
    frame = pd.DataFrame({"price": ["2,062.50", "-1,004.10", "", "1,330,000", "904.10"], "label": list("ababa")})
    frame.to_csv(tmp_path / "table.csv", index=False)
    table = load(tmp_path / "table.csv")
    np.testing.assert_array_equal(table.inputs.frame["price"], [2062.5, -1004.1, np.nan, 1330000, 904.1])
    assert "numbers in column 'price' are read with commas between their thousands" in table.notes


@pytest.mark.parametrize("separator", [";", "\t", "|"])
def test_the_header_shows_that_fields_are_separated_otherwise(tmp_path, separator):
    frame = pd.DataFrame({"a": [0.5, 1.25, 3.0, 4.5], "b": ["x, y", "z", "x, y", "z"], "label": list("abab")})
    frame.to_csv(tmp_path / "usual.csv", index=False)
    frame.to_csv(tmp_path / "other.csv", index=False, sep=separator)
    usual, other = load(tmp_path / "usual.csv"), load(tmp_path / "other.csv")
    pd.testing.assert_frame_equal(other.inputs.frame, usual.inputs.frame)
    assert (other.given_labels == usual.given_labels).all()


@pytest.mark.parametrize(
    "text",
    [
        '"a";"b";"label"\n1;"x, y";"p"\n2;"z";"q"\n',  # as write.csv2 of R has it
        "a;price, EUR;label\n1;1,5;p\n2;2,5;q\n",
        "a,b,label\n1,x;y;z,p\n2,x;y;z,q\n",
    ],
)
def test_what_separates_is_what_makes_most_fields_of_both_rows(tmp_path, text):
    (tmp_path / "table.csv").write_text(text)
    assert load(tmp_path / "table.csv", include=("*",)).class_names == ("p", "q")


@pytest.mark.parametrize("separator", [";", "\t"])
@pytest.mark.parametrize(
    ("cells", "read"),
    [
        (["0,5", "12,25", "-3,125", "4"], [0.5, 12.25, -3.125, 4]),
        (["1.234,5", "12,0", "1.000", "3"], [1234.5, 12, 1000, 3]),
        (["1 234,5", "12\N{NO-BREAK SPACE}000,5", "n/a", ""], [1234.5, 12000.5, np.nan, np.nan]),
        (["0,123", "0,250", "0,375", "0,500"], [0.123, 0.25, 0.375, 0.5]),
    ],
)
def test_decimal_commas_are_read_where_no_commas_separate(tmp_path, cells, read, separator):
    frame = pd.DataFrame({"colour": ["red", "blue", "red", "red"], "weight": cells, "label": list("abab")})
    frame.to_csv(tmp_path / "table.csv", index=False, sep=separator)
    table = load(tmp_path / "table.csv")
    np.testing.assert_allclose(table.inputs.frame["weight"], read)
    assert "columns read as numbers with decimal commas: 'weight'" in table.notes


def test_points_between_digits_alone_make_no_number(tmp_path):
    frame = pd.DataFrame({"ip": ["192.168.100.200", "10.100.100.1", "192.168.100.200"] * 8, "label": list("aabb") * 6})
    frame.to_csv(tmp_path / "table.tsv", index=False, sep="\t")
    assert not pd.api.types.is_numeric_dtype(load(tmp_path / "table.tsv").inputs.frame["ip"])


def test_what_may_be_decimal_commas_or_thousands_is_refused_between_semicolons_too(tmp_path):
    frame = pd.DataFrame({"x": range(4), "weight": ["1,062", "1,004", "1,330", "9,104"], "label": list("abab")})
    frame.to_csv(tmp_path / "table.csv", index=False, sep=";")
    assert "column 'weight' holds numbers written as text: '1,062'" in refused(tmp_path / "table.csv")


@pytest.mark.parametrize(
    "cells",
    [
        ["12 Main St", "7 Oak Ave", "9 Elm Rd", "1 Hill Ln"],
        ["3A", "3B", "4C", "5D"],
        ["2.15b", "1.0", "3.6rc", "4.1c"],
        ["1st", "2nd", "3rd", "4th"],
        ["18-25", "26-35", "36-45", "65+"],
        ["192.168.0.1", "10.0.0.1", "10.0.0.2", "127.0.0.1"],
        ["room 1", "room 2", "room 3", "room 4"],
    ],
)
def test_text_with_numbers_in_it_is_text(tmp_path, cells):
    pd.DataFrame({"place": cells, "n": [1, 2, 1, 1], "label": list("abab")}).to_csv(tmp_path / "table.csv", index=False)
    assert load(tmp_path / "table.csv").inputs.frame["place"].tolist() == cells


def test_ids_and_row_numbers_are_dropped_unless_they_are_asked_for(tmp_path):
    random = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "PassengerId": random.permutation(30),
            "code": [f"c{n:x}" for n in random.permutation(9999)[:30]],
            "order": np.arange(30) * 3 + 7,
            "price": random.permutation(30) + 0.5,
            "rooms": random.permutation(30),
            "label": ["a", "b"] * 15,
        }
    )
    frame.to_csv(tmp_path / "table.csv", index=False)
    dataset = load(tmp_path / "table.csv")
    assert dataset.inputs.names == ("price", "rooms")
    assert "columns dropped that look like ids: 'PassengerId', 'code'; --include '*' keeps them" in dataset.notes
    assert "columns dropped that number the rows: 'order'; --include '*' keeps them" in dataset.notes
    assert [*load(tmp_path / "table.csv", include=("*",)).inputs.frame] == [*frame.columns[:-1]]
    frame[["order", "label"]].to_csv(tmp_path / "table.csv", index=False)
    assert "'order' only tell the rows apart" in refused(tmp_path / "table.csv")


def test_other_columns_of_labels_ids_and_splits_are_seen_only_where_they_are_named(tmp_path):
    text = "example_id,id,x,label,clean_label,true_label,split,subset,y\n"
    text += "a,1,0.5,u,u,u,train,p,2\nb,1,1.5,v,u,u,train,q,7\n"
    dataset = load(write(tmp_path, text))
    assert dataset.inputs.names == ("x", "y")
    note = "columns dropped that are called like labels, ids or splits: 'id', 'clean_label', 'subset'"
    assert f"{note}; --include with a name keeps it" in dataset.notes
    assert load(write(tmp_path, text), label_column="y").inputs.names == ("x",)
    assert load(write(tmp_path, text), include=("*",)).inputs.names == ("x", "y")
    assert [*load(write(tmp_path, text), include=("x", "subset")).inputs.frame] == ["x", "subset"]


def test_a_column_that_is_the_labels_in_other_words_is_dropped_with_a_note(tmp_path):
    labels = ["a", "b", "c", "a", "a"] * 6
    frame = pd.DataFrame(
        {
            "x": np.random.default_rng(0).permutation(30) / 4,
            "name": [{"a": "ant", "b": "bee", "c": "cat"}[label] for label in labels],
            "code": [{"a": 7, "b": np.nan, "c": 1}[label] for label in labels],
            "is_a": [label == "a" for label in labels],
            "almost": ["a", *labels[:-1]],
            "label": labels,
        }
    )
    frame.to_csv(tmp_path / "table.csv", index=False)
    dataset = load(tmp_path / "table.csv")
    assert [*dataset.inputs.frame] == ["x", "is_a", "almost"]
    assert "columns dropped that are the labels: 'name', 'code'; --include '*' keeps them" in dataset.notes
    assert "name" in load(tmp_path / "table.csv", include=("*",)).inputs.frame
    frame[["name", "label"]].to_csv(tmp_path / "table.csv", index=False)
    assert "'name' are the labels" in refused(tmp_path / "table.csv")


def test_a_column_that_leaves_the_labels_late_is_a_feature(tmp_path):
    labels = ["a", "b"] * 1000
    frame = pd.DataFrame({"word": [*labels[:-1], "a"], "x": [*labels[:-1], "c"], "label": labels})
    frame.to_csv(tmp_path / "table.csv", index=False)
    assert [*load(tmp_path / "table.csv").inputs.frame] == ["word", "x"]


WIDE = "pixel_1,pixel_2,id,age,label\n1,2,a,30,a\n3,1,b,20,b\n5,6,c,40,a\n"


@pytest.mark.parametrize(
    ("choice", "left"),
    [
        ({"exclude": ("age",)}, ("pixel_1", "pixel_2")),
        ({"exclude": ("pixel*", "label")}, ("age",)),
        ({"include": ("pixel_?", "age"), "exclude": ("*_2",)}, ("pixel_1", "age")),
        ({"include": ("*",)}, ("pixel_1", "pixel_2", "age")),
    ],
)
def test_columns_are_chosen_by_names_and_patterns(tmp_path, choice, left):
    assert load(write(tmp_path, WIDE), **choice).inputs.names == left


def test_a_column_that_is_not_there_cannot_be_chosen(tmp_path):
    message = refused(write(tmp_path, WIDE), exclude=("agee",))
    assert "no column called 'agee'" in message
    assert "did you mean 'age'?" in message
    assert "no column called 'x*'" in refused(write(tmp_path, WIDE), include=("x*",))
    assert "--include and --exclude leave none" in refused(write(tmp_path, WIDE), include=("label",))


def test_a_column_called_as_paths_that_models_may_not_see_leaves_a_table(tmp_path):
    path = write(tmp_path, "image,x,label\nyes,1,a\nno,2,b\nyes,3,b\n")
    assert "if 'image' holds none, use --exclude image" in refused(path)
    assert load(path, exclude=("image",)).inputs.names == ("x",)
    assert load(path, include=("x",)).inputs.names == ("x",)
    assert form(DatasetConfig(data=str(path), exclude=("image",), path_column="image")) == "manifest"


@pytest.mark.parametrize("value", ['{"a": 1}', '["u", "v"]'])
def test_several_values_in_a_cell_of_jsonl_are_refused_with_how_to_leave_them_out(tmp_path, value):
    rows = "".join(f'{{"x": {row}, "more": {value}, "label": "{"ab"[row % 2]}"}}\n' for row in range(4))
    path = write(tmp_path, rows, "table.jsonl")
    message = refused(path)
    assert "table.jsonl row 1: column 'more' holds several values in a cell" in message
    assert message.count("--exclude 'more'") == 1
    assert load(path, exclude=("more",)).inputs.names == ("x",)


def test_a_choice_of_columns_has_no_effect_on_images():
    with refuses(ConfigError, "setting-without-effect", "dataset.include"):
        read(DatasetConfig(data="demo:digits", include=("x",)))


def test_a_label_column_is_needed(tmp_path):
    message = refused(write(tmp_path, "x,z\n1,2\n"))
    assert "no label column; there are 'x', 'z'" in message


def test_measured_numbers_are_no_labels(tmp_path):
    rows = "".join(f"{-row},{row * 1.1}\n" for row in range(300))
    assert "different labels" in refused(write(tmp_path, "x,label\n" + rows))


def test_a_path_column_makes_a_manifest_of_it(tmp_path):
    path = write(tmp_path, CSV)
    assert form(DatasetConfig(data=str(path))) == "table"
    assert form(DatasetConfig(data=str(path), path_column="width")) == "manifest"


def test_a_table_of_labels_alone_is_refused(tmp_path):
    assert "no feature columns" in refused(write(tmp_path, "label\na\nb\n"))


def test_a_column_is_refused_where_there_are_none():
    with refuses(ConfigError, "setting-without-effect", "dataset.id_column"):
        read(DatasetConfig(data="demo:digits", id_column="x"))


def test_the_one_column_of_words_is_proposed_for_the_labels(tmp_path):
    flowers = "id,width,height,species\na,1.5,2,rose\nb,2.5,,tulip\nc,1,3,rose\nd,2,4,tulip\n"
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


def test_labels_of_other_case_are_merged_where_the_settings_ask(tmp_path):
    path = write(tmp_path, "x,label\n1,cat\n2,Cat\n3,dog\n4,cat\n")
    assert load(path).class_names == ("Cat", "cat", "dog")
    merged = load(path, merge_labels="case")
    assert merged.class_names == ("cat", "dog")
    assert merged.given_labels.tolist() == [0, 0, 1, 0]
    assert merged.fingerprint() != load(path).fingerprint()
