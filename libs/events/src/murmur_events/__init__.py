"""What the services of Murmuration may say to each other: event types, the catalog of topics, the envelope.

Errors
------
ContractError
├── UnknownTopic     no event of the catalog travels on that topic
├── NotAnEnvelope    a record lacks the CloudEvents headers that every event carries
└── InvalidPayload   the value of a record does not fit the type that its topic promises
"""

from murmur_events.base import Event
from murmur_events.catalog import CATALOG, Topic, topic_of
from murmur_events.envelope import LARGEST_RECORD, Complaint, Envelope, Record, complaints, from_record, to_record
from murmur_events.errors import ContractError, InvalidPayload, NotAnEnvelope, UnknownTopic

__all__ = [
    "CATALOG",
    "LARGEST_RECORD",
    "Complaint",
    "ContractError",
    "Envelope",
    "Event",
    "InvalidPayload",
    "NotAnEnvelope",
    "Record",
    "Topic",
    "UnknownTopic",
    "complaints",
    "from_record",
    "to_record",
    "topic_of",
]
