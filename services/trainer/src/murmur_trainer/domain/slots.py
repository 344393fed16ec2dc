"""Who trains now, of all workflows and in all replicas together, and whose turn is next.

A slot belongs to a run and not to a process: it is taken in the transaction that makes the run's job and given back
when the run has ended, so that a worker that dies in between leaves it with the run, which another worker takes over.
"""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A run that wants a slot. sweep: whether it is one of many."""

    run_id: str
    workflow: str
    sweep: bool = False


@dataclass(frozen=True, kw_only=True)
class Slots:
    """held: runs with a slot. waiting: those without, as they came. served: by workflow, the turn in which it last got
    one."""

    name: str = "slots"
    held: tuple[Claim, ...] = ()
    waiting: tuple[Claim, ...] = ()
    turns: int = 0
    served: Mapping[str, int] = field(default_factory=dict)

    def wanted(self, claim: Claim) -> "Slots":
        """Unchanged where the run is known already."""
        if any(claim.run_id == other.run_id for other in (*self.held, *self.waiting)):
            return self
        return replace(self, waiting=(*self.waiting, claim))

    def without(self, run_ids: Collection[str]) -> "Slots":
        """These runs have ended, or are not wanted any more."""
        return replace(
            self,
            held=tuple(claim for claim in self.held if claim.run_id not in run_ids),
            waiting=tuple(claim for claim in self.waiting if claim.run_id not in run_ids),
        )

    def granted(self, total: int) -> "Slots":
        """With the free ones of `total` slots given to those whose turn it is.

        The workflow with the fewest slots comes first, then the one that was served longest ago: a sweep of 500 delays
        another workflow by one run at most. Within a workflow a run of its own comes before those of sweeps.
        """
        slots = self
        while slots.waiting and len(slots.held) < total:
            slots = slots._give(slots._next())
        return slots

    def _next(self) -> Claim:
        holding = Counter(claim.workflow for claim in self.held)
        return min(
            self.waiting,
            key=lambda claim: (holding[claim.workflow], self.served.get(claim.workflow, 0), claim.sweep),
        )

    def _give(self, claim: Claim) -> "Slots":
        return replace(
            self,
            held=(*self.held, claim),
            waiting=tuple(other for other in self.waiting if other.run_id != claim.run_id),
            turns=self.turns + 1,
            served={**self.served, claim.workflow: self.turns + 1},
        )
