"""The errors of this library; their tree is in the package's docstring."""

from pathlib import Path

from mlserver.errors import MLServerError


class ServingError(MLServerError):  # type: ignore[misc]  # MLServer ships no types
    """Answered by MLServer as `{"error": message}` with `status_code`."""

    status_code: int


class InvalidRequest(ServingError):
    def __init__(self, reason: str) -> None:
        super().__init__(reason, status_code=400)


class ModelRefused(ServingError):
    def __init__(self, reason: str) -> None:
        super().__init__(reason, status_code=500)


class PredictionFailed(ServingError):
    def __init__(self, model: str, version: int, cause: Exception) -> None:
        said = str(cause).splitlines() or [type(cause).__name__]
        super().__init__(f"version {version} of {model!r} could not predict: {said[-1]!r}", status_code=500)


class LogUnwritable(ServingError):
    def __init__(self, directory: Path, cause: OSError) -> None:
        super().__init__(
            f"the prediction log in {str(directory)!r} cannot be written ({cause.strerror or cause}): "
            f"predictions are answered again once it can; free space on that disk",
            status_code=503,
        )


class SinkAway(Exception):
    """The broker did not acknowledge a batch; it may or may not have stored it."""
