"""MLServer tells in the headers of every answer which request it is for; here, whatever that request was called."""

from urllib.parse import quote

from mlserver.cloudevents import CloudEventsMiddleware, CloudEventsTypes
from mlserver.settings import ModelSettings


def header_value(request_id: str) -> str:
    """As CloudEvents' HTTP binding has it: what no header can carry is percent-encoded."""
    return request_id if request_id.isascii() and request_id.isprintable() else quote(request_id, safe="")


class SafeCloudEvents(CloudEventsMiddleware):  # type: ignore[misc]  # MLServer ships no types
    """MLServer's own ends in status 500 for an id with a character outside Latin-1, or a line break."""

    def _get_headers(
        self, ce_type: CloudEventsTypes, model_settings: ModelSettings, ce_id: str | None
    ) -> dict[str, str]:
        safe = None if ce_id is None else header_value(ce_id)
        headers: dict[str, str] = super()._get_headers(ce_type, model_settings, safe)
        return headers

    def of_answers(self, model_settings: ModelSettings) -> dict[str, str]:
        """What the headers of all answers of a model have in common."""
        return self._get_headers(CloudEventsTypes.Response, model_settings, None)
