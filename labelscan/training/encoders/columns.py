"""The columns of a table as numbers, by skrub's TableVectorizer: dates, categories and text with many values too.

Trees split on missing values and categories themselves. All other models get a column that says where a number was
missing, the median in its place, one column a category, and values that an outlier cannot stretch.
"""

from labelscan.training.encoders import Encoder

KEEP = None
"""Columns without a value among the training rows stay: they may be all there is."""


def make_for_trees() -> Encoder:
    """Return an encoder of M rows to a frame of numbers, NaN where they are missing, and categories."""
    from skrub import TableVectorizer, ToCategorical

    encoder: Encoder = TableVectorizer(low_cardinality=ToCategorical(), drop_null_fraction=KEEP)
    return encoder


def make_for_networks() -> Encoder:
    """Return an encoder of M rows to (M, D) finite numbers of like size."""
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder
    from skrub import SquashingScaler, TableVectorizer

    # skrub's own drops a column of two, and then warns of each category that it did not see.
    categories = OneHotEncoder(handle_unknown="ignore", dtype="float32", sparse_output=False)
    gaps = SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True)
    encoder: Encoder = make_pipeline(
        TableVectorizer(low_cardinality=categories, drop_null_fraction=KEEP), gaps, SquashingScaler()
    )
    return encoder
