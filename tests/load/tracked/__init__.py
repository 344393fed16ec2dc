"""The parts of bench_tracking.py: two sides that speak MLflow's protocol, and what is asked of them."""
