"""Where the rows come from. Yours will read a database or files; these are in scikit-learn's own package."""

from datetime import datetime

import pandas as pd
from sklearn.datasets import load_breast_cancer

from murmur_training import DataContext


def load(as_of: datetime, context: DataContext) -> pd.DataFrame:
    """Every column that workflow.yaml names, one row a sample.

    Leave out what was not known at `as_of`: a training for a past date must not read the future. These samples have no
    date, so there is nothing to leave out. Keep downloads in `context.data_dir`.
    """
    samples = load_breast_cancer(as_frame=True).frame
    return samples.rename(columns={"target": "benign"}).assign(
        sample=samples.index,
        batch=[f"batch {1 + number // 190}" for number in samples.index],
        size=["large" if radius > 14 else "small" for radius in samples["mean radius"]],
    )
