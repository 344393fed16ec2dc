"""What batches have on the disk, where others come and go."""

import os
import time
from pathlib import Path

from murmur_deployer.batches.spool import Spool


def test_a_file_that_another_call_takes_away_meanwhile_disturbs_nobody(tmp_path: Path) -> None:
    """It is listed and, a moment later, not there: as a link that leads nowhere is."""
    spool = Spool(tmp_path)
    gone = spool.passing(".csv")
    gone.symlink_to(tmp_path / "nowhere")
    assert spool.passing(".csv") != gone


def test_what_a_killed_process_left_is_removed_after_a_day(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    old, young = spool.passing(".csv"), spool.passing(".csv")
    for path, hours in ((old, 25), (young, 23)):
        path.touch()
        os.utime(path, (time.time() - hours * 3600,) * 2)
    spool.passing(".csv")
    assert (old.exists(), young.exists()) == (False, True)
