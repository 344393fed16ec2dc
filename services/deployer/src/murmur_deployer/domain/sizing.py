"""Which replicas of what serves, or of its canary, come and go, so that it becomes as large as it should be."""

from dataclasses import dataclass

from murmur_deployer.domain.replicas import Replica, ServedVersion, Terms


@dataclass(frozen=True)
class Change:
    """start: how many new replicas. retire: those that take their leave."""

    start: int = 0
    retire: tuple[Replica, ...] = ()


NOTHING = Change()


def change(served: ServedVersion | None, wanted: int, terms: Terms) -> Change:
    """The next change towards `wanted` replicas under these terms.

    Whoever replaces others is proven before they leave: at no time do fewer than `wanted` answer that need not.
    """
    if served is None:
        return NOTHING
    current = [replica for replica in served.replicas if replica.terms == terms]
    if len(current) < wanted:
        return Change(start=wanted - len(current))
    ranked = sorted(current, key=lambda replica: not replica.proven)  # stable: of equals the oldest stays
    staying = ranked[:wanted]
    if not all(replica.proven for replica in staying):
        return Change(retire=tuple(replica for replica in ranked[wanted:] if not replica.proven))
    names = {replica.name for replica in staying}
    return Change(retire=tuple(replica for replica in served.replicas if replica.name not in names))
