"""Requests as clients send them, well and badly, from a seed."""

import json
from copy import deepcopy
from random import Random
from typing import Any

import orjson

COLUMNS = ("limit", "age", "education")
_NUMBERS = (0, 1, 30, 30.0, -0.0, 2.5, -7, 1e-300, 3.4e38, 3.5e38, 1e300, 2**53 + 1, 2**63, 2**70, 10**400)
_ODD: tuple[Any, ...] = (None, True, "30", "", [], [1.0], [[1.0]], {}, {"a": 1}, 1.5, -1, "FP32", "x" * 300)


def requests(seed: int, count: int) -> list[bytes]:
    draw = Random(seed)
    return [_bytes(draw) for _ in range(count)]


def valid(draw: Random) -> dict[str, Any]:
    """One that is answered."""
    rows = draw.choice((1, 1, 1, 2, 7))
    columns = {
        "limit": [draw.choice((draw.gauss(100, 30), draw.randrange(300), None)) for _ in range(rows)],
        "age": [draw.choice((draw.randrange(90), float(draw.randrange(90)), None)) for _ in range(rows)],
        "education": [draw.choice((1, 2.0, 3, None)) for _ in range(rows)],
    }
    request: dict[str, Any] = {"inputs": _matrix(draw, columns) if draw.random() < 0.5 else _tensors(draw, columns)}
    if draw.random() < 0.4:
        request["id"] = draw.choice(("order-17", "é€", "a\nb", "", "x" * 256, "%41", None))
    if draw.random() < 0.2:
        request["outputs"] = draw.choice(([{"name": "probability"}], [], None))
    return request


def _matrix(draw: Random, columns: dict[str, list[Any]]) -> list[dict[str, Any]]:
    rows = [list(row) for row in zip(*columns.values(), strict=True)]
    data = rows if draw.random() < 0.3 else [value for row in rows for value in row]
    whole = all(isinstance(value, int | float) and value == int(value) for row in rows for value in row)
    datatype = "INT64" if whole and draw.random() < 0.5 else draw.choice(("FP64", "FP32"))
    return [{"name": draw.choice(("x", "input")), "shape": [len(rows), 3], "datatype": datatype, "data": data}]


def _tensors(draw: Random, columns: dict[str, list[Any]]) -> list[dict[str, Any]]:
    tensors = []
    for name, values in columns.items():
        tall = draw.random() < 0.5
        data = [[value] for value in values] if tall and draw.random() < 0.3 else values
        whole = name != "limit" and None not in values and draw.random() < 0.5
        shape = [len(values), 1] if tall else [len(values)]
        tensors.append({"name": name, "shape": shape, "datatype": "INT64" if whole else "FP64", "data": data})
    draw.shuffle(tensors)
    return tensors


def _bytes(draw: Random) -> bytes:
    request = valid(draw)
    for _ in range(draw.choice((0, 0, 1, 1, 2))):
        _spoil(draw, request)
    body = json.dumps(request).encode() if draw.random() < 0.5 else _compact(request)
    return _garble(draw, body) if draw.random() < 0.1 else body


def _compact(request: dict[str, Any]) -> bytes:
    try:
        return orjson.dumps(request)
    except TypeError:  # an integer that it does not write
        return json.dumps(request).encode()


def _spoil(draw: Random, request: dict[str, Any]) -> None:
    """Changes one place, somewhere in it."""
    place: Any = request
    while True:
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        if not keys:
            return
        key = draw.choice(keys)
        if isinstance(place[key], dict | list) and place[key] and draw.random() < 0.8:
            place = place[key]
            continue
        match draw.randrange(4):
            case 0:
                place[key] = draw.choice(_NUMBERS)
            case 1:
                place[key] = deepcopy(draw.choice(_ODD))
            case 2:
                del place[key]
            case _ if isinstance(place, dict):
                place[draw.choice(("parameters", "id", "name", "other"))] = deepcopy(draw.choice(_ODD))
            case _:
                place.append(deepcopy(draw.choice((place[key], *_ODD))))
        return


def _garble(draw: Random, body: bytes) -> bytes:
    at = draw.randrange(len(body))
    return body[:at] + bytes([draw.randrange(256)]) + body[at + draw.randrange(2) :]
