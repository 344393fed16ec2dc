"""What one batch does to the book: predictions and labels find each other, whichever came first; each counts once.

Everything here runs inside one transaction of the book. CROSS JOIN has SQLite begin with the few rows that have just
come: without statistics it would rather read a whole generation and look those up.
"""

import sqlite3
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from murmur_monitor.domain.labels import key_of, row_name
from murmur_monitor.domain.windows import Millis
from murmur_monitor.joining.generations import Generations
from murmur_monitor.joining.rows import Labels, Predictions

WAITS, JOINED, TOO_LATE = 0, 1, 2


@dataclass(frozen=True)
class _Match:
    """A prediction and a label of the same name."""

    prediction: int
    key: int
    version: int
    time: Millis
    output: float
    label: float
    clicks: int
    known: Millis
    arrived: Millis


class Joins:
    """delays: for each deployment, how long after its prediction a label counts. skew: between the clocks of machines.

    now:    a label that is read now may have its prediction still to come, one that was made by now at the latest
    change: marks everything that this transaction touches
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        *,
        size: int,
        delays: Mapping[str, Millis],
        skew: Millis,
        now: Millis,
        change: int,
    ) -> None:
        self._connection = connection
        self._generations = Generations(connection, size=size)
        self._delays = delays
        self._skew = skew
        self._now = now
        self._change = change

    def predicted(self, batch: Predictions) -> None:
        """Keeps the rows that are new, and joins them to labels that were there before."""
        deployment = self._id_of(batch.deployment)
        new = self._new_rows(batch)
        rows = [
            (key_of(batch.deployment, name), deployment, batch.version, batch.times[place], output)
            for place, name in new
            if batch.keeps(place) and (output := batch.outputs[place]) is not None
        ]
        if not rows:
            return
        generation = self._generations.current("predictions")
        first = self._take_ids(len(rows))
        self._connection.executemany(
            f"INSERT INTO predictions_{generation} VALUES (?, ?, ?, ?, ?, ?)",
            [(first + number, *row) for number, row in enumerate(rows)],
        )
        self._connection.execute(
            "INSERT INTO records VALUES (?, ?, ?, ?, ?)", (generation, first, *batch.record, new[0][0])
        )
        times = [row[3] for row in rows]
        self._generations.grew(generation, len(rows), {deployment: max(times)})
        self._count(deployment, Counter(predictions=len(rows)))
        for labels in self._generations.numbers("labels", since=min(times) - self._skew):
            self._join(
                deployment,
                batch.deployment,
                f"SELECT p.id, p.key, p.version, p.time, p.output, l.label, l.clicks, l.known, l.arrived"
                f" FROM predictions_{generation} AS p CROSS JOIN labels_{labels} AS l ON l.key = p.key WHERE p.id >= ?",
                (first,),
                labels=[labels],
            )

    def labelled(self, batch: Labels) -> None:
        """Keeps the labels that are new or correct a former one, and joins them to all predictions of their names."""
        deployment = self._id_of(batch.deployment)
        counted: Counter[str] = Counter(received=len(batch.keys))
        newest: dict[int, tuple[Millis, float]] = {}
        for key, known, value in zip(batch.keys, batch.known, batch.values, strict=True):
            if key not in newest or newest[key][0] <= known:
                newest[key] = (known, value)
        counted["repeated"] += len(batch.keys) - len(newest)
        self._connection.execute("DROP TABLE IF EXISTS temp.fresh")
        self._connection.execute(
            "CREATE TEMP TABLE fresh (key INTEGER PRIMARY KEY, label REAL, clicks INTEGER, known INTEGER)"
        )
        self._connection.executemany(
            "INSERT INTO fresh VALUES (?, ?, ?, ?)",
            [(key, value, int(batch.clicks), known) for key, (known, value) in newest.items()],
        )
        kept = self._known_before(batch, counted)
        kept.append(self._keep(batch, deployment))
        self._count(deployment, counted)
        for generation in self._generations.numbers("predictions"):
            self._join(
                deployment,
                batch.deployment,
                f"SELECT p.id, p.key, p.version, p.time, p.output, f.label, f.clicks, f.known, ?"
                f" FROM temp.fresh AS f CROSS JOIN predictions_{generation} AS p ON p.key = f.key",
                (batch.arrived,),
                labels=kept,
            )

    def _known_before(self, batch: Labels, counted: Counter[str]) -> list[int]:
        """Takes out of `fresh` what says nothing new; corrects what is known otherwise. Where those labels lie."""
        touched = []
        for generation in self._generations.numbers("labels"):
            table = f"labels_{generation}"
            both = f"FROM temp.fresh AS f CROSS JOIN {table} AS l ON l.key = f.key"
            stale = self._connection.execute(
                f"SELECT f.key, l.label = f.label {both} WHERE l.known > f.known"
            ).fetchall()
            same = self._connection.execute(
                f"SELECT f.key {both} WHERE l.known <= f.known AND l.label = f.label AND l.clicks = f.clicks"
            ).fetchall()
            counted["repeated"] += len(same) + sum(alike for _, alike in stale)
            counted["outdated"] += sum(not alike for _, alike in stale)
            self._connection.executemany(
                "DELETE FROM temp.fresh WHERE key = ?", [(key,) for key, *_ in (*stale, *same)]
            )
            corrected = self._connection.execute(f"SELECT f.label, f.clicks, f.known, f.key {both}").fetchall()
            self._connection.executemany(
                f"UPDATE {table} SET label = ?, clicks = ?, known = ?, arrived = {batch.arrived} WHERE key = ?",
                corrected,
            )
            counted["corrected"] += len(corrected)
            if corrected:
                touched.append(generation)
        return touched

    def _keep(self, batch: Labels, deployment: int) -> int:
        """The fresh labels that nobody knew, into the current generation."""
        generation = self._generations.current("labels")
        others = [number for number in self._generations.numbers("labels") if number != generation]
        unknown = "".join(f" AND key NOT IN (SELECT key FROM labels_{number})" for number in others)
        rows = self._connection.execute(
            f"INSERT OR IGNORE INTO labels_{generation}"
            f" SELECT key, ?, label, clicks, known, ?, {WAITS} FROM temp.fresh WHERE 1{unknown}",
            (deployment, batch.arrived),
        ).rowcount
        self._generations.grew(generation, rows, {deployment: self._now})
        return generation

    def _join(self, deployment: int, name: str, query: str, values: Sequence[object], *, labels: Sequence[int]) -> None:
        matches = [_Match(*row) for row in self._connection.execute(query, values)]
        in_time = [one for one in matches if one.arrived <= one.time + self._delays[name]]
        late = {one.key for one in matches} - {one.key for one in in_time}
        self._keep_joined(deployment, in_time)
        self._connection.executemany(
            "INSERT INTO touched VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET change = excluded.change",
            {(deployment, one.version, one.time // 1000, self._change) for one in in_time},
        )
        counted: Counter[str] = Counter()
        for generation in labels:
            joined = {one.key for one in in_time}
            for state, what in ((WAITS, "joined"), (TOO_LATE, "too_late_after_all")):
                counted[what] += self._move(generation, joined, state, JOINED)
            counted["too_late"] += self._move(generation, late, WAITS, TOO_LATE)
        again = counted.pop("too_late_after_all")  # it counts for one prediction of its name, not for another
        counted["joined"] += again
        counted["too_late"] -= again
        self._count(deployment, counted)

    def _keep_joined(self, deployment: int, matches: Sequence[_Match]) -> None:
        """Those that are new, which are counted, and the corrected ones."""
        rows = [
            (deployment, one.version, one.time, one.prediction, one.output, one.label, one.clicks, one.known)
            for one in matches
        ]
        keep = "INTO joined VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
        new = self._connection.executemany(f"INSERT OR IGNORE {keep}", rows).rowcount if rows else 0
        if new < len(rows):
            self._connection.executemany(
                f"INSERT {keep} ON CONFLICT DO UPDATE SET label = excluded.label, clicks = excluded.clicks,"
                " known = excluded.known WHERE excluded.known >= known",
                rows,
            )
        self._connection.execute("UPDATE numbers SET value = value + ? WHERE name = 'joined'", (new,))

    def _move(self, generation: int, keys: Iterable[int], before: int, after: int) -> int:
        return self._connection.executemany(
            f"UPDATE labels_{generation} SET state = {after} WHERE key = ? AND state = {before}", [(k,) for k in keys]
        ).rowcount

    def _new_rows(self, batch: Predictions) -> list[tuple[int, str]]:
        """Places of the rows that are not known yet, each with its name; those without a request id have none.

        Rows that follow each other are those of one request where they have its id and its time. A failed request is
        one row always: whoever asks again with the same id asks something new.
        """
        segment = self._connection.execute(
            "SELECT next, request, row, time FROM segments WHERE name = ?", (batch.segment,)
        ).fetchone() or (0, "", 0, -1)
        expected, request, row, time = segment
        found: list[tuple[int, str]] = []
        if batch.first > expected:
            request, row = "", 0
        for place in range(max(0, expected - batch.first), len(batch.request_ids)):
            name, failed = batch.request_ids[place], batch.failed[place]
            goes_on = (name, batch.times[place]) == (request, time) and not failed
            row = row + 1 if goes_on else 0
            request, time = "" if failed else name, batch.times[place]
            if name:
                found.append((place, row_name(name, row)))
        after = batch.first + len(batch.request_ids)
        if after > expected:
            self._connection.execute(
                "INSERT OR REPLACE INTO segments VALUES (?, ?, ?, ?, ?, ?)",
                (batch.segment, after, request, row, max(batch.times), time),
            )
        return found

    def _take_ids(self, count: int) -> int:
        self._connection.execute(
            "INSERT INTO numbers VALUES ('prediction', ?) ON CONFLICT DO UPDATE SET value = value + excluded.value",
            (count,),
        )
        last = self._connection.execute("SELECT value FROM numbers WHERE name = 'prediction'").fetchone()[0]
        return int(last) - count + 1

    def _id_of(self, deployment: str) -> int:
        self._connection.execute("INSERT OR IGNORE INTO deployments (name) VALUES (?)", (deployment,))
        found = self._connection.execute("SELECT id FROM deployments WHERE name = ?", (deployment,)).fetchone()
        return int(found[0])

    def _count(self, deployment: int, counted: Counter[str]) -> None:
        self._connection.executemany(
            "INSERT INTO counts VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET rows = rows + excluded.rows",
            [(deployment, what, rows) for what, rows in counted.items() if rows],
        )
