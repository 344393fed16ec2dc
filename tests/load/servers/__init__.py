"""What bench_serving.py starts: ours, and the peers with the same model, each a process on one core."""
