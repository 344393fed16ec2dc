"""Which engine a workflow gets."""

from importlib.util import find_spec
from typing import assert_never

from murmur_monitor.detection.alibi_engine import AlibiDetector
from murmur_monitor.detection.scipy_engine import ScipyDetector
from murmur_monitor.ports import DriftDetector, EngineMissing, EngineName


def detector_for(engine: EngineName) -> DriftDetector:
    """auto: alibi-detect where it is installed, scipy elsewhere. Raises EngineMissing. Imports nothing large."""
    installed = find_spec("alibi_detect") is not None
    match engine:
        case "scipy":
            return ScipyDetector()
        case "alibi" if not installed:
            raise EngineMissing(engine)
        case "alibi":
            return AlibiDetector()
        case "auto":
            return AlibiDetector() if installed else ScipyDetector()
        case _:
            assert_never(engine)
