"""The search language of Murmuration: parsed here, and given one meaning on every store."""

from murmur_search.errors import FilterRefused, SearchRefused, TokenRefused
from murmur_search.nodes import (
    And,
    Compare,
    Field,
    Filter,
    Kind,
    Like,
    Matches,
    Not,
    OneOf,
    Or,
    Order,
    Present,
)
from murmur_search.parse import parse_filter, parse_order
from murmur_search.schema import Attribute, Schema, Type
from murmur_search.schemas import EXPERIMENTS, LOGGED_MODELS, MODEL_VERSIONS, REGISTERED_MODELS, RUNS

__all__ = [
    "EXPERIMENTS",
    "LOGGED_MODELS",
    "MODEL_VERSIONS",
    "REGISTERED_MODELS",
    "RUNS",
    "And",
    "Attribute",
    "Compare",
    "Field",
    "Filter",
    "FilterRefused",
    "Kind",
    "Like",
    "Matches",
    "Not",
    "OneOf",
    "Or",
    "Order",
    "Present",
    "Schema",
    "SearchRefused",
    "TokenRefused",
    "Type",
    "parse_filter",
    "parse_order",
]
