"""The doors by which a supervisor looks at the console: the same as every service's."""

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST, Gauge, generate_latest

from murmur_console.memory import FeedState, Memory
from murmur_kernel.health import CheckResult, Readiness
from murmur_kernel.tasks import WatchedTasks

_events = Gauge("murmur_console_events", "Events that the console keeps in memory")


def router(memory: Memory, tasks: WatchedTasks) -> APIRouter:
    api = APIRouter(tags=["operations"])

    def alive() -> CheckResult:
        dead = "; ".join(f"{name}: {why}" for name, why in tasks.failed.items())
        return CheckResult(ok=not dead, detail=dead or "all tasks run")

    @api.get("/livez")
    async def livez(response: Response) -> CheckResult:
        """503 once a task of the console has died."""
        state = alive()
        response.status_code = 200 if state.ok else 503
        return state

    @api.get("/readyz")
    async def readyz(response: Response) -> Readiness:
        """503 while the console does not hear events; its pages then show what was known last."""
        heard = memory.feed.state in (FeedState.LIVE, FeedState.READING_PAST)
        checks = {
            "tasks": alive(),
            "broker": CheckResult(ok=heard, detail=memory.feed.detail or memory.feed.state),
        }
        ready = all(check.ok for check in checks.values())
        response.status_code = 200 if ready else 503
        return Readiness(
            service="console",
            ready=ready,
            checks=checks,
            lag=0,
            outbox=0,
            outbox_age_s=0,
            parked=0,
            dead_letters=0,
            jobs={},
        )

    @api.get("/metrics", response_class=Response)
    async def prometheus() -> Response:
        """Prometheus text format."""
        _events.set(len(memory.story))
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    return api
