"""What the console remembers of the flock's history: the newest chains, bounded, and an index over every id in them."""

import heapq
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime

from murmur_console.domain.chains import Chain
from murmur_console.domain.facts import Fact


@dataclass(frozen=True)
class Progress:
    """How far a run says it is."""

    done: float | None
    line: str


@dataclass(frozen=True)
class Hit:
    """Something a search has found."""

    what: str
    id: str
    chain: str
    workflow: str | None
    fact: str | None
    time: datetime


class Story:
    """Facts by chain. Over `capacity` facts, the chains that were silent longest are forgotten, whole."""

    def __init__(self, capacity: int = 50_000) -> None:
        self._capacity = capacity
        self._chains: OrderedDict[str, Chain] = OrderedDict()
        self._chain_of: dict[str, str] = {}
        self._workflow_of_model: dict[str, str] = {}
        self.progress: dict[str, Progress] = {}
        self.revision = 0

    def __len__(self) -> int:
        return len(self._chain_of)

    def add(self, fact: Fact) -> bool:
        """False if it is known already: a feed may begin again from wherever it likes."""
        if fact.id in self._chain_of:
            return False
        chain = self._chains.setdefault(fact.correlation_id, Chain(fact.correlation_id))
        chain.add(fact)
        self._chains.move_to_end(fact.correlation_id)
        self._chain_of[fact.id] = fact.correlation_id
        if fact.model and fact.workflow:
            self._workflow_of_model[fact.model] = fact.workflow
        self._forget()
        self.revision += 1
        return True

    def note_progress(self, run: str, progress: Progress) -> None:
        self.progress[run] = progress
        self.revision += 1

    def chain(self, correlation_id: str) -> Chain | None:
        return self._chains.get(correlation_id)

    def chains(self, workflow: str | None = None) -> list[Chain]:
        """Those worth a timeline, newest beginning first."""
        found = [
            chain
            for chain in self._chains.values()
            if chain.is_telling and (workflow is None or self.workflow_of(chain) == workflow)
        ]
        return sorted(found, key=lambda chain: chain.root.time, reverse=True)

    def latest(self, count: int) -> list[Fact]:
        """The newest facts of all chains, newest first."""
        recent = [fact for chain in list(reversed(self._chains.values()))[:count] for fact in chain.facts[-count:]]
        return heapq.nlargest(count, recent, key=lambda fact: (fact.time, fact.id))

    def workflow_of(self, chain: Chain) -> str | None:
        if chain.workflow:
            return chain.workflow
        models = (self._workflow_of_model.get(fact.model or "") for fact in chain.facts)
        return next((workflow for workflow in models if workflow), None)

    def fact(self, fact_id: str) -> Fact | None:
        chain = self._chains.get(self._chain_of.get(fact_id, ""))
        return chain.get(fact_id) if chain else None

    def find(self, wanted: str, *, limit: int = 50) -> list[Hit]:
        """Whatever has an id that begins with `wanted`: correlation, event, run; and chains of a model or workflow.

        `credit 2` or `credit/2` finds a version. Newest first, each thing once.
        """
        wanted = wanted.strip().lower()
        hits: dict[tuple[str, str], Hit] = {}
        for chain in reversed(self._chains.values()) if wanted else ():
            for what, found, fact in _ids(chain):
                if found.lower().startswith(wanted) and (what, found) not in hits:
                    workflow = self.workflow_of(chain)
                    time = (fact or chain.root).time
                    hits[what, found] = Hit(
                        what, found, chain.correlation_id, workflow, fact.id if fact else None, time
                    )
        exact = [hit for hit in hits.values() if hit.id.lower() == wanted]
        return (exact or list(hits.values()))[:limit]

    def _forget(self) -> None:
        while len(self._chain_of) > self._capacity and len(self._chains) > 1:
            _, chain = self._chains.popitem(last=False)
            for fact in chain.facts:
                self._chain_of.pop(fact.id, None)
                self.progress.pop(fact.run or "", None)


def _ids(chain: Chain) -> list[tuple[str, str, Fact | None]]:
    """Every id of a chain with what it names and the fact to look at; later facts of the same thing come first."""
    ids: list[tuple[str, str, Fact | None]] = [("correlation", chain.correlation_id, None)]
    for fact in reversed(chain.facts):
        ids.append(("event", fact.id, fact))
        if fact.run:
            ids.append(("run", fact.run, fact))
        if fact.model and fact.version:
            ids.append(("version", f"{fact.model} {fact.version}", fact))
            ids.append(("version", f"{fact.model}/{fact.version}", fact))
    return ids
