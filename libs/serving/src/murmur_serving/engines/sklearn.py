"""scikit-learn's estimators through skops, which builds known types only: no pickle is ever loaded."""

from typing import Any, Self

import numpy as np
import skops.io
from sklearn.base import is_classifier
from sklearn.utils import get_tags

from murmur_events.values import Signature
from murmur_serving.engines.port import Matrix, Outputs, Unfit


class SklearnPredictor:
    """A binary classifier gives the probability of its second class, whatever else predicts gives that."""

    def __init__(self, estimator: Any) -> None:
        self._estimator = estimator
        self._classifies = is_classifier(estimator)
        self.takes_missing = bool(get_tags(estimator).input_tags.allow_nan)

    @classmethod
    def load(cls, content: bytes, signature: Signature) -> Self:
        """content: bytes whose digest was checked. Raises Unfit."""
        try:
            unknown = skops.io.get_untrusted_types(data=content)
            estimator = None if unknown else skops.io.loads(content, trusted=[])
        except Exception as error:  # a file of any content may break skops in any way: all of it is said
            raise Unfit(f"is no skops model: {type(error).__name__}: {error}") from error
        if unknown:
            raise Unfit(
                f"holds types that are not trusted: {sorted(unknown)!r}; a model may consist of what skops"
                f" vouches for, or be exported to ONNX"
            )
        _check_signature(estimator, signature)
        return cls(estimator)

    def predict(self, rows: Matrix) -> Outputs:
        found = self._estimator.predict_proba(rows)[:, -1] if self._classifies else self._estimator.predict(rows)
        return np.asarray(found, dtype=np.float64).reshape(len(rows))


def _check_signature(estimator: Any, signature: Signature) -> None:
    promised = [column.name for column in signature.inputs]
    takes = getattr(estimator, "n_features_in_", len(promised))
    if not hasattr(estimator, "predict") or takes != len(promised):
        raise Unfit(f"is {type(estimator).__name__!r} of {takes} columns, its signature names {promised!r}")
    names = getattr(estimator, "feature_names_in_", None)
    if names is not None and list(names) != promised:
        raise Unfit(f"was trained on the columns {list(names)!r}, its signature names {promised!r}")
    if is_classifier(estimator) and (not hasattr(estimator, "predict_proba") or len(estimator.classes_) != 2):
        raise Unfit("is a classifier without the probability of one of two classes")
