"""What must be true of a flock that has come to rest, whatever was killed: each rule a function of what was read."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator

from checker_world import Fact, Memory, World

Rule = Callable[[World], Iterator[str]]
RULES: dict[str, Rule] = {}


def rule(name: str) -> Callable[[Rule], Rule]:
    def register(function: Rule) -> Rule:
        RULES[name] = function
        return function

    return register


def broken(world: World, names: Iterable[str] | None = None) -> list[str]:
    """Every complaint, with the rule that makes it."""
    return [f"{name}: {what}" for name in names or RULES for what in RULES[name](world)]


@rule("readable")
def every_record_is_an_event(world: World) -> Iterator[str]:
    yield from world.unreadable


@rule("repeats")
def what_is_said_twice_is_said_alike(world: World) -> Iterator[str]:
    """Under one id there is one event, on one topic and key, the same to the byte."""
    first: dict[str, Fact] = {}
    for fact in world.facts:
        known = first.setdefault(fact.id, fact)
        if (fact.topic, fact.key, fact.digest) != (known.topic, known.key, known.digest):
            yield f"{fact} differs from {known}"


@rule("doubled")
def one_number_is_given_to_one_event(world: World) -> Iterator[str]:
    given: dict[tuple[str, str, str, int], Fact] = {}
    for fact in _numbered(world):
        known = given.setdefault((*_counter(world, fact), fact.sequence), fact)
        if known.id != fact.id:
            yield f"{fact} and {known} have the same number"


@rule("gaps")
def numbers_have_no_gaps(world: World) -> Iterator[str]:
    for counter, numbers in _numbers(world).items():
        missing = sorted(set(range(1, max(numbers) + 1)) - numbers)
        if missing:
            yield f"{'/'.join(counter)} lacks {missing[:5]} of {max(numbers)}"


@rule("lost")
def what_was_committed_is_in_the_log(world: World) -> Iterator[str]:
    """The counters of the stores say how much was ever committed: so much must be there."""
    numbers = _numbers(world)
    for memory in world.memories:
        for aggregate, key, value in memory.sequences:
            last = max(
                (max(found) for counter, found in numbers.items() if counter[::2] == (memory.service, key)), default=0
            )
            if last < value:
                yield f"{memory.service} committed {value} events of {aggregate} {key!r}, the log ends with {last}"


@rule("order")
def first_occurrences_are_in_order(world: World) -> Iterator[str]:
    """Per topic and key, and one key lies in one partition."""
    last: dict[tuple[str, str], Fact] = {}
    seen: set[str] = set()
    for fact in _numbered(world):
        if fact.id in seen:
            continue
        seen.add(fact.id)
        before = last.get((fact.topic, fact.key))
        if before is not None and (fact.sequence < before.sequence or fact.partition != before.partition):
            yield f"{fact} stands after {before}"
        last[fact.topic, fact.key] = fact


@rule("causes")
def every_cause_exists(world: World) -> Iterator[str]:
    known = {fact.id: fact for fact in world.facts}
    for fact in world.facts:
        if fact.cause is not None and fact.cause not in known:
            yield f"{fact} names the cause {fact.cause}, which is nowhere"


@rule("handled")
def who_hears_a_topic_has_handled_all_of_it(world: World) -> Iterator[str]:
    """A service that has any event of a topic in its inbox subscribes to it: then all of them are there."""
    for memory in world.memories:
        heard = {fact.topic for fact in world.facts if fact.id in memory.inbox}
        for fact in world.of(*heard):
            if fact.id not in memory.inbox:
                yield f"{memory.service} never handled {fact}"


@rule("rest")
def nothing_waits(world: World) -> Iterator[str]:
    for memory in world.memories:
        yield from (f"{memory.service} has not published {what}" for what in memory.outbox)
        yield from (f"{memory.service} still waits: {what}" for what in memory.parked)
        yield from (f"{memory.service} gave up: {what}" for what in memory.dead_letters)
        for job in memory.jobs:
            if job["state"] != "queued" or job["due"] <= world.now:
                what = f"{job['id']} is {job['state']} at attempt {job['attempt']}: {job['error']}"
                yield f"{memory.service}'s job {what}"


@rule("requests")
def every_trigger_has_one_ending(world: World) -> Iterator[str]:
    """A request ends in a run or is skipped; a trigger that was said twice still makes one run."""
    asked = Counter(_trigger(fact) for fact in world.of("training.requested"))
    skipped = Counter(_trigger(fact) for fact in world.of("training.skipped"))
    ran = Counter(_trigger(fact) for fact in world.of("run.completed", "run.failed"))
    for trigger, count in asked.items():
        if ran[trigger] > 1 or ran[trigger] + skipped[trigger] != count:
            yield f"{trigger}: asked for {count} times, ended {ran[trigger]} times, skipped {skipped[trigger]} times"
    yield from (f"{trigger} ended, and nobody asked for it" for trigger in (ran | skipped) if trigger not in asked)


@rule("versions")
def every_completed_run_is_one_version(world: World) -> Iterator[str]:
    registered = Counter(fact.body["state"]["run_id"] for fact in world.of("model.registered"))
    completed = {
        fact.key
        for fact in world.of("run.completed")
        if fact.body.get("model") and not fact.body.get("research") and not fact.body.get("reproduction")
    }
    for run in completed | set(registered):
        if registered[run] != 1 or run not in completed:
            yield f"run {run} is {registered[run]} versions"
    kept = world.memory("registry")
    if kept is not None and len(kept.documents.get("version", ())) != registered.total():
        yield f"the registry keeps {len(kept.documents.get('version', ()))} versions and announced {registered.total()}"


@rule("verdicts")
def every_version_is_judged_as_often_as_asked(world: World) -> Iterator[str]:
    asked = Counter(_version(fact) for fact in world.of("model.registered", "validation.requested"))
    judged = Counter(_version(fact) for fact in world.of("validation.completed"))
    yield from (
        f"{version} was judged {judged[version]} times of {asked[version]}"
        for version in asked | judged
        if judged[version] != asked[version]
    )


@rule("fates")
def every_version_has_one_fate(world: World) -> Iterator[str]:
    """It goes to production, is rejected, or gave its place in staging to a newer one."""
    fates: defaultdict[tuple[str, int], list[str]] = defaultdict(list)
    for fact in world.of("model.promoted", "model.rejected", "model.archived"):
        if (
            fact.body.get("alias") == "production"
            or fact.topic == "model.rejected"
            or fact.body.get("was") == "staging"
        ):
            fates[_version(fact)].append(fact.topic)
    for fact in world.of("model.registered"):
        if len(fates[_version(fact)]) != 1:
            yield f"{_version(fact)} has {len(fates[_version(fact)])} fates: {fates[_version(fact)]}"


@rule("deployments")
def every_promotion_is_deployed_once_or_failed_once(world: World) -> Iterator[str]:
    promoted = Counter(_version(fact) for fact in world.of("model.promoted") if fact.body["alias"] == "production")
    ended = Counter(_version(fact) for fact in world.of("model.deployed", "deployment.failed"))
    rolled_back = Counter(_version(fact) for fact in world.of("deployment.rolled_back"))
    for version in promoted | ended:
        # A canary that is rolled back was never deployed; what people roll back was.
        if promoted[version] not in (ended[version], ended[version] + rolled_back[version]):
            yield f"{version} was promoted {promoted[version]} times, its deployments ended {ended[version]} times"
    deployed = {fact.key: fact.body["version"] for fact in world.of("model.deployed")}
    kept = world.memory("deployer")
    for document in kept.documents.get("deployment", ()) if kept is not None else ():
        serving = (document["serving"] or {}).get("version")
        if serving != deployed.get(document["name"]):
            yield f"{document['name']} serves {serving}, announced was {deployed.get(document['name'])}"


@rule("orphans")
def no_process_is_left(world: World) -> Iterator[str]:
    yield from world.orphans or ()


@rule("ledger")
def the_audit_chain_verifies(world: World) -> Iterator[str]:
    if world.ledger:
        yield world.ledger


def _numbered(world: World) -> Iterator[Fact]:
    """Facts of services that count: what clients and model servers say is not numbered by a store."""
    counting = {memory.service for memory in world.memories}
    return (fact for fact in world.facts if fact.publisher in counting)


def _counter(world: World, fact: Fact) -> tuple[str, str, str]:
    _, key_field = world.channels[fact.topic]
    return fact.publisher, key_field, fact.key


def _numbers(world: World) -> dict[tuple[str, str, str], set[int]]:
    numbers: defaultdict[tuple[str, str, str], set[int]] = defaultdict(set)
    for fact in _numbered(world):
        numbers[_counter(world, fact)].add(fact.sequence)
    return numbers


def _trigger(fact: Fact) -> str:
    trigger = fact.body["trigger"]
    return f"{fact.body['workflow']} {trigger['kind']} {trigger['key']!r}"


def _version(fact: Fact) -> tuple[str, int]:
    return fact.body["model"], fact.body["version"]


__all__ = ["RULES", "Memory", "broken"]
