"""The runs of one experiment: found by the search language, sorted by any column, page by page, chosen to compare."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated
from urllib.parse import quote, urlencode

from fastapi import Query
from nicegui import ui

from murmur_console import research
from murmur_console.clients import DoorError, Refusal
from murmur_console.context import Console
from murmur_console.domain import columns
from murmur_console.domain.columns import RunColumn, TableLook
from murmur_console.pages.frame import frame
from murmur_console.pages.parts import button, tag, text
from murmur_console.pages.run_rows import compare_path, head_of, row_of
from murmur_console.research import FoundRuns, Keys
from murmur_console.widgets.chooser import Chooser
from murmur_console.widgets.search_box import SearchBox
from murmur_console.widgets.table import Table
from murmur_search import RUNS
from murmur_search.completion import Completion, Known, complete
from murmur_search.nodes import Kind

PAGE_SIZE = 50
_OFFERS = 12
Many = Annotated[list[str], Query()]


def register(console: Console) -> None:
    @ui.page("/experiments/{experiment}")
    def experiment(
        experiment: str,
        filter: str = "",
        order: str = "",
        token: str = "",
        workspace: str = "",
        col: Many = [],  # noqa: B006  # FastAPI copies it
        run: Many = [],  # noqa: B006
    ) -> None:
        look = columns.look_of(filter=filter, columns=col, order=order, token=token, picked=run)
        _Runs(console, experiment, workspace, look).build()


class _Runs:
    """One look at the page. What is asked for and not answered yet changes neither the table nor the address."""

    def __init__(self, console: Console, experiment: str, workspace: str, look: TableLook) -> None:
        self._console = console
        self._experiment = experiment
        self._workspace = workspace
        self._look = look
        self._before: list[str] = []  # tokens of the pages before this one, as far as they were walked
        self._next: str | None = None
        self._keys = Keys()
        self._found: FoundRuns | None = None
        self._asked = 0

    def build(self) -> None:
        with frame(self._console, f"Experiment {self._experiment}", room="Experiments"):
            with tag("div", "m-head"):
                self._title = text("h1", f"Experiment {self._experiment}")
                self._words = text("p", "", "m-muted")
            self._box = SearchBox(self._look.filter, complete=self._complete, on_search=self._search)
            with tag("div", "m-runs-tools"):
                self._chooser = Chooser("Columns", on_choose=self._choose)
                with tag("div", "m-picked", role="status"):
                    self._picked = text("span", "")
                    self._compare = text("a", "Compare", "m-button m-primary")
                    self._none = button("Choose none", self._unpick)
            self._notice = text("p", "Looking …", "m-notice", role="status")
            self._table = Table("Runs", (), on_sort=self._sort, on_check=self._pick)
            with self._table:
                self._none_found = text("p", "No run is like that.")
                with tag("div") as self._none_yet:
                    text("p", "No run yet. Log one:")
                    text("pre", f"MLFLOW_TRACKING_URI={self._console.door.address} python train.py", "m-command")
            for hint in (self._none_found, self._none_yet):
                hint.set_visibility(False)  # until it is known
            with tag("nav", "m-actions", aria_label="Pages"):
                self._back = button("Previous", self._to_previous)
                self._forth = button("Next", self._to_next)
        self._show_picked()
        self._show_ways()
        ui.timer(0, self._begin, once=True)

    async def _begin(self) -> None:
        """Only when the names are known that runs have, there are columns to be shown."""
        try:
            self._keys, known = await asyncio.gather(
                research.keys(self._console.door, self._workspace, self._experiment),
                research.experiments(self._console.door, self._workspace),
            )
        except DoorError as error:
            self._tell(str(error), trouble=True)
            return
        one = next((each for each in known if each.id == self._experiment), None)
        if one is not None:
            self._title.text = one.name or one.id
            self._words.text = f"{one.runs:,} runs"
            ui.page_title(f"{self._title.text} · Murmuration")
        await self._ask(self._look)

    async def _ask(self, look: TableLook) -> None:
        self._asked += 1
        mine = self._asked
        try:
            found = await research.search(
                self._console.door,
                self._workspace,
                self._experiment,
                filter=look.filter,
                order_by=look.order_by,
                limit=PAGE_SIZE,
                token=look.token,
            )
        except DoorError as error:
            if mine == self._asked:
                self._refused(error)
            return
        if mine != self._asked:
            return
        self._look, self._found, self._next = look, found, found.next
        self._box.point_at(None)
        self._tell("")
        self._none_found.set_visibility(bool(look.filter))
        self._none_yet.set_visibility(not look.filter)
        self._show()
        self._show_ways()
        self._address()

    def _refused(self, error: DoorError) -> None:
        problem = error.problem if isinstance(error, Refusal) else {}
        self._show()
        if "position" in problem:
            self._box.point_at(problem)
            self._tell("")
        else:
            self._tell(f"What is shown may be old: {error}", trouble=True)

    def _columns(self) -> tuple[RunColumn, ...]:
        return columns.columns(self._look.columns) or columns.usual(self._keys.params, self._keys.metrics)

    def _show(self) -> None:
        shown = self._columns()
        groups = columns.choices(self._keys.params, self._keys.metrics, self._keys.tags)
        self._chooser.show(groups, [one.name for one in shown])
        if self._found is not None:
            self._table.head(head_of(shown, self._look))
            picked = frozenset(self._look.picked)
            self._table.show([row_of(run, shown, picked=run.run_id in picked) for run in self._found.items])

    def _show_ways(self) -> None:
        self._back.set_visibility(bool(self._look.token))
        self._back.text = "Previous" if self._before else "First page"
        self._forth.set_visibility(self._next is not None)

    def _show_picked(self) -> None:
        runs = self._look.picked
        self._picked.text = f"{len(runs)} chosen" if runs else "Tick runs to compare them."
        self._compare.props["href"] = compare_path(runs, self._workspace)
        self._compare.set_visibility(len(runs) > 1)
        self._none.set_visibility(bool(runs))

    def _address(self) -> None:
        said = [*self._look.address, *([("workspace", self._workspace)] if self._workspace else [])]
        path = f"/experiments/{quote(self._experiment, safe='')}"
        ui.navigate.history.replace(f"{path}?{urlencode(said)}" if said else path)

    def _complete(self, words: str, cursor: int) -> Completion:
        known = Known(keys={Kind.PARAM: self._keys.params, Kind.METRIC: self._keys.metrics, Kind.TAG: self._keys.tags})
        return complete(words, cursor, RUNS, known, limit=_OFFERS)

    async def _search(self, words: str) -> None:
        self._before = []
        await self._ask(replace(self._look, filter=words.strip(), token=""))

    async def _sort(self, name: str) -> None:
        self._before = []
        await self._ask(self._look.sorted_by(name))

    async def _choose(self, names: Sequence[str]) -> None:
        self._look = replace(self._look, columns=tuple(names))
        self._show()
        self._address()

    def _pick(self, run: str, on: bool) -> None:
        self._look = self._look.with_picked(run, on)
        self._show()
        self._show_picked()
        self._address()

    def _unpick(self) -> None:
        self._look = replace(self._look, picked=())
        self._show()
        self._show_picked()
        self._address()

    async def _to_next(self) -> None:
        if self._next is not None:
            self._before.append(self._look.token)
            await self._ask(replace(self._look, token=self._next))

    async def _to_previous(self) -> None:
        await self._ask(replace(self._look, token=self._before.pop() if self._before else ""))

    def _tell(self, words: str, *, trouble: bool = False) -> None:
        self._notice.text = words
        self._notice.classes(replace="m-notice m-trouble" if trouble else "m-notice")
