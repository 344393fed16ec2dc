"""Which team's names a call means: it says so in a header."""

import uuid

from fastapi import HTTPException, Request

from murmur_kernel.service import Service
from murmur_mlflow.refusals import BadValue
from murmur_mlflow.workspaces import named_in
from murmur_tracking import workspaces as commands
from murmur_tracking.repository import TrackingUnitOfWork


class Workspaces:
    """As what the workspace of a call is kept; one that is first named, or was dropped, is opened.

    A store of this process alone is asked once a name: nobody else drops one there.
    """

    def __init__(self, service: Service[TrackingUnitOfWork]) -> None:
        self._service = service
        self._known: dict[str, str] = {}
        self._drops = 0

    async def of(self, request: Request) -> str:
        """Raises BadValue."""
        name = named_in(request.headers)
        if (known := self._known.get(name)) is not None:
            return known
        drops = self._drops
        found = await self._service.read(commands.find, name)
        current = found.current if found else await self._open(name)
        if not self._service.store.shared and drops == self._drops:
            self._known[name] = current
        return current

    async def looked_up(self, request: Request) -> str:
        """For our own API, whose reading opens none. Raises BadValue."""
        return await self._service.read(commands.current, named_in(request.headers))

    async def asked(self, request: Request) -> str:
        """As `looked_up`; a header that names none is refused in the words of our own API."""
        try:
            return await self.looked_up(request)
        except BadValue as error:
            raise HTTPException(error.status, str(error)) from None

    async def _open(self, name: str) -> str:
        """Under a key of its own: that of the call is for what the call is about."""
        return await self._service.change(commands.open_one, name, answer=str, key=f"open {uuid.uuid4()}")

    def forget(self, name: str) -> None:
        """It was dropped; what was asked before and is not answered yet is not kept either."""
        self._drops += 1
        self._known.pop(name, None)
