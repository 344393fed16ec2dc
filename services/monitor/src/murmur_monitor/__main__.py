"""`python -m murmur_monitor`: the service as a process."""

from murmur_kernel.serve import serve
from murmur_monitor.app import create_app

serve("monitor", create_app)
