"""What Faust has queued for us is not thrown away when it resumes after a restart."""

from mode.utils.queues import FlowControlQueue

from murmur_monitor.streams import KeepingFlow


def queued(flow: KeepingFlow) -> FlowControlQueue[str]:
    queue: FlowControlQueue[str] = FlowControlQueue(flow_control=flow, clear_on_resume=True)
    queue.put_nowait("a record")
    return queue


async def test_resuming_keeps_what_is_queued() -> None:
    flow = KeepingFlow()
    queue = queued(flow)
    flow.resume()
    assert flow.is_active()
    assert queue.qsize() == 1


async def test_a_rebalance_empties_the_queues() -> None:
    flow = KeepingFlow()
    queue = queued(flow)
    flow.suspend()
    flow.clear()
    assert queue.qsize() == 0
