import numpy as np
import pandas as pd

import labelscan
from labelscan.pipeline.inputs import Contents
from labelscan.pipeline.run_folds import assign


def test_examples_of_one_group_and_those_of_the_same_content_share_a_fold():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"a": rng.normal(size=60), "b": rng.normal(size=60), "label": np.arange(60) % 2})
    frame["patient"] = [f"p{row % 20}" for row in range(60)]  # 20 groups of three
    contents = Contents(numbers=np.where(np.arange(60) == 31, 0, np.arange(60)), fingerprint="")
    settings = labelscan.settings(overrides={"dataset.group_column": "patient", "folds.repeats": 2})
    plan = labelscan.plan(frame, label="label", settings=settings).plan
    for fold in assign(plan, contents).fold:
        of_group = pd.Series(fold).groupby(frame["patient"]).nunique()
        assert (of_group == 1).all()
        assert fold[31] == fold[0]  # which are of different groups
        assert len(set(fold)) == 5
