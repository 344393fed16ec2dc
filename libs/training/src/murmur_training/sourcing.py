"""What a training learns from: what load() returns now, or the kept snapshot of an earlier training.

pandas and pyarrow are imported no sooner than needed, since together they take seconds: what is wrong with the code of
a workflow is told at once.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from murmur_events.values import Signature
from murmur_training.code import WorkflowCode
from murmur_training.context import DataContext
from murmur_training.messages import Emit, Phase
from murmur_training.spec import PinnedSnapshot, WorkerSpec

if TYPE_CHECKING:
    from murmur_training.snapshot import Snapshot


@dataclass(frozen=True, kw_only=True)
class Data:
    """A snapshot, which lies in the work folder as files too, and what its columns hold."""

    snapshot: "Snapshot"
    digest: str
    signature: Signature


def load_data(spec: WorkerSpec, code: WorkflowCode, emit: Emit, *, loading: Emit) -> Data:
    """What the workflow's load() returns, checked and cut; `loading` hears what load() says meanwhile.

    Raises CodeRaised and DataRejected.
    """
    load = code.function(spec.data.entry, "load")
    loaded = load(spec.as_of, DataContext(data_dir=spec.data_dir, emit=loading, parameters=spec.parameters))

    from murmur_training.outputs import signature_of
    from murmur_training.snapshot import take_snapshot, write_snapshot

    emit(Phase(name="snapshot"))
    snapshot = take_snapshot(loaded, spec.data, spec.costs)
    digest = write_snapshot(snapshot, spec.work)
    return Data(snapshot=snapshot, digest=digest, signature=signature_of(loaded, snapshot))


def kept_data(pinned: PinnedSnapshot, spec: WorkerSpec) -> Data:
    """The same rows as the earlier training had, without asking load(). Raises DataRejected."""
    from murmur_training.snapshot import read_snapshot

    snapshot = read_snapshot(pinned, spec.data, spec.work)
    return Data(snapshot=snapshot, digest=pinned.digest, signature=pinned.signature)
