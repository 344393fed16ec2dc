"""Durations as people say them, short enough for a bar."""


def duration(seconds: float) -> str:
    """`40 ms`, `2.4 s`, `2 min 10 s`, `3 h 5 min`, `4 d 2 h`: two units at most, never rounded up to the next."""
    seconds = max(seconds, 0.0)
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    whole = int(seconds)
    for size, unit, smaller, smaller_unit in (
        (86400, "d", 3600, "h"),
        (3600, "h", 60, "min"),
        (60, "min", 1, "s"),
    ):
        if whole >= size:
            rest = whole % size // smaller
            return f"{whole // size} {unit}" + (f" {rest} {smaller_unit}" if rest else "")
    return "1 min"
