"""Every answered request as a row that survives the process, and reaches the monitor without ever delaying an answer.

A row is appended to a segment file before the answer leaves (`segments`), and shipped from there in micro-batches
(`backlog` reads and seals them, `shipper` sends them through a `sink`). Failure model: kill -9 at any moment loses no
row; a batch may then be sent twice, with the same event id, segment and offset. A power cut may lose the last seconds:
nothing is flushed to the disk on purpose.

Layout on disk, below the log directory of one deployment:

    <incarnation>/          one life of one replica; named by its start, so that older ones sort first
        lock                held (flock) by whoever may ship from here: the replica while it lives, its successor later
        origin.json         what all rows have in common
        position.json       up to where rows are shipped, and the sealed batch in flight
        <number>.rows       segments: blocks of rows, one for the requests that were answered together
"""

from murmur_serving.predictionlog.blocks import Features, Rows
from murmur_serving.predictionlog.log import PredictionLog
from murmur_serving.predictionlog.reading import LoggedRow, rows_below, rows_in
from murmur_serving.predictionlog.rows import Origin
from murmur_serving.predictionlog.sink import KafkaSink, Sink, sink_for

__all__ = [
    "Features",
    "KafkaSink",
    "LoggedRow",
    "Origin",
    "PredictionLog",
    "Rows",
    "Sink",
    "rows_below",
    "rows_in",
    "sink_for",
]
