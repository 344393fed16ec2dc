"""The broker as the kernel needs it: somewhere to append records in order, and somewhere to read them in order."""

from murmur_kernel.bus.base import Sink, Source, TopicPartition

__all__ = ["Sink", "Source", "TopicPartition"]
