"""The errors of access; their tree is in the package's docstring."""

from pathlib import Path


class AccessError(Exception):
    """The root: `str()` is what is wrong and why, `advice` is what to do next."""

    def __init__(self, message: str, *, advice: str) -> None:
        super().__init__(message)
        self.advice = advice


class TokensUnreadable(AccessError):
    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(
            f"the tokens in {str(path)!r} cannot be read: {reason}",
            advice="Nobody is let in until the file is mended: `murmur tokens list` says whether it is.",
        )


class UnknownToken(AccessError):
    def __init__(self, name: str, path: Path) -> None:
        super().__init__(
            f"no token in {str(path)!r} has the id or the subject {name!r}",
            advice="See those there are: murmur tokens list",
        )


class TooOpen(AccessError):
    def __init__(self, path: Path, mode: int) -> None:
        super().__init__(
            f"{str(path)!r} holds a secret and its mode is {mode:04o}: others than its owner may open it",
            advice=f"chmod 600 {str(path)!r}, and make a new secret if others use this machine",
        )
