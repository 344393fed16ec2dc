"""The fields of a call, read and checked one by one, complaining in the words that MLflow's clients know."""

import json
import math
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from murmur_mlflow.names import too_long
from murmur_mlflow.refusals import BadValue

T = TypeVar("T")

_TAIL = " See the API docs for more information about request parameters."
_NUMBERS = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}
_LARGEST_INTEGER = 2**63
_CAMELS: dict[str, str] = {}


class Fields:
    """What a call says, in either of the two spellings that protocol buffers know. `null`, and for texts that must be
    there "", count as not said. All methods raise BadValue.

    place: before the names of fields in complaints, such as `metrics[0].`
    of_query: said in a query string, where a list of one looks like the one
    """

    __slots__ = ("_of_query", "_place", "_said")

    def __init__(self, said: Mapping[str, Any], place: str = "", *, of_query: bool = False) -> None:
        self._said = said
        self._place = place
        self._of_query = of_query

    def get(self, name: str) -> Any:
        found = self._said.get(name)
        if "_" not in name:
            return found
        other = _CAMELS.get(name) or _camel(name)
        if (otherwise := self._said.get(other)) is None:
            return found
        if found is not None:
            raise BadValue(f"Request specifies both '{name}' and '{other}'; provide only one of them.")
        return otherwise

    def text(self, name: str, default: str = "") -> str:
        found = self.get(name)
        if found is None:
            return default
        if not isinstance(found, str):
            raise self.wrong(name, found)
        return found

    def optional(self, name: str) -> str | None:
        return None if self.get(name) is None else self.text(name)

    def required(self, name: str) -> str:
        found = self.text(name)
        if not found:
            raise self.missing(name)
        return found

    def integer(self, name: str, default: int | None = None, *, most: int = _LARGEST_INTEGER - 1) -> int:
        """It is missing where there is no default."""
        found = self.get(name)
        if found is None:
            if default is None:
                raise self.missing(name)
            return default
        try:
            number = found if type(found) is int else int(found) if isinstance(found, str) else _whole(found)
        except ValueError:
            raise self.wrong(name, found) from None
        if not -_LARGEST_INTEGER <= number <= most:
            raise self.wrong(name, found)
        return number

    def number(self, name: str) -> float:
        """NaN and the infinities come as words."""
        found = self.get(name)
        if found is None:
            raise self.missing(name)
        if type(found) in (int, float):
            return float(found)
        if isinstance(found, str):
            try:
                return _NUMBERS[found] if found in _NUMBERS else float(found)
            except ValueError:
                pass
        raise self.wrong(name, found)

    def boolean(self, name: str, *, default: bool = False) -> bool:
        found = self.get(name)
        if found is None:
            return default
        if isinstance(found, bool):
            return found
        if not isinstance(found, str):
            raise self.wrong(name, found)
        if found.lower() in ("true", "false"):
            return found.lower() == "true"
        raise BadValue(f"Invalid boolean value: {found}, must be 'true' or 'false'.")

    def texts(self, name: str) -> list[str]:
        """Of a list, or the one that is said alone in a query string."""
        found = self.get(name)
        if found is None:
            return []
        if self._of_query and isinstance(found, str):
            return [found]
        if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
            raise self.wrong(name, found)
        return found

    def each(self, name: str, read: "Callable[[Fields], T]") -> list[T]:
        """What `read` makes of every object in a list."""
        found = self.get(name)
        if found is None:
            return []
        if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
            raise self.wrong(name, found)
        return [read(Fields(one, f"{self._place}{name}[{at}].")) for at, one in enumerate(found)]

    def inner(self, name: str) -> "Fields":
        found = self.get(name)
        if found is not None and not isinstance(found, dict):
            raise self.wrong(name, found)
        return Fields(found or {}, f"{self._place}{name}.")

    def within(self, name: str, longest: int, title: str | None = None) -> None:
        """That it is a text of not more characters."""
        if len(self.text(name)) > longest:
            raise BadValue(too_long(title or self._place + name, longest))

    def place_of(self, name: str) -> str:
        return self._place + name

    def missing(self, name: str) -> BadValue:
        return BadValue(f"Missing value for required parameter '{self._place}{name}'.{_TAIL}")

    def wrong(self, name: str, found: Any) -> BadValue:
        shown = json.dumps(found, sort_keys=True, separators=(",", ":"))
        hint = f" Hint: Value was of type '{type(found).__name__}'."
        return BadValue(f"Invalid value {shown} for parameter '{self._place}{name}' supplied: {hint}{_TAIL}")


def _whole(found: Any) -> int:
    if isinstance(found, float) and found.is_integer():
        return int(found)
    raise ValueError(found)


def _camel(name: str) -> str:
    """Kept, since the fields are few and asked for in each point of a batch."""
    first, *rest = name.split("_")
    return _CAMELS.setdefault(name, first + "".join(part.capitalize() for part in rest))
