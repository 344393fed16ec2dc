"""Takes secrets out of what is about to be logged: by the name they stand under, by their form, and by their value."""

import re
from collections.abc import Iterable, Mapping, MutableMapping
from typing import Any

REDACTED = "[redacted]"

_NAMES = re.compile(r"passw(or)?d|secret|token|authorization|api_?key|credential|cookie|private_?key", re.IGNORECASE)
_HARMLESS = frozenset({"tokens", "password_file", "kafka_password_file", "token_file"})
"""Names that look like secrets and are paths or counts."""
_FORMS = (
    (re.compile(r"murmur_[A-Za-z0-9_-]{43}"), REDACTED),
    (re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{8,}"), rf"\1 {REDACTED}"),
    (re.compile(r"(?<=://)([^\s:/@]*):[^\s/@]+@"), rf"\1:{REDACTED}@"),
    (re.compile(r'(?i)(password\s*=\s*"?)[^"\s;,\]]+'), rf"\1{REDACTED}"),
)
"""Our tokens, Authorization headers, passwords in addresses, passwords in JAAS and SCRAM settings."""


class Redaction:
    """A structlog processor. `learn` tells it values that must never be seen, whatever they stand under."""

    def __init__(self, values: Iterable[str] = ()) -> None:
        self._values: set[str] = set()
        for value in values:
            self.learn(value)

    def learn(self, value: str | None) -> None:
        if value:
            self._values.add(value)

    def __call__(self, logger: Any, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        return {name: self._value(name, value) for name, value in event.items()}

    def text(self, text: str) -> str:
        for value in self._values:
            text = text.replace(value, REDACTED)
        for form, replacement in _FORMS:
            text = form.sub(replacement, text)
        return text

    def _value(self, name: str, value: Any) -> Any:
        if _NAMES.search(name) and name not in _HARMLESS and value is not None and not isinstance(value, bool):
            return REDACTED
        return self._inside(value)

    def _inside(self, value: Any) -> Any:
        match value:
            case None | bool() | int() | float():
                return value
            case str():
                return self.text(value)
            case bytes():
                return self.text(value.decode("utf-8", errors="replace"))
            case Mapping():
                return {str(name): self._value(str(name), item) for name, item in value.items()}
            case list() | tuple() | set() | frozenset():
                return [self._inside(item) for item in value]
            case _:
                return self.text(str(value)) if self._reveals(value) else value

    def _reveals(self, value: Any) -> bool:
        said = f"{value!s} {value!r}"
        return self.text(said) != said


redaction = Redaction()
"""The one of this process: settings teach it their secrets, every logger passes through it."""
