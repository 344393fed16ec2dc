"""Starts tracking: `python -m murmur_tracking`."""

from murmur_kernel.serve import serve
from murmur_tracking.app import create_app

if __name__ == "__main__":
    serve("tracking", create_app)
