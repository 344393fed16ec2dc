"""Verifies a ledger or an export with nothing but its files: is it, byte for byte, what was appended?"""

import fcntl
import os
import time
from collections.abc import Sequence
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from murmur_ledger.chain import walk
from murmur_ledger.checkpoints import Checkpoint, parsed
from murmur_ledger.errors import BadCheckpoint, BadKey, NotALedger
from murmur_ledger.faults import Fault, FaultKind, Report
from murmur_ledger.folder import LedgerFolder
from murmur_ledger.keys import public_from
from murmur_ledger.locate import locate
from murmur_ledger.part import Part, read_part

_NO_KEY = "no public key: pass --key, or keep public-key.pem beside the ledger"


def verify(
    path: Path,
    *,
    checkpoints: Sequence[Checkpoint] = (),
    key: Ed25519PublicKey | None = None,
) -> Report:
    """The report; its `faults` are empty when all is well.

    checkpoints: kept elsewhere; they find what was cut off at the end, or rewritten together with the folder's own.
    key: the public key, from elsewhere; without it the folder's own is believed. Raises NotALedger.
    """
    began = time.perf_counter()
    folder = LedgerFolder(path)
    if not folder.manifest.exists() and not folder.segments():
        raise NotALedger(path, "it has no ledger.json and no *.ledger file")
    faults: list[Fault] = []
    known = [*checkpoints, *_own_checkpoints(folder, faults)]
    trusted = _trusted(folder, known, _key(folder, key, known, faults), faults)
    part = _part(folder, faults)
    live = _being_written(folder)
    walked = walk(folder, part, trusted, live=live)
    report = walked.report
    if walked.broken:
        faults += locate(folder, part, trusted, live=live)
    else:
        faults += walked.faults
    report.faults = sorted(faults, key=lambda fault: (fault.position or 2**62, fault.kind))
    report.seconds = time.perf_counter() - began
    return report


def _own_checkpoints(folder: LedgerFolder, faults: list[Fault]) -> list[Checkpoint]:
    if not folder.checkpoints.exists():
        return []
    found: list[Checkpoint] = []
    text = folder.checkpoints.read_bytes().decode(errors="replace")
    lines = text.split("\n")
    if lines.pop() and not _being_written(folder):
        faults.append(_of_file(FaultKind.SIGNATURE, folder.checkpoints, "its last line has no end"))
    for number, line in enumerate(lines, start=1):
        try:
            found.append(parsed(line))
        except BadCheckpoint as error:
            faults.append(_of_file(FaultKind.SIGNATURE, folder.checkpoints, f"line {number}: {error}"))
    return found


def _key(
    folder: LedgerFolder, key: Ed25519PublicKey | None, known: Sequence[Checkpoint], faults: list[Fault]
) -> Ed25519PublicKey | None:
    own: Ed25519PublicKey | None = None
    if folder.public_key.exists():
        try:
            own = public_from(folder.public_key.read_bytes(), folder.public_key)
        except BadKey as error:
            faults.append(_of_file(FaultKind.MANIFEST, folder.public_key, str(error)))
    elif known and key is None:
        faults.append(_of_file(FaultKind.SIGNATURE, folder.checkpoints, _NO_KEY))
    if key is not None and own is not None and own != key:
        faults.append(_of_file(FaultKind.MANIFEST, folder.public_key, "it is another key than the one given"))
    return key or own


def _trusted(
    folder: LedgerFolder, known: Sequence[Checkpoint], key: Ed25519PublicKey | None, faults: list[Fault]
) -> list[Checkpoint]:
    """By position: those that the key has signed, for this ledger."""
    try:
        ledger = folder.genesis().hex()
    except NotALedger:
        ledger = ""
    trusted: list[Checkpoint] = []
    if key is None:
        return []
    for one in known:
        if not one.is_signed_by(key):
            detail = f"the checkpoint of {one.at} at this position is not signed by this key ({one.key})"
            faults.append(Fault(kind=FaultKind.SIGNATURE, position=one.position, until=one.position, detail=detail))
        elif one.ledger != ledger:
            detail = f"the signed checkpoint of {one.at} is of a ledger with another ledger.json"
            faults.append(_of_file(FaultKind.MANIFEST, folder.manifest, detail))
        else:
            trusted.append(one)
    return sorted(trusted, key=lambda one: one.position)


def _part(folder: LedgerFolder, faults: list[Fault]) -> Part | None:
    if not folder.part.exists():
        return None
    try:
        return read_part(folder.part)
    except ValueError as error:
        faults.append(_of_file(FaultKind.MANIFEST, folder.part, str(error)))
        return None


def _being_written(folder: LedgerFolder) -> bool:
    """Whether a living writer holds the ledger: its newest entry may then be there in part."""
    try:
        handle = os.open(folder.lock, os.O_RDONLY)
    except OSError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(handle)
    return False


def _of_file(kind: FaultKind, path: Path, detail: str) -> Fault:
    return Fault(kind=kind, position=0, until=0, detail=detail, file=path.name)
