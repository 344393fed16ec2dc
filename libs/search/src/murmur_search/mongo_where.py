"""Conditions as MongoDB's query language."""

import re
from typing import Any

from murmur_search import patterns
from murmur_search.mongo_shape import nan_path, path
from murmur_search.nodes import Compare, Kind, Leaf, Like, Matches, OneOf, Present
from murmur_search.normal import All, AnyOf, Condition, Normal

Query = dict[str, Any]

_END = r"(?![\s\S])"  # `$` would also stand before a last line break
_OPERATORS = {"<": "$lt", "<=": "$lte", ">": "$gt", ">=": "$gte"}
_INVERSE = {"<": ">=", ">=": "<", ">": "<=", "<=": ">"}


def where(part: Normal) -> Query:
    match part:
        case All(parts):
            return {"$and": [where(one) for one in parts]} if parts else {}
        case AnyOf(parts):
            return {"$or": [where(one) for one in parts]}
        case Condition(leaf, denied):
            if isinstance(leaf, Matches):
                return {"$nor": [_words(leaf)]} if denied else _words(leaf)
            if leaf.field.kind is Kind.DATASET:
                return _dataset(part)
            if leaf.field.kind is Kind.METRIC:
                return _metric(part)
            return _test(part, path(leaf.field))


def _words(leaf: Matches) -> Query:
    starts = [{"words": {"$regex": f"^{re.escape(start)}"}} for start in leaf.prefixes]
    return {"$and": [*({"words": word} for word in leaf.words), *starts]}


def _dataset(condition: Condition) -> Query:
    assert condition.field is not None
    column = path(condition.field)
    some = {"datasets": {"$elemMatch": {column: {"$ne": None}}}}
    if isinstance(condition.leaf, Present):
        return some if condition.leaf.present else {"$nor": [some]}
    met = {"datasets": {"$elemMatch": _test(Condition(condition.leaf), column)}}
    return {"$and": [some, {"$nor": [met]}]} if condition.denied else met


def _metric(condition: Condition) -> Query:
    """NaN is kept as 0 with a mark, and differs from every number."""
    assert condition.field is not None
    plain = _test(condition, path(condition.field))
    if isinstance(condition.leaf, Present):
        return plain
    if _differs(condition.leaf) is not condition.denied:
        return {"$or": [plain, {nan_path(condition.field): 1}]}
    return {"$and": [plain, {nan_path(condition.field): 0}]}


def _test(condition: Condition, at: str) -> Query:
    """Holds of nothing that is absent or null."""
    denied = condition.denied
    match condition.leaf:
        case Compare(_, ("=" | "!=") as comparison, value):
            return {at: value} if (comparison == "=") is not denied else {at: {"$nin": [value, None]}}
        case Compare(_, comparison, value):
            return {at: {_OPERATORS[_INVERSE[comparison] if denied else comparison]: value}}
        case OneOf(_, values, negated):
            return {at: {"$nin": [*values, None]}} if negated is not denied else {at: {"$in": list(values)}}
        case Like(_, pattern, any_case, negated):
            regex = {"$regex": patterns.regex(pattern, any_case=any_case) + _END}
            return {at: {"$ne": None, "$not": regex}} if negated is not denied else {at: regex}
        case Present(_, present):
            return {at: {"$ne": None}} if present else {at: None}
    raise TypeError(condition)


def _differs(leaf: Leaf) -> bool:
    """Whether NaN meets it."""
    return (isinstance(leaf, Compare) and leaf.operator == "!=") or (isinstance(leaf, OneOf) and leaf.negated)
