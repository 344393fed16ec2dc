"""Where in a git repository the code of a revision was, as far as whoever applied it has said."""

from dataclasses import dataclass

from murmur_events.values import Source
from murmur_trainer.ports import Artifacts


@dataclass(frozen=True, kw_only=True)
class CodeSource:
    """diff: from the commit to the files, as text."""

    commit: str
    dirty: bool
    diff: str | None = None


async def kept(source: CodeSource | None, artifacts: Artifacts) -> Source | None:
    """With the diff as an artifact. Raises Transient."""
    if source is None:
        return None
    diff = await artifacts.put_bytes(source.diff.encode(), suffix=".diff") if source.diff else None
    return Source(commit=source.commit, dirty=source.dirty, diff=diff)
