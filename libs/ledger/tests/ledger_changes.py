"""A thousand ways to change an exported ledger, each with the place at which it must be found."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from murmur_ledger.faults import Fault, FaultKind
from murmur_ledger.frames import Frame, chained, frame_at

Files = dict[str, bytes]
_NOT_EVIDENCE = ("README.md", "writer.lock")
ENTRIES = (FaultKind.CHANGED, FaultKind.TORN)


@dataclass(frozen=True)
class Change:
    """What was done, the files it leaves, and whether these faults point at it."""

    what: str
    files: Files
    located: Callable[[list[Fault]], bool]


@dataclass(frozen=True)
class Original:
    """An export in memory, cut into entries."""

    files: Files
    frames: list[tuple[str, bytes]]
    """File and bytes of each entry, in order."""

    @property
    def last(self) -> int:
        return len(self.frames)

    def frame(self, position: int) -> Frame:
        found = frame_at(self.frames[position - 1][1], 0)
        assert found is not None
        return found

    def with_frames(self, frames: list[tuple[str, bytes]]) -> Files:
        files = {name: raw for name, raw in self.files.items() if not name.endswith(".ledger")}
        for name, raw in frames:
            files[name] = files.get(name, b"") + raw
        return files


def read(folder: Path) -> Original:
    files = {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.name not in _NOT_EVIDENCE}
    frames: list[tuple[str, bytes]] = []
    for name in sorted(files):
        cursor = 0
        while name.endswith(".ledger") and (frame := frame_at(files[name], cursor)) is not None:
            frames.append((name, files[name][cursor : cursor + frame.size]))
            cursor += frame.size
    return Original(files, frames)


def any_change(original: Original, dice: random.Random) -> Change:
    return dice.choice((_bit, _bit, _removed, _inserted, _doubled, _reordered, _tail, _replaced))(original, dice)


def _bit(original: Original, dice: random.Random) -> Change:
    name = dice.choice([*(name for name in original.files if name.endswith(".ledger")), *original.files])
    raw, bit = bytearray(original.files[name]), dice.randrange(len(original.files[name]) * 8)
    raw[bit // 8] ^= 1 << bit % 8
    what = f"bit {bit} of {name}"
    files = {**original.files, name: bytes(raw)}
    if not name.endswith(".ledger"):
        return Change(what, files, lambda faults: any(fault.file == name or not fault.file for fault in faults))
    position, cursor = 0, 0
    for number, (file, frame) in enumerate(original.frames, start=1):
        if file == name:
            cursor += len(frame)
            if cursor > bit // 8:
                position = number
                break
    return Change(f"{what}, in entry {position}", files, _only(position, ENTRIES))


def _removed(original: Original, dice: random.Random) -> Change:
    position = dice.randint(1, original.last)
    frames = original.frames[: position - 1] + original.frames[position:]
    kind = FaultKind.TRUNCATED if position == original.last else FaultKind.REMOVED
    return Change(f"entry {position} removed", original.with_frames(frames), _only(position, (kind,)))


def _inserted(original: Original, dice: random.Random) -> Change:
    """Chained as well as a forger without the key can."""
    after = dice.randint(1, original.last)
    before = original.frame(after)
    forged = chained(after + 1, 0, before.hash, original.frame(dice.randint(1, original.last)).content)
    frames = list(original.frames)
    frames.insert(after, (frames[after - 1][0], forged.packed()))
    kinds = (FaultKind.INSERTED, FaultKind.CHANGED)
    if after == original.last:  # it would be a true next entry: nothing is wrong with it until the next checkpoint
        return _removed(original, dice)
    return Change(f"an entry forged after {after}", original.with_frames(frames), _only(after + 1, kinds))


def _doubled(original: Original, dice: random.Random) -> Change:
    position, after = dice.randint(1, original.last), dice.randint(1, original.last)
    frames = list(original.frames)
    frames.insert(after, (frames[after - 1][0], original.frames[position - 1][1]))

    def located(faults: list[Fault]) -> bool:
        return (
            bool(faults)
            and all(fault.kind in (FaultKind.INSERTED, FaultKind.REORDERED) for fault in faults)
            and any(fault.position == position for fault in faults)
        )

    return Change(f"a copy of entry {position} after {after}", original.with_frames(frames), located)


def _reordered(original: Original, dice: random.Random) -> Change:
    low, high = sorted(dice.sample(range(1, original.last + 1), 2))
    frames = list(original.frames)
    frames[low - 1], frames[high - 1] = (
        (frames[low - 1][0], frames[high - 1][1]),
        (frames[high - 1][0], frames[low - 1][1]),
    )

    def located(faults: list[Fault]) -> bool:
        return bool(faults) and all(
            fault.kind is FaultKind.REORDERED and low <= fault.position <= high for fault in faults
        )

    return Change(f"entries {low} and {high} exchanged", original.with_frames(frames), located)


def _tail(original: Original, dice: random.Random) -> Change:
    keep = dice.randint(original.last // 2, original.last - 1)
    frames = original.frames[:keep]
    rest = dice.choice((0, dice.randrange(1, len(original.frames[keep][1]))))
    if rest:
        frames = [*frames, (original.frames[keep][0], original.frames[keep][1][:rest])]

    def located(faults: list[Fault]) -> bool:
        kinds = (FaultKind.TRUNCATED, FaultKind.TORN, FaultKind.SIGNATURE)
        return any(fault.position == keep + 1 for fault in faults) and all(fault.kind in kinds for fault in faults)

    what = f"all behind entry {keep} cut off" + (f", but for {rest} bytes" if rest else "")
    return Change(what, original.with_frames(frames), located)


def _replaced(original: Original, dice: random.Random) -> Change:
    """An entry changed by somebody who computes its hash anew."""
    position = dice.randint(1, original.last)
    true = original.frame(position)
    content = bytearray(true.content)
    content[dice.randrange(len(content))] ^= 1 << dice.randrange(8)
    forged = chained(position, true.in_batch, true.previous, bytes(content))
    frames = list(original.frames)
    frames[position - 1] = (frames[position - 1][0], forged.packed())
    kinds = (FaultKind.REWRITTEN,) if position == original.last else (FaultKind.CHANGED,)

    def located(faults: list[Fault]) -> bool:
        return any(fault.kind in kinds and fault.position <= position <= fault.until for fault in faults)

    return Change(f"entry {position} changed and hashed anew", original.with_frames(frames), located)


def _only(position: int, kinds: tuple[FaultKind, ...]) -> Callable[[list[Fault]], bool]:
    """One fault, of one of these kinds, at this entry and no other."""

    def located(faults: list[Fault]) -> bool:
        return [(fault.kind in kinds, fault.position, fault.until) for fault in faults] == [(True, position, position)]

    return located
