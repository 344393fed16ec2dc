"""The broker as the kernel needs it: somewhere to append records in order, and somewhere to read them in order; and one
of them again, by its place."""

from murmur_kernel.bus.base import Reader, Sink, Source, TopicPartition

__all__ = ["Reader", "Sink", "Source", "TopicPartition"]
