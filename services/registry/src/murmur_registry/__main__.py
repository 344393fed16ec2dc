"""Starts the registry: `python -m murmur_registry`."""

from murmur_kernel.serve import serve
from murmur_registry.app import create_app

if __name__ == "__main__":
    serve("registry", create_app)
