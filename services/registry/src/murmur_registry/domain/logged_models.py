"""Models that clients have logged with tracking, as far as a version may be made of one."""

import json
from dataclasses import dataclass

from murmur_registry.domain.workspaces import Workspace


@dataclass(frozen=True, kw_only=True)
class LoggedModel:
    """workspace, generation: where it was logged. registered: the versions that tracking has noted on it, as JSON.
    sequence: of the event that said so"""

    id: str
    workspace: str
    generation: int
    artifact_uri: str
    source_run: str | None = None
    registered: str = "[]"
    deleted: bool = False
    sequence: int = 0

    def is_in(self, name: str, workspace: Workspace | None) -> bool:
        """Whether a client of the workspace of that name sees it. workspace: None where that was never dropped"""
        ended = 0 if workspace is None else workspace.generation
        return not self.deleted and self.workspace == name and self.generation >= ended

    def tells_of(self, name: str, version: int) -> bool:
        """Clients may write there, too: what is no list tells nothing."""
        try:
            listed = json.loads(self.registered)
        except ValueError:
            return False
        return isinstance(listed, list) and {"name": name, "version": version} in listed


@dataclass(frozen=True, kw_only=True)
class LocalExperiment:
    """An experiment whose runs keep their artifacts in a folder of clients' own machines, as these name it."""

    id: str
    workspace: str
    generation: int
    location: str
