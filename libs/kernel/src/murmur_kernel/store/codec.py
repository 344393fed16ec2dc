"""Envelopes, raw records and the edits of dead letters as JSON text, the form in which a store keeps them."""

import base64
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from murmur_events import Envelope
from murmur_events.catalog import topic_named
from murmur_kernel.store.base import LetterEdit, RawRecord


def dump_envelope(envelope: Envelope) -> str:
    fields = {name: value for name, value in vars(envelope).items() if name != "event"}
    fields["time"] = envelope.time.isoformat()
    return json.dumps({**fields, "event": envelope.event.payload})


def load_envelope(text: str) -> Envelope:
    fields: dict[str, Any] = json.loads(text)
    event = topic_named(fields["topic"]).event.model_validate_json(fields.pop("event"))
    return Envelope(**{**fields, "time": datetime.fromisoformat(fields["time"])}, event=event)


def dump_record(record: RawRecord) -> str:
    return json.dumps(
        {
            **vars(record),
            "value": _text(record.value),
            "headers": [[name, _text(value)] for name, value in record.headers],
        }
    )


def load_record(text: str) -> RawRecord:
    fields: dict[str, Any] = json.loads(text)
    fields["value"] = base64.b64decode(fields["value"])
    fields["headers"] = tuple((name, base64.b64decode(value)) for name, value in fields["headers"])
    return RawRecord(**fields)


def dump_edits(edits: Sequence[LetterEdit]) -> str:
    return json.dumps([{**vars(edit), "at": edit.at.isoformat(), "before": _text(edit.before)} for edit in edits])


def load_edits(text: str) -> tuple[LetterEdit, ...]:
    return tuple(
        LetterEdit(
            at=datetime.fromisoformat(edit["at"]),
            by=edit["by"],
            reason=edit["reason"],
            before=base64.b64decode(edit["before"]),
        )
        for edit in json.loads(text)
    )


def dump_time(at: datetime) -> str:
    """So that times are ordered as their texts are; one beyond the calendar is its first or last moment."""
    try:
        return at.astimezone(UTC).isoformat()
    except OverflowError:
        return (datetime.min if at.year == 1 else datetime.max).replace(tzinfo=UTC).isoformat()


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
