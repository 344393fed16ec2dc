"""Numbers as people who compare runs read them."""


def exact(value: float | None) -> str:
    """Five significant digits, so that near values differ; None: what is no finite number."""
    if value is None:
        return "not finite"
    if value == 0 or 1e-4 <= abs(value) < 1e7:
        whole = f"{value:,.0f}"
        return whole if value == round(value) else f"{value:.5g}" if abs(value) < 1e5 else f"{value:,.1f}"
    return f"{value:.4e}"


def precise(value: float | None) -> str:
    """Nine digits, in which the verdict on a repeated run may lie; None: it was not measured, or is not finite."""
    return "–" if value is None else f"{value:.9g}"


def by_how_much(difference: float | None) -> str:
    return "–" if difference is None else f"{difference:+.3g}"


def size(bytes_: int) -> str:
    """`812 B`, `3.4 KB`, `1.2 MB`."""
    amount = float(bytes_)
    for unit in ("B", "KB", "MB", "GB"):
        if amount < 1000 or unit == "GB":
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1000
    raise AssertionError(amount)
