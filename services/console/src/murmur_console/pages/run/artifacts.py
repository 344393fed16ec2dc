"""The artifacts of a run: folder by folder, with a preview of what can be shown, and the way to download it."""

import base64
from collections.abc import Callable
from pathlib import PurePosixPath

from murmur_console import research
from murmur_console.clients import DoorError
from murmur_console.context import Console
from murmur_console.domain import previews
from murmur_console.domain.numbers import size
from murmur_console.domain.previews import IMAGES, Preview
from murmur_console.downloads import beginning, download_path
from murmur_console.pages.parts import button, tag, text
from murmur_console.research import Artifact
from murmur_console.widgets import table
from murmur_console.widgets.table import Column, Row, Table

_COLUMNS = (
    Column("name", "Artifact"),
    Column("size", "Size", "right"),
    Column("sha256", "SHA-256"),
    Column("get", "Get"),
)


class ArtifactsPanel:
    """`opened(path)` hears which file is open; empty for none."""

    def __init__(self, console: Console, run_id: str, opened: Callable[[str], None]) -> None:
        self._console = console
        self._run_id = run_id
        self._opened = opened
        self._workspace = ""
        self._folder = ""
        self._items: dict[str, Artifact] = {}
        with tag("section", "m-section", aria_label="Artifacts"):
            text("h2", "Artifacts")
            self._notice = text("p", "", "m-notice", role="status")
            self._up = button("Up", self._to_parent, "m-small")
            self._up.set_visibility(False)
            self._table = Table("Artifacts", _COLUMNS, on_pick=self._pick)
            with self._table:
                text("p", "It has kept no files. In its code:")
                text("pre", 'mlflow.log_artifact("report.html")', "m-command")
            self._preview = tag("section", "m-preview", aria_label="Preview")

    async def begin(self, workspace: str, path: str) -> None:
        """path: the file that shall be open."""
        self._workspace = workspace
        parent = str(PurePosixPath(path).parent) if path else ""
        await self._list("" if parent == "." else parent)
        if path in self._items:
            await self._pick(path)

    async def _list(self, folder: str) -> None:
        try:
            found = await research.artifacts(self._console.door, self._workspace, self._run_id, folder)
        except DoorError as error:
            self._tell(f"The artifacts cannot be listed: {error}")
            return
        self._tell("")
        self._folder = folder
        self._items = {one.path: one for one in found}
        self._up.set_visibility(bool(folder))
        self._table.show(map(self._row, found))

    async def _to_parent(self) -> None:
        parent = str(PurePosixPath(self._folder).parent)
        await self._list("" if parent == "." else parent)

    async def _pick(self, path: str) -> None:
        one = self._items[path]
        if one.is_folder:
            await self._list(path)
            return
        self._opened(path)
        self._table.show(map(self._row, self._items.values()), selected=path)
        await self._show(one)

    async def _show(self, one: Artifact) -> None:
        kind = previews.preview_of(one.path)
        most = previews.most_of(kind)
        content, whole = b"", True
        words = ""
        if kind is Preview.NONE:
            words = "There is no preview of such files."
        elif kind is Preview.IMAGE and (one.size or 0) > most:
            words = f"Images over {size(most)} are not shown."
            kind = Preview.NONE
        else:
            try:
                content, whole = await beginning(self._console.door, self._workspace, self._run_id, one.path, most)
            except DoorError as error:
                words, kind = f"It cannot be shown: {error}", Preview.NONE
        if not whole:
            words = f"The first {size(most)} of {size(one.size or 0)}."
        self._preview.clear()
        with self._preview:
            text("h3", one.path)
            if words:
                text("p", words, "m-muted")
            _draw(kind, one.path, content, whole=whole)

    def _row(self, one: Artifact) -> Row:
        name = PurePosixPath(one.path).name
        away = download_path(self._run_id, one.path, self._workspace)
        return Row(
            one.path,
            {
                "name": table.pick(f"{name}/" if one.is_folder else name),
                "size": table.text("" if one.size is None else size(one.size)),
                "sha256": table.ident(one.sha256) if one.sha256 else table.text(""),
                "get": table.text("") if one.is_folder else table.link("Download", away),
            },
        )

    def _tell(self, words: str) -> None:
        self._notice.text = words
        self._notice.classes(replace="m-notice m-trouble" if words else "m-notice")


def _draw(kind: Preview, path: str, content: bytes, *, whole: bool) -> None:
    said = content.decode("utf-8", errors="replace")
    match kind:
        case Preview.IMAGE:
            media = IMAGES[PurePosixPath(path).suffix.lower()]
            tag("img", src=f"data:{media};base64,{base64.b64encode(content).decode()}", alt=path)
        case Preview.TABLE:
            _draw_table(path, previews.head_of_table(said, path, whole=whole))
        case Preview.JSON:
            text("pre", previews.pretty_json(said), "m-payload", tabindex="0")
        case Preview.TEXT:
            text("pre", said, "m-payload", tabindex="0")
        case Preview.NONE:
            pass


def _draw_table(path: str, rows: list[list[str]]) -> None:
    if not rows:
        return
    names = [str(number) for number in range(len(rows[0]))]
    shown = Table(f"The first rows of {path}", [Column(key, words) for key, words in zip(names, rows[0], strict=True)])
    shown.show(
        Row(str(number), {key: table.text(row[int(key)] if int(key) < len(row) else "") for key in names})
        for number, row in enumerate(rows[1:])
    )
