"""What the parser could not read, said for people."""

from collections.abc import Collection

from lark import Token
from lark.exceptions import UnexpectedCharacters, UnexpectedInput, UnexpectedToken

from murmur_search.errors import FilterRefused

_NAMES = {
    "FIELD": "a field such as metrics.auc, params.lr or status",
    "OPERATOR": "a comparison (= != < <= > >=)",
    "IN": "IN",
    "NOT": "NOT",
    "LIKE": "LIKE",
    "ILIKE": "ILIKE",
    "IS": "IS",
    "NULL": "NULL",
    "AND": "AND",
    "OR": "OR",
    "ASC": "ASC",
    "DESC": "DESC",
    "STRING": "a text in quotes",
    "NUMBER": "a number",
    "LPAR": "'('",
    "RPAR": "')'",
    "COMMA": "','",
    "$END": "the end",
}
_UNSAID = {"BARE", "MATCH"}  # words without quotes are read in order to say what is wrong with them


def refusal(text: str, unexpected: UnexpectedInput, clause: str) -> FilterRefused:
    """clause: what a text of this kind is called."""
    match unexpected:
        case UnexpectedToken(token=Token() as token):
            wanted: Collection[str] = unexpected.accepts or unexpected.expected
            if token.type == "$END":
                return FilterRefused(text, len(text.rstrip()), f"Invalid {clause}: it ends where {_said(wanted)}.")
            return _at(text, token.start_pos or 0, str(token), wanted, clause)
        case UnexpectedCharacters():
            at = unexpected.pos_in_stream or 0
            return _at(text, at, _word(text, at), unexpected.allowed or (), clause)
    return FilterRefused(text, 0, f"Invalid {clause}: this cannot be read.")


def _at(text: str, at: int, found: str, wanted: Collection[str], clause: str) -> FilterRefused:
    if found == ";":
        reason, hint = f"Invalid {clause} ';': a search is one expression.", "Join conditions by AND or OR."
    elif found[0] in "'\"`" and text.count(found[0], at) == 1:
        reason, hint = f"Invalid {clause} {text[at : at + 40]!r}: its quote is never closed.", ""
    elif found[0] == ".":
        reason = f"Invalid {clause} {found!r}: after a dot comes a key."
        hint = "Write it in backticks if it has spaces."
    elif found == ")" and "FIELD" not in wanted and "RPAR" not in wanted and "STRING" not in wanted:
        reason, hint = f"Invalid {clause} ')': no parenthesis is open.", ""
    elif found in ("&", "&&", "|", "||"):
        reason, hint = f"Invalid {clause} {found!r}.", f"Write {'AND' if '&' in found else 'OR'}."
    elif "FIELD" in wanted and (found[0].isdigit() or found[0] in "'+-"):
        reason = f"Invalid {clause} {found!r}: a comparison begins with a field."
        hint = "Write metrics.auc > 0.5, not 0.5 < metrics.auc."
    else:
        reason, hint = f"Invalid {clause} {found!r} where {_said(wanted)}.", ""
    return FilterRefused(text, at, reason, end=at + len(found), hint=hint)


def _said(wanted: Collection[str]) -> str:
    names = [name for key, name in _NAMES.items() if key in wanted and key not in _UNSAID]
    if not names:
        return "something else is expected"
    return ", ".join(names[:-1]) + (" or " if names[:-1] else "") + names[-1] + " is expected"


def _word(text: str, at: int) -> str:
    end = at + 1
    if text[at].isalnum():
        while end < len(text) and (text[end].isalnum() or text[end] in "_.-"):
            end += 1
    return text[at:end]
