"""`python -m murmur_deployer` runs the service."""

from murmur_deployer.app import create_app
from murmur_kernel.serve import serve

if __name__ == "__main__":
    serve("deployer", create_app)
