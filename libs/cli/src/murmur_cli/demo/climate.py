"""The climate story: two researchers try settings on two data sets and compare their runs; nothing is deployed."""

import asyncio
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from murmur_access import BrokerAccess
from murmur_cli.demo.play import Play, Summary, on_stage
from murmur_cli.demo.stage import StoryStopped, of
from murmur_cli.door import FrontDoor, Json, Rejected
from murmur_cli.ranking import Place, leaderboard, varied
from murmur_events.models import ModelRegistered
from murmur_events.sweeps import SweepCompleted
from murmur_workflows import climate

METRIC = "rmse"


@dataclass
class ClimateSummary(Summary):
    """trained, failed: runs of both sweeps; leaders: the best run of each data set, with its author and its error."""

    trained: int = 0
    failed: int = 0
    leaders: dict[str, dict[str, Any]] = field(default_factory=dict)
    correlations: list[str] = field(default_factory=list)


class ClimateStory(Play[ClimateSummary]):
    patience = 600.0

    async def play(self) -> ClimateSummary:
        """Raises StoryStopped as soon as something does not happen as it should."""
        started = time.monotonic()
        self.act("A research workflow is applied", "its runs are compared; none of its models is reviewed or served")
        await self.apply(climate.FOLDER)
        await self._refusals()
        await self._sweeps()
        places = await self._compare_authors()
        await self._compare_runs(places)
        self.summary.controls["no model was registered"] = self.stage.count(of(ModelRegistered)) == 0
        self.summary.seconds = round(time.monotonic() - started, 1)
        return self.summary

    async def _refusals(self) -> None:
        self.act("What cannot be trained is refused at once", "--grid max_depth=3,99")
        try:
            await self._ask("ada", {"grid": {"max_depth": [3, 99]}}, "refused")
        except Rejected as refused:
            self.note(str(refused))
            self.summary.controls["a value that is not allowed starts nothing"] = refused.status == 422
        else:
            raise StoryStopped("a refusal", "a depth of 99 was accepted")

    async def _sweeps(self) -> None:
        grid, draw = climate.FIRST_GRID, climate.SECOND_GRID
        self.act(
            "Two researchers, two sweeps", "each one correlation id; the slots of the flock are shared between them"
        )
        data = {"dataset": list(climate.DATA_SETS)}
        self.note("ada tries a small grid, ben draws three points of a larger one; both on two data sets")
        wishes = {
            "ada": {"grid": grid, "data": data, "max_parallel": 2},
            "ben": {"grid": draw, "data": data, "random": 3, "seed": 1, "max_parallel": 2},
        }
        sweeps = [await self._ask(author, wish, author) for author, wish in wishes.items()]
        again = await self._ask("ada", wishes["ada"], "ada")
        self.summary.controls["the same key is the same sweep"] = again["sweep_id"] == sweeps[0]["sweep_id"]
        for sweep in sweeps:
            ended = await self.wait(
                f"the sweep of {sweep['by']} to end", of(SweepCompleted, sweep_id=sweep["sweep_id"])
            )
            assert isinstance(ended.event, SweepCompleted)
            self.summary.trained += ended.event.completed
            self.summary.failed += ended.event.failed
            self.summary.correlations.append(ended.correlation_id)

    async def _compare_authors(self) -> list[Place]:
        self.act("The leaderboard", f"`murmur leaderboard {self.name} --metric {METRIC} --by dataset`")
        places = leaderboard(await self._runs(), METRIC, "minimize", ["dataset"])
        table = Table(box=None, header_style="dim", pad_edge=False)
        settings = varied(places, ["dataset"])
        for column in ("", "dataset", "author", METRIC, "interval", "skill", *settings):
            table.add_column(column)
        for place in places:
            run, parameters = place.run, place.run["parameters"]
            skill = run["metrics"]["skill"]
            table.add_row(
                "             ",
                str(place.group[0]),
                place.author,
                f"{place.value:.4g}",
                f"[{place.low:.4g}, {place.high:.4g}]",
                f"{skill:.2f}",
                *(str(parameters[name]) for name in settings),
            )
            leader = {"author": place.author, "run_id": run["run_id"], METRIC: place.value, "skill": skill}
            self.summary.leaders.setdefault(str(place.group[0]), leader)
        self.console.print(table)
        self.note("skill: 1 - rmse / rmse of the best rule that needs no model; above 0 the model is worth something")
        for dataset, leader in self.summary.leaders.items():
            told = f"{METRIC} {leader[METRIC]:.4g}, skill {leader['skill']:.2f}, run {leader['run_id']}"
            self.summary.told[f"best {dataset}"] = f"{leader['author']}: {told}"
        return places

    async def _compare_runs(self, places: list[Place]) -> None:
        first = [place for place in places if place.group == places[0].group][:2]
        self.act("The best two side by side", f"of {first[0].group[0]}")
        compared = await self.door.get("/tracking/v1/compare", run=[place.run["run_id"] for place in first])
        for row in (*compared["parameters"], *compared["circumstances"]):
            if row["differs"]:
                self.note(f"{row['name']:<18} {'   '.join(map(str, row['values']))}")
        self.note(f"the best one again, exactly: murmur reproduce {first[0].run['run_id']}")

    async def _ask(self, author: str, wish: Json, key: str) -> Json:
        by = None if self.door.signed_in else author
        path = f"/trainer/v1/workflows/{self.name}/sweeps"
        return await self.door.post(path, {**wish, "by": by or ""}, key=f"{self.name}-{key}")

    async def _runs(self) -> list[Json]:
        """Once tracking has heard of all that were trained."""
        try:
            async with asyncio.timeout(self.patience):
                while True:
                    path, of_it = "/tracking/v1/runs", {"workflow": self.name, "status": "completed"}
                    runs = await self.door.items(path, **of_it)
                    if len(runs) >= self.summary.trained and all(run["parameters"] for run in runs):
                        return runs
                    await asyncio.sleep(0.2)
        except TimeoutError:
            raise StoryStopped("tracking to hear of all runs", f"it knows fewer than {self.summary.trained}") from None


async def play_climate(front_door: FrontDoor, brokers: BrokerAccess | str, data: Path, console: Console) -> Summary:
    """The whole story against a flock that is up. Raises StoryStopped, NotReachable or Rejected."""
    async with on_stage(front_door, brokers, console, "climate") as (door, stage, name):
        return await ClimateStory(door, stage, console, name, data, ClimateSummary(name)).play()
