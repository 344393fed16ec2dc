"""Backups of a running embedded flock, and the way back from them."""

from murmur_runtime.backup.manifest import Manifest, read_manifest
from murmur_runtime.backup.restoring import Restored, restore
from murmur_runtime.backup.taking import Taken, back_up

__all__ = ["Manifest", "Restored", "Taken", "back_up", "read_manifest", "restore"]
