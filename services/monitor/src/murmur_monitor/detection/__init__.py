"""The engines that compare a window with its reference, and how one is chosen."""

from murmur_monitor.detection.choosing import detector_for

__all__ = ["detector_for"]
