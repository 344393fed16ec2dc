"""The errors of this library; their tree is in the package's docstring."""


class ContractError(Exception):
    """A record on the wire does not keep to the contract."""


class UnknownTopic(ContractError):
    def __init__(self, topic: str) -> None:
        super().__init__(f"topic {topic!r} is not in the catalog: see murmur_events/catalog.py for those that are")
        self.topic = topic


class NotAnEnvelope(ContractError):
    def __init__(self, topic: str, missing: str) -> None:
        super().__init__(
            f"a record on {topic!r} has no usable header {missing!r}: events are CloudEvents 1.0 in Kafka binary mode,"
            f" publish them with murmur_events.to_record"
        )
        self.topic = topic
        self.missing = missing


class InvalidPayload(ContractError):
    def __init__(self, topic: str, complaint: str) -> None:
        super().__init__(f"the value of a record on {topic!r} does not fit its schema: {complaint}")
        self.topic = topic
        self.complaint = complaint
