"""The engines that compare a window with its reference, and how one is chosen."""

from murmur_monitor.detection.choosing import EngineMissing, EngineName, detector_for

__all__ = ["EngineMissing", "EngineName", "detector_for"]
