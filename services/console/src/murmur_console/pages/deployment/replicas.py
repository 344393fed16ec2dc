"""Where a deployment runs: each replica with what it answers now, and why their number has changed."""

from murmur_console.context import Console
from murmur_console.domain.charts import number_words
from murmur_console.domain.deployments import Scaled
from murmur_console.domain.facts import Tone
from murmur_console.domain.history import History
from murmur_console.pages.deployment.versions import failing, number
from murmur_console.pages.parts import tag, text
from murmur_console.serving_now import Look, Replica
from murmur_console.widgets import table
from murmur_console.widgets.table import Cell, Column, Row, Table

_REPLICAS = (
    Column("name", "Replica"),
    Column("version", "Version"),
    Column("state", "State"),
    Column("ports", "Ports, HTTP and gRPC"),
    Column("since", "Since"),
    Column("rate", "Requests/s", "right"),
    Column("errors", "Failed/s", "right"),
    Column("p99", "p99, ms", "right"),
    Column("requests", "Requests so far", "right"),
)
_SCALED = (
    Column("time", "When"),
    Column("change", "Replicas"),
    Column("why", "Why"),
    Column("rate", "Requests/s", "right"),
    Column("p99", "p99, ms", "right"),
)
_SHOWN = 30


class ReplicasPanel:
    def __init__(self, console: Console, name: str) -> None:
        self._console = console
        self._name = name
        with tag("div", "m-chart-head"):
            text("h2", "Replicas")
            self._words = text("p", "", "m-muted")
        self._replicas = Table(f"Replicas of {name} now", _REPLICAS)
        with self._replicas:
            text("p", "The deployer has not told of any replica yet.")
        text("h3", "Why their number has changed, newest first")
        self._scaled = Table(f"Changes of the number of replicas of {name}, newest first", _SCALED)
        with self._scaled:
            text("p", "It never has. Let it follow the load, in workflow.yaml:")
            text("pre", "deployment: {replicas: 1, max_replicas: 4}", "m-command")

    def show(self, history: History, look: Look) -> None:
        workflow = self._console.memory.estate.workflows.get(self._name)
        words = []
        if look.deployment:
            words.append(f"{look.deployment.wanted_replicas} wanted")
        if workflow and workflow.serving.most_replicas:
            words.append(f"between {workflow.serving.replicas} and {workflow.serving.most_replicas} by the load")
        if self._words.text != ", ".join(words):
            self._words.text = ", ".join(words)
        self._replicas.show(_replica(one, look) for one in (look.deployment.replicas if look.deployment else []))
        self._scaled.show(_scaled(one) for one in reversed(history.scaled[-_SHOWN:]))


def _replica(replica: Replica, look: Look) -> Row:
    pace = look.pace_of(replica.name)
    known = pace is not None and pace.rate is not None
    return Row(
        replica.name,
        {
            "name": table.text(replica.name),
            "version": table.text(f"v{replica.version}"),
            "state": _state(replica, silent=pace is not None and not pace.answers),
            "ports": table.text(f"{replica.http_port}, {replica.grpc_port}"),
            "since": table.when(replica.started_at),
            "rate": number(pace.rate if pace else None),
            "errors": failing(pace.errors) if pace and known else table.text(""),
            "p99": number(pace.p99_ms if pace else None),
            "requests": table.text(f"{pace.requests:,}" if pace and pace.answers else ""),
        },
    )


def _state(replica: Replica, *, silent: bool) -> Cell:
    if replica.role == "retiring":
        return table.text("retiring", note="answers what it has begun")
    if replica.pid is None:
        return table.text("to be started")
    if not replica.proven:
        return table.text("starting", note="not proven with known rows yet")
    if silent:
        return table.text("silent", tone=Tone.TROUBLE, note="does not say what it has counted")
    return table.text("serving" if replica.role == "serving" else "canary")


def _scaled(one: Scaled) -> Row:
    return Row(
        f"{one.at.isoformat()} {one.version}",
        {
            "time": table.when(one.at),
            "change": table.text(f"{one.before} → {one.replicas}", note=f"v{one.version}, {one.cause}"),
            "why": table.text(one.detail),
            "rate": table.text(number_words(one.rate) if one.rate is not None else ""),
            "p99": number(one.p99_ms),
        },
    )
