"""The pipes of a training, on the event loop that services run on."""

import os
import threading

import uvloop

from murmur_training.feed import _pipe


def test_closing_a_pipe_closes_no_file_of_another_thread() -> None:
    """uvloop closes its descriptor and then its file: by then the number may be that of another one."""
    over, lost = threading.Event(), []

    def opens_and_closes() -> None:
        while not over.is_set():
            for descriptor in [os.open(os.devnull, os.O_RDONLY) for _ in range(4)]:
                try:
                    os.close(descriptor)
                except OSError as error:
                    lost.append(error)

    async def opens_and_closes_pipes() -> None:
        for _ in range(500):
            theirs, reader, transport = await _pipe()
            os.close(theirs)
            transport.close()
            assert await reader.read() == b""

    others = [threading.Thread(target=opens_and_closes) for _ in range(2)]
    for one in others:
        one.start()
    try:
        uvloop.run(opens_and_closes_pipes())
    finally:
        over.set()
        for one in others:
            one.join()
    assert lost == []
