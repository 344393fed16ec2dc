"""From checked rows to outputs, with everything that MLServer and our runtime would have done on the way."""

import os
from collections.abc import Sequence
from time import perf_counter

import msgspec
import numpy as np
from mlserver.handlers import DataPlane

from murmur_serving import metrics
from murmur_serving.errors import LogUnwritable, PredictionFailed
from murmur_serving.fastpath.requests import PlainReader, Rows
from murmur_serving.predictionlog import Rows as Logged
from murmur_serving.runtime import ModelRuntime


class Asked(msgspec.Struct, frozen=True):
    """One request, read and checked. started: of the clock perf_counter, when it was complete. batch: for a batch."""

    rows: Rows
    started: float
    probe: bool
    trace: str
    batch: bool = False


class Answer(msgspec.Struct, frozen=True):
    request_id: str
    outputs: list[float]


class MLServerCounts:
    """MLServer's own three metrics of an inference, for one model and the version that the request named, if any."""

    def __init__(self, plane: DataPlane, name: str, version: str | None) -> None:
        labels = {"model": name, "version": version}
        self._success = plane._ModelInferRequestSuccess.labels(**labels)
        self._duration = plane._ModelInferRequestDuration.labels(**labels)
        plane._ModelInferRequestFailure.labels(**labels)  # there from the first request on, as MLServer makes it

    def answered(self, seconds: Sequence[float]) -> None:
        self._success.inc(len(seconds))
        for each in seconds:
            self._duration.observe(each)


class Answering:
    """One loaded model. What it answers is counted and logged; where it gives no answer, nothing was."""

    def __init__(self, model: ModelRuntime, counts: MLServerCounts) -> None:
        assert model.engine is not None, "answers are asked of models that are ready"
        self.model = model
        self.mark = model.config.mark
        self.reader = PlainReader(model.config.signature, missing=model.engine.predictor.takes_missing)
        self._counts = counts
        self._fast = metrics.FAST.labels(model.config.deployment, str(model.config.version))

    def answer(self, asked: Sequence[Asked]) -> Sequence[Answer | None]:
        """One for each request, in their order. None: MLServer will find out and say what is wrong."""
        try:
            return self._answers(asked)
        except PredictionFailed:  # which of them?
            return [None] if len(asked) == 1 else [answer for one in asked for answer in self.answer([one])]
        except LogUnwritable:
            return [None] * len(asked)

    def _answers(self, asked: Sequence[Asked]) -> list[Answer]:
        together = asked[0].rows.rows if len(asked) == 1 else [row for one in asked for row in one.rows.rows]
        features = np.array(together, dtype=np.float64)
        outputs = self.model.outputs(features).tolist()
        answers, begin = [], 0
        for one in asked:
            end = begin + len(one.rows.rows)
            named = one.rows.request_id
            answers.append(Answer(new_id() if named is None else named, outputs[begin:end]))
            begin = end
        finished = perf_counter()
        seconds = [finished - one.started for one in asked]
        probe, batch = asked[0].probe, asked[0].batch  # what is either was asked alone
        if not probe:
            self.model.log_answers(_rows(asked, answers, seconds), features=features, outputs=outputs, batch=batch)
        self._fast.inc(len(asked))
        if batch:
            self.model.counts.of_batch(predictions=len(outputs))
        elif not probe:
            self.model.counts.answered(seconds, [answer.outputs for answer in answers])
        self._counts.answered(seconds)
        return answers


def _rows(asked: Sequence[Asked], answers: Sequence[Answer], seconds: list[float]) -> Logged:
    places = [place for place, answer in enumerate(answers) for _ in answer.outputs]
    return Logged(
        [answers[place].request_id for place in places],
        [seconds[place] for place in places],
        [asked[place].trace for place in places],
    )


def new_id() -> str:
    """A random UUID (RFC 9562, version 4), in a fifth of the time that the standard library takes."""
    digits = os.urandom(16).hex()
    variant = "89ab"[int(digits[16], 16) & 3]
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:]}"
