"""`python -m murmur_serving <directory>`: one replica of one model server."""

import asyncio
import sys
from pathlib import Path

import uvloop

from murmur_serving.config import read_replica
from murmur_serving.logs import configure_logs
from murmur_serving.process import let_threads_finish


def main() -> None:
    if len(sys.argv) != 2 or not Path(sys.argv[1]).is_dir():
        sys.exit("usage: python -m murmur_serving <directory that murmur_serving.config.write_replica has written>")
    directory = Path(sys.argv[1])
    configure_logs(replica=directory.name)
    let_threads_finish()
    if read_replica(directory).format != "skops":
        # XGBoost imports scikit-learn where it finds it, for wrappers that are of no use here: 3 s and 80 MB a replica.
        sys.modules["sklearn"] = None  # type: ignore[assignment]  # the documented way to make an import fail
    from murmur_serving.server import serve

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        sys.exit(runner.run(serve(directory)))


if __name__ == "__main__":
    main()
