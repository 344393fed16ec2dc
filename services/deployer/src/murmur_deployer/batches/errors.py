"""The errors of batches; their tree is in the package's docstring."""

from murmur_deployer.domain.batch import BatchFailureCause


class BatchRefused(Exception):
    def __init__(self, cause: BatchFailureCause, message: str) -> None:
        super().__init__(message)
        self.cause = cause
        self.message = message


class UnknownDeployment(BatchRefused):
    def __init__(self, deployment: str) -> None:
        super().__init__(
            "unknown_deployment",
            f"no deployment {deployment!r} is known: GET /v1/deployments lists them (murmur models shows who serves)",
        )


class NotServing(BatchRefused):
    def __init__(self, message: str) -> None:
        super().__init__("not_serving", message)


class InputGone(BatchRefused):
    def __init__(self, sha256: str) -> None:
        super().__init__(
            "input_missing",
            f"the artifact store has no input with sha256 {sha256!r}: send the file first, POST /v1/batch-inputs",
        )


class InputUnusable(BatchRefused):
    """Not Parquet, no rows, other columns than the model's."""


class InputTooLarge(Exception):
    def __init__(self, limit: int) -> None:
        super().__init__(f"the file has more than {limit:,} bytes: cut it in two, or raise MURMUR_BATCH_INPUT_BYTES")
