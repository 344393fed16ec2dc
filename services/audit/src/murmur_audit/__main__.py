"""Starts audit: `python -m murmur_audit`."""

from murmur_audit.app import create_app
from murmur_kernel.serve import serve

if __name__ == "__main__":
    serve("audit", create_app)
