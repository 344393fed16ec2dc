"""`python -m murmur_trainer`: the trainer as a process of its own."""

from murmur_kernel.serve import serve
from murmur_trainer.app import create_app

if __name__ == "__main__":
    serve("trainer", create_app)
