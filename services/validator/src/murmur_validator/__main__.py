"""Starts the validator: `python -m murmur_validator`."""

from murmur_kernel.serve import serve
from murmur_validator.app import create_app

if __name__ == "__main__":
    serve("validator", create_app)
