"""Waiting longer each time something fails again."""

import random


class Backoff:
    """Delays in seconds that double from `first` to `longest`, each shortened at random by up to half."""

    def __init__(self, *, first: float = 0.1, longest: float = 10.0) -> None:
        self._first = first
        self._longest = longest
        self._delay = first

    def next(self) -> float:
        delay, self._delay = self._delay, min(self._delay * 2, self._longest)
        return delay * random.uniform(0.5, 1.0)

    def reset(self) -> None:
        self._delay = self._first
