"""A run repeated: whether it may begin, and whether it came out as the first one."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from murmur_trainer.domain.training import Parameters, Request

Verdict = Literal["identical", "equivalent", "different"]
What = Literal["code", "data", "parameters", "seed", "environment", "hardware"]

TOLERANCE = 1e-6
"""Of a metric's size, or of 1 for smaller ones: single precision, in which models are kept, resolves 1.2e-7."""


@dataclass(frozen=True, kw_only=True)
class Original:
    """A completed run, as far as a wish to repeat it is checked. code and data are digests."""

    run_id: str
    workflow: str
    revision: int
    code: str
    data: str


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """What a run had around it. None: not recorded."""

    interpreter: str | None = None
    platform: str | None = None
    packages: Mapping[str, str] = field(default_factory=dict)
    hardware: Mapping[str, str | None] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Made:
    """A completed run, as far as two are compared. code, data and model are digests."""

    code: str
    data: str
    parameters: Parameters
    seed: int
    surroundings: Surroundings
    model: str
    metrics: Mapping[str, float]


@dataclass(frozen=True)
class MetricDifference:
    """None: this run did not measure it. difference: the second less the first, where that is a number."""

    name: str
    original: float | None
    reproduced: float | None

    @property
    def difference(self) -> float | None:
        if self.original is None or self.reproduced is None:
            return None
        difference = self.reproduced - self.original
        return difference if math.isfinite(difference) else None

    @property
    def matters(self) -> bool:
        if self.original is None or self.reproduced is None or self.difference is None:
            return True
        return abs(self.difference) > TOLERANCE * max(1.0, abs(self.original))


@dataclass(frozen=True)
class Difference:
    """None: this run did not have it."""

    what: What
    name: str
    original: str | None
    reproduced: str | None


@dataclass(frozen=True)
class Equivalence:
    verdict: Verdict
    metrics: tuple[MetricDifference, ...]
    differences: tuple[Difference, ...]


def fault_of(request: Request, original: Original | None) -> str | None:
    """Why a request cannot repeat what it names, None where it can.

    Whoever may ask for a training may name any code in the request: only what this run was made of is run.
    """
    wish = request.reproduces
    if wish is None or request.trigger.kind != "reproduction":
        return "a trigger of kind 'reproduction' and the field 'reproduces' go together, and one of them is missing"
    if original is None:
        return f"no completed run {wish.run_id!r} is recorded here"
    asked = (request.workflow, request.revision, wish.code, wish.data)
    known = (original.workflow, original.revision, original.code, original.data)
    for name, one, other in zip(("workflow", "revision", "code", "data"), asked, known, strict=True):
        if one != other:
            return f"the {name} of run {wish.run_id!r} is {other!r}, and the request pins {one!r}"
    return None


def compare(original: Made, reproduced: Made) -> Equivalence:
    """The same bytes, the same numbers as nearly as numbers are kept, or neither; and what may explain it."""
    metrics = tuple(_metrics(original.metrics, reproduced.metrics))
    if original.model == reproduced.model:
        verdict: Verdict = "identical"
    elif any(metric.matters for metric in metrics):
        verdict = "different"
    else:
        verdict = "equivalent"
    return Equivalence(verdict, metrics, tuple(_differences(original, reproduced)))


def environment_differences(original: Surroundings, present: Surroundings) -> tuple[Difference, ...]:
    """Interpreter and packages: what decides whether a run may be repeated here."""
    return tuple(
        _rows(
            "environment",
            {"interpreter": original.interpreter, **original.packages},
            {"interpreter": present.interpreter, **present.packages},
        )
    )


def _differences(original: Made, reproduced: Made) -> Iterator[Difference]:
    one, other = original.surroundings, reproduced.surroundings
    yield from _rows("code", {"code": original.code}, {"code": reproduced.code})
    yield from _rows("data", {"snapshot": original.data}, {"snapshot": reproduced.data})
    yield from _rows("parameters", _texts(original.parameters), _texts(reproduced.parameters))
    yield from _rows("seed", {"seed": str(original.seed)}, {"seed": str(reproduced.seed)})
    yield from environment_differences(one, other)
    yield from _rows("environment", {"platform": one.platform}, {"platform": other.platform})
    yield from _rows("hardware", one.hardware, other.hardware)


def _rows(what: What, one: Mapping[str, str | None], other: Mapping[str, str | None]) -> Iterator[Difference]:
    for name in sorted(one.keys() | other.keys()):
        if one.get(name) != other.get(name):
            yield Difference(what, name, one.get(name), other.get(name))


def _metrics(one: Mapping[str, float], other: Mapping[str, float]) -> Iterator[MetricDifference]:
    for name in sorted(one.keys() | other.keys()):
        before, after = one.get(name), other.get(name)
        both_undefined = before is not None and after is not None and math.isnan(before) and math.isnan(after)
        if before != after and not both_undefined:
            yield MetricDifference(name, before, after)


def _texts(parameters: Parameters) -> dict[str, str | None]:
    return {name: repr(value) for name, value in parameters.items()}
